"""What is counted on the way, by prometheus_client: requests to AWS, and the times that cases took."""

from collections.abc import Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram

from exporter.cases.changes import Changes
from exporter.cases.model import SEVERITY_CODES, Reason
from exporter.metrics import catalog, encode
from exporter.metrics.histogram import GrowingHistogram
from exporter.metrics.metric import Metric

_HOUR = 3600.0
_DAY = 24 * _HOUR
_REQUEST_BUCKETS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0)
_RESPONSE_BUCKETS = (300.0, 900.0, 1800.0, _HOUR, 4 * _HOUR, 8 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY)
_OPEN_BUCKETS = (_HOUR, 4 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 4 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY, 90 * _DAY)
_METRICS = {metric.family: metric for metric in catalog.INSTRUMENTS}


class Instruments:
    """Counters and histograms that are not any account's; safe to use from any thread.

    Args:
        targets: First-response targets in seconds, by severity code; each is a bucket of the histogram.
    """

    def __init__(self, targets: Mapping[str, float]) -> None:
        self._registry = CollectorRegistry()
        self._first_responses = GrowingHistogram(catalog.FIRST_RESPONSE, (*_RESPONSE_BUCKETS, *targets.values()))
        self._registry.register(self._first_responses)
        self._open_durations = self._histogram(catalog.CASE_OPEN_DURATION, _OPEN_BUCKETS)
        self._requests = self._counter(catalog.API_REQUESTS)
        self._errors = self._counter(catalog.API_ERRORS)
        self._durations = self._histogram(catalog.API_REQUEST_DURATION, _REQUEST_BUCKETS)
        for severity_code in SEVERITY_CODES:
            self._first_responses.expect(severity_code)
            self._open_durations.labels(severity_code)

    def aim_at(self, targets: Mapping[str, float]) -> None:
        """Have a bucket at each of these first-response targets, too."""
        self._first_responses.add_bounds(targets.values())

    def request_ended(self, operation: str, duration: float, reason: Reason | None) -> None:
        """Count one request to AWS.

        Args:
            operation: AWS's name of the operation.
            duration: Seconds until its answer was read, or it failed.
            reason: Why it failed, or None.
        """
        self._requests.labels(operation).inc()
        self._durations.labels(operation).observe(duration)
        if reason is not None:
            self._errors.labels(operation, reason.value).inc()

    def changes_seen(self, changes: Changes) -> None:
        """Take note of what happened to cases between two readings of their account."""
        for severity_code, seconds in changes.first_responses:
            self._first_responses.observe(severity_code, seconds)
        for severity_code, seconds in changes.open_durations:
            self._open_durations.labels(severity_code).observe(seconds)

    def families(self) -> Iterator[tuple[Metric, bytes]]:
        """Yield the encoded lines of each metric, in the order of the catalogue, without `_created` series.

        Those would double a counter's cost, and tell nothing here.
        """
        for family in self._registry.collect():
            samples = (sample for sample in family.samples if not sample.name.endswith("_created"))
            lines = [encode.line(sample.name, sample.labels, sample.value) for sample in samples]
            yield _METRICS[family.name], "".join(lines).encode()

    def _histogram(self, metric: Metric, buckets: Sequence[float]) -> Histogram:
        return Histogram(metric.name, metric.help, metric.labels, buckets=buckets, registry=self._registry)

    def _counter(self, metric: Metric) -> Counter:
        return Counter(metric.name, metric.help, metric.labels, registry=self._registry)
