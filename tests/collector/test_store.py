from types import MappingProxyType

from exporter.cases.status import AccountStatus
from exporter.collector.store import USUAL, PageStore
from exporter.metrics.encode import TextFormat
from exporter.metrics.families import View
from exporter.metrics.instruments import Instruments
from exporter.metrics.page import Encoding, Page, Segment
from exporter.metrics.renderer import Renderer
from tests.collector.conftest import FakeTiming

PLAIN = Encoding(TextFormat.PROMETHEUS, gzip=False)


def page(now: float = 0.0) -> Page:
    statuses: list[AccountStatus] = []
    return Renderer(View(1800.0, {}), Instruments({})).render(statuses, [], now)


def test_there_is_nothing_before_the_first_page(timing: FakeTiming) -> None:
    store = PageStore(timing.monotonic)
    assert store.prepared(USUAL) is None
    assert store.prepare(USUAL) is None


def test_what_prometheus_usually_asks_for_is_there_from_the_start(timing: FakeTiming) -> None:
    store = PageStore(timing.monotonic)
    store.publish(page())
    assert store.prepared(USUAL) is not None
    assert store.prepared(PLAIN) is None


def test_what_was_asked_for_once_is_there_in_the_next_page(timing: FakeTiming) -> None:
    store = PageStore(timing.monotonic)
    store.publish(page())
    assert store.prepared(PLAIN) is None
    assert store.prepare(PLAIN) is not None
    store.publish(page(1.0))
    assert store.prepared(PLAIN) is not None


def test_the_plain_text_of_what_did_not_change_is_kept_for_as_long_as_somebody_asks_for_it(timing: FakeTiming) -> None:
    store, kept = PageStore(timing.monotonic), Segment([b"a 1\n", b"a 2\n"])

    def plain() -> bytes:
        store.publish(Page(MappingProxyType(dict.fromkeys(TextFormat, (kept,)))))
        store.prepared(PLAIN)
        body = store.prepare(PLAIN)
        assert body is not None
        return body.stored[0]

    first = plain()
    assert plain() is first
    timing.advance(601)
    again = plain()
    assert again == first
    assert again is not first


def test_what_nobody_asked_for_in_ten_minutes_is_no_longer_made(timing: FakeTiming) -> None:
    store = PageStore(timing.monotonic)
    store.prepared(PLAIN)
    timing.advance(601)
    store.publish(page())
    assert store.prepared(PLAIN) is None
