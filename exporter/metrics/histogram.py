"""A histogram to which buckets can be added while it counts."""

from collections.abc import Iterable, Iterator

from prometheus_client import Counter
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector
from prometheus_client.utils import INF, floatToGoString

from exporter.metrics.metric import Metric


class GrowingHistogram(Collector):
    """Counts observations by one label; safe to use from any thread.

    A configuration that is read again may want other buckets. Buckets are only ever added: a new one begins with what is in
    the one below it, so that no count goes down.

    Args:
        metric: Its name, help and one label.
        bounds: Upper bounds of its buckets.
    """

    def __init__(self, metric: Metric, bounds: Iterable[float]) -> None:
        self._metric = metric
        (self._label,) = metric.labels
        self._bounds = tuple(sorted(set(bounds)))
        self._counts = Counter("observations", "By value of the label and least bound.", ("value", "bound"), registry=None)
        self._sums = Counter("sum", "Of all observations, by value of the label.", ("value",), registry=None)

    def add_bounds(self, bounds: Iterable[float]) -> None:
        """Have these upper bounds, too."""
        self._bounds = tuple(sorted({*self._bounds, *bounds}))

    def expect(self, value: str) -> None:
        """Show a value of the label before anything is observed."""
        self._sums.labels(value)

    def observe(self, value: str, amount: float) -> None:
        """Count one observation under a value of the label."""
        bound = next((bound for bound in self._bounds if amount <= bound), INF)
        self._counts.labels(value, _written(bound)).inc()
        self._sums.labels(value).inc(max(0.0, amount))

    def collect(self) -> Iterator[Family]:
        """Yield the histogram as one family."""
        family = HistogramMetricFamily(self._metric.name, self._metric.help, labels=self._metric.labels)
        sums = _values(self._sums, "value")
        counts = _values(self._counts, "value", "bound")
        bounds = [_written(bound) for bound in (*self._bounds, INF)]
        for (value,), total in sums.items():
            cumulative = 0.0
            buckets: list[tuple[str, float]] = []
            for bound in bounds:
                cumulative += counts.get((value, bound), 0.0)
                buckets.append((bound, cumulative))
            family.add_metric([value], buckets, total)
        yield family


def _written(bound: float) -> str:
    text: str = floatToGoString(bound)  # type: ignore[no-untyped-call]  # prometheus_client leaves it so
    return text


def _values(counter: Counter, *labels: str) -> dict[tuple[str, ...], float]:
    return {
        tuple(sample.labels[label] for label in labels): sample.value
        for family in counter.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    }
