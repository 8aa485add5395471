"""The past of those series that it is known of, as OpenMetrics with the time of each sample.

Samples are at the moments of a grid (Unix seconds), a milestone is at the position of the first moment that is not before
it. What is at position 0 was there when counters began.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise, product
from math import ceil, inf

from prometheus_client.utils import floatToGoString

from exporter.cases.changes import OPENED, OUTCOME
from exporter.cases.history import ANSWERED, REPLIED, Milestone
from exporter.cases.model import RESOLVED, SEVERITY_CODES, Account, Author
from exporter.metrics import catalog
from exporter.metrics.catalog import Metric
from exporter.metrics.exposition import label_pairs, line_start, number
from exporter.metrics.families import info_labels, naming

_COUNTED = {OUTCOME: catalog.FIRST_RESPONSES, OPENED: catalog.CASES_OPENED, RESOLVED: catalog.CASES_RESOLVED}
_MEASURED = {ANSWERED: catalog.FIRST_RESPONSE, RESOLVED: catalog.CASE_OPEN_DURATION, REPLIED: catalog.REPLY}
METRICS = (catalog.ACCOUNT_OPEN_CASES, *_COUNTED.values(), catalog.ACCOUNT_INFO, *_MEASURED.values())
"""Whose past is known."""

Lines = Iterator[tuple[Metric, str]]
Placed = Iterable[tuple[int, Sequence[str], float | None]]
"""Events at their positions."""
_Series = tuple[Metric, tuple[str, ...]]  # with the values of its own labels


@dataclass(frozen=True, slots=True)
class Stretch:
    """The positions of a grid, from `first` up to `stop`, that go into one file; all series have these labels."""

    grid: range
    first: int
    stop: int
    labels: tuple[tuple[str, str], ...] = ()

    def placed(self, happened: Iterable[Milestone]) -> Placed:
        for at, counted, seconds in happened:
            yield max(0, min(len(self.grid), ceil((at - self.grid.start) / self.grid.step))), counted, seconds

    def spans(self, changes: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Yield from which position to which nothing changes."""
        return pairwise((self.first, *sorted(at for at in changes if self.first < at < self.stop), self.stop))

    def text(self, starts: Iterable[str], values: Iterable[float], begin: int, end: int) -> str:
        heads = [f"{start}{number(value)}" for start, value in zip(starts, values, strict=True)]
        return "".join([f"{head} {moment}\n" for moment in self.grid[begin:end] for head in heads])


def account_lines(account: Account, happened: Placed, stretch: Stretch) -> Lines:
    """Yield one account's lines; a counter that counts nothing on the whole grid has none."""
    series = defaultdict[_Series, Counter[int]](
        Counter, {(catalog.ACCOUNT_OPEN_CASES, (code,)): Counter() for code in SEVERITY_CODES}
    )
    for position, (kind, *values), _ in happened:
        if kind in {OPENED, RESOLVED}:
            series[catalog.ACCOUNT_OPEN_CASES, (values[0],)][position] += 1 if kind == OPENED else -1
        if kind in _COUNTED and 0 < position < len(stretch.grid):
            series[_COUNTED[kind], tuple(values)][position] += 1
    names = ",".join(label_pairs((*stretch.labels, *naming(account))))
    info = line_start(catalog.ACCOUNT_INFO.name, tuple(info_labels(account).items()), names)
    yield catalog.ACCOUNT_INFO, stretch.text([info], [1], stretch.first, stretch.stop)
    for (metric, own), growth in series.items():
        start = line_start(metric.name, tuple(zip(metric.labels[len(catalog.ACCOUNT) :], own, strict=True)), names)
        value = sum(by for at, by in growth.items() if at < stretch.first)
        for begin, end in stretch.spans(growth):
            value += growth[begin]
            yield metric, stretch.text([start], [value], begin, end)


class Histograms:
    """The histograms of all accounts together, one stretch after the other."""

    def __init__(self, buckets: Mapping[Metric, Sequence[float]], *, communications: bool) -> None:
        self._buckets = buckets
        self._seconds = defaultdict[_Series, defaultdict[int, list[float]]](lambda: defaultdict(list))
        for metric, *values in product(buckets if communications else [catalog.CASE_OPEN_DURATION], SEVERITY_CODES, Author):
            _ = self._seconds[metric, tuple(values[: len(metric.labels)])]  # zeros, as the exporter has them
        self._counts = defaultdict[_Series, Counter[int]](Counter)  # by bucket
        self._sums = defaultdict[_Series, float](float)

    def observe(self, happened: Placed, stretch: Stretch) -> None:
        for position, (kind, *values), seconds in happened:
            if seconds is not None and position and stretch.first <= position < stretch.stop:
                self._seconds[_MEASURED[kind], tuple(values)][position].append(seconds)

    def lines(self, stretch: Stretch) -> Lines:
        """Yield the lines of a stretch, which has then been counted."""
        for series, seconds in self._seconds.items():
            metric, bounds, counts = series[0], self._buckets[series[0]], self._counts[series]
            own = (*stretch.labels, *zip(metric.labels, series[1], strict=True))
            les = [floatToGoString(bound) for bound in (*bounds, inf)]  # type: ignore[no-untyped-call]  # as in the live page
            starts = [line_start(f"{metric.name}_bucket", (*own, ("le", le))) for le in les]
            starts += [line_start(f"{metric.name}_{part}", own) for part in ("count", "sum")]
            for begin, end in stretch.spans(seconds):
                for each in seconds.pop(begin, ()):
                    counts[bisect_left(bounds, each)] += 1
                    self._sums[series] += each
                below = list(accumulate(counts[bucket] for bucket in range(len(les))))
                yield metric, stretch.text(starts, (*below, below[-1], self._sums[series]), begin, end)
