from exporter.metrics.exposition import USUAL, Encoding, Page, PageStore, TextFormat
from tests.support.clock import FakeClock

PLAIN = Encoding(TextFormat.PROMETHEUS, gzip=False)
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
    assert store.get(PLAIN) is None


def test_what_was_asked_for_once_is_there_in_the_next_page() -> None:
    clock = FakeClock()
    store = PageStore(clock.monotonic)
    store.publish(EMPTY)
    assert store.get(PLAIN) is None
    assert store.encode(PLAIN) is not None
    store.publish(EMPTY)
    assert store.get(PLAIN) is not None


def test_what_nobody_asked_for_in_ten_minutes_is_no_longer_made() -> None:
    clock = FakeClock()
    store = PageStore(clock.monotonic)
    store.get(PLAIN)
    clock.advance(601)
    store.publish(EMPTY)
    assert store.get(PLAIN) is None
