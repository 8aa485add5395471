from exporter.metrics.exposition import USUAL, Encoding, Page, PageStore, TextFormat
from tests.support.clock import FakeClock

TEXT = Encoding(TextFormat.PROMETHEUS, gzip=True)
EMPTY = Page((), lambda _: b"")


def test_there_is_nothing_before_the_first_page() -> None:
    clock = FakeClock()
    store = PageStore(clock.monotonic)
    assert store.get(USUAL) is None
    assert store.encode(USUAL) is None


def test_what_prometheus_usually_asks_for_is_there_from_the_start() -> None:
    clock = FakeClock()
    store = PageStore(clock.monotonic)
    store.publish(EMPTY)
    assert store.get(USUAL) is not None
    assert store.get(TEXT) is None


def test_what_was_asked_for_once_is_there_in_the_next_page() -> None:
    clock = FakeClock()
    store = PageStore(clock.monotonic)
    store.publish(EMPTY)
    assert store.get(TEXT) is None
    assert store.encode(TEXT) is not None
    store.publish(EMPTY)
    assert store.get(TEXT) is not None


def test_what_nobody_asked_for_in_ten_minutes_is_no_longer_made() -> None:
    clock = FakeClock()
    store = PageStore(clock.monotonic)
    store.get(TEXT)
    clock.advance(601)
    store.publish(EMPTY)
    assert store.get(TEXT) is None


def test_what_is_not_compressed_is_made_only_for_whoever_asks() -> None:
    store, plain = PageStore(FakeClock().monotonic), Encoding(TextFormat.PROMETHEUS, gzip=False)
    store.get(plain)
    store.publish(EMPTY)
    assert store.get(plain) is None
    assert store.encode(plain) is not None
    assert store.get(plain) is not None
