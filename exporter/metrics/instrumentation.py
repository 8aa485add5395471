"""The histograms of cases, and what prometheus_client keeps: the exporter's own counters, and the process's metrics."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from math import inf
from operator import attrgetter
from types import MappingProxyType

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, PlatformCollector, ProcessCollector

from exporter.cases.changes import Changes
from exporter.cases.events import EVENT_NAMES, ORIGINS, WRITTEN, Event, Ignored
from exporter.cases.model import Reason
from exporter.metrics import catalog
from exporter.metrics.catalog import Metric
from exporter.metrics.exposition import Family, line, number
from exporter.metrics.histograms import HistogramMap, line_starts, zero, zeros

_MINUTE = 60.0
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_REQUEST_BUCKETS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0)
# Every support plan's targets are among them.
_RESPONSE_BUCKETS = (
    *(5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 4 * _HOUR, 8 * _HOUR, 12 * _HOUR, _DAY),
    *(2 * _DAY, 7 * _DAY),
)
_REPLY_BUCKETS = (_MINUTE, 5 * _MINUTE, 15 * _MINUTE, _HOUR, 4 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY, inf)
_DELAY_BUCKETS = (1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)
_OBSERVED = attrgetter("first_responses", "open_durations", "replies")
_OPEN_BUCKETS = (_HOUR, 4 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 4 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY, 90 * _DAY, inf)


def buckets(targets: Iterable[float]) -> dict[Metric, tuple[float, ...]]:
    """Return those of the histograms of cases; each first-response target (seconds) is one."""
    responses = (*sorted({*_RESPONSE_BUCKETS, *targets}), inf)
    return {catalog.FIRST_RESPONSE: responses, catalog.CASE_OPEN_DURATION: _OPEN_BUCKETS, catalog.REPLY: _REPLY_BUCKETS}


class Instrumentation:
    """Counts requests and what happens to cases; safe to use from any thread.

    First-response targets are buckets for as long as the process runs; `process` shows process_* and python_*. `histograms`,
    those of cases, continue from stored ones that have the same buckets.
    """

    def __init__(self, targets: Iterable[float], *, process: bool = False, stored: HistogramMap = MappingProxyType({})) -> None:
        self._registry = CollectorRegistry()
        self._buckets = buckets(targets)
        same = {series: found for series, found in stored.items() if found.bounds == self._buckets.get(series[0])}
        self.histograms: HistogramMap = zeros(self._buckets) | same
        self.requests = 0
        self._requests = self._counter(catalog.API_REQUESTS)
        self._errors = self._counter(catalog.API_ERRORS)
        self._durations = self._histogram(catalog.API_REQUEST_DURATION, _REQUEST_BUCKETS)
        self._received = self._counter(catalog.EVENTS_RECEIVED)
        self._ignored = self._counter(catalog.EVENTS_IGNORED)
        self._delays: Histogram | None = None  # which would show without labels
        self._seen = self._counter(catalog.CHANGES_SEEN)
        if process:
            ProcessCollector(registry=self._registry)
            PlatformCollector(registry=self._registry)
            GCCollector(registry=self._registry)

    def request_ended(self, operation: str, duration: float, reason: Reason | None) -> None:
        """Count one request to AWS; duration in seconds, a reason if it failed."""
        self.requests += 1
        self._requests.labels(operation).inc()
        if operation != "ReceiveMessage":  # which takes as long as no event comes
            self._durations.labels(operation).observe(duration)
        if reason is not None:
            self._errors.labels(operation, reason.value).inc()

    def expect_events(self) -> None:
        """Show what there is about events, from zero on."""
        self._delays = self._delays or self._histogram(catalog.EVENT_DELAY, _DELAY_BUCKETS)
        for name in EVENT_NAMES:
            for origin in ORIGINS if name == WRITTEN else ("",):
                self._received.labels(name, origin)
        for reason in Ignored:
            self._ignored.labels(reason.value)
        for by in ("event", "poll"):
            self._seen.labels(by)

    def message_received(self, content: Event | Ignored) -> None:
        if isinstance(content, Event):
            self._received.labels(content.name, content.origin).inc()
        else:
            self._ignored.labels(content.value).inc()

    def event_shown(self, delay: float) -> None:
        if self._delays:
            self._delays.observe(delay)

    def changes_seen(self, changes: Changes, announced: Collection[str] = ()) -> None:
        """Count what happened to an account's cases; events came of those whose ids are announced."""
        for case_id in changes.case_ids if self._delays else ():
            self._seen.labels("event" if case_id in announced else "poll").inc()
        histograms = dict(self.histograms)  # a page may be made of the others
        for (metric, bounds), observed in zip(self._buckets.items(), _OBSERVED(changes), strict=True):
            for *values, seconds in observed:
                before = histograms.get((metric, (*values,)), zero(bounds))
                histograms[metric, (*values,)] = before.plus(seconds)
        self.histograms = histograms

    def encode(self, histograms: HistogramMap | None = None) -> Iterator[Family]:
        """Yield all families; histograms of cases as they are now, or as they were.

        prometheus_client's own encoders take twice as long, and write `_created` series, which double a counter's cost.
        """
        current = (self.histograms if histograms is None else histograms).items()
        for metric in self._buckets:
            found = [(line_starts(series, each.bounds), each.values()) for series, each in current if series[0] is metric]
            lines = "".join([f"{start}{number(value)}\n" for each in found for start, value in zip(*each, strict=True)])
            yield Family(metric.family, metric.kind, metric.help, (lines.encode(),))
        for family in self._registry.collect():
            samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
            lines = "".join([line(sample.name, sample.labels, sample.value) for sample in samples])
            yield Family(family.name, family.type, family.documentation, (lines.encode(),))

    def _histogram(self, metric: Metric, buckets: Sequence[float]) -> Histogram:
        return Histogram(metric.name, metric.help, metric.labels, buckets=buckets, registry=self._registry)

    def _counter(self, metric: Metric) -> Counter:
        return Counter(metric.name, metric.help, metric.labels, registry=self._registry)
