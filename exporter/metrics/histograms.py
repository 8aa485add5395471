"""Histograms as plain counts, so that they can be stored, and be at other times than now."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from prometheus_client.utils import floatToGoString

from exporter.cases.model import SEVERITY_CODES, Author
from exporter.metrics.catalog import Metric
from exporter.metrics.exposition import line_start

Series = tuple[Metric, tuple[str, ...]]  # with the values of its own labels


class Histogram(NamedTuple):
    bounds: tuple[float, ...]  # the last is infinity
    counts: tuple[int, ...]  # up to each
    sum: float = 0.0

    def plus(self, value: float) -> "Histogram":
        counts = [count + (value <= bound) for bound, count in zip(self.bounds, self.counts, strict=True)]
        return Histogram(self.bounds, tuple(counts), self.sum + value)

    def values(self) -> tuple[float, ...]:
        """Return what stands on each of the lines."""
        return (*self.counts, self.counts[-1], self.sum)


HistogramMap = Mapping[Series, Histogram]


def zeros(buckets: Mapping[Metric, Sequence[float]]) -> dict[Series, Histogram]:
    """Return the histograms that there always are: of the documented severities, and of both authors."""
    every = product(buckets.items(), SEVERITY_CODES, Author)
    return {(metric, tuple(own[: len(metric.labels)])): zero(bounds) for (metric, bounds), *own in every}


def zero(bounds: Sequence[float]) -> Histogram:
    return Histogram(tuple(bounds), (0,) * len(bounds))


def line_starts(series: Series, bounds: Iterable[float], labels: Iterable[tuple[str, str]] = ()) -> list[str]:
    metric, values = series
    own = (*labels, *zip(metric.labels, values, strict=True))
    les = [floatToGoString(bound) for bound in bounds]  # type: ignore[no-untyped-call]  # as prometheus_client has it
    parts = [("bucket", (*own, ("le", le))) for le in les] + [("count", own), ("sum", own)]
    return [line_start(f"{metric.name}_{part}", each) for part, each in parts]
