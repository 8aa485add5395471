"""The past of those series that it is known of, as OpenMetrics with the time of each sample.

Samples are at the moments of a grid (Unix seconds), a milestone is at the position of the first moment that is not before
it. What is at position 0 was there when counters began.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from exporter.cases.changes import OPENED, OUTCOME
from exporter.cases.history import ANSWERED, REPLIED, Milestone
from exporter.cases.model import RESOLVED, SEVERITY_CODES, Account
from exporter.metrics import catalog
from exporter.metrics.catalog import Kind, Metric
from exporter.metrics.exposition import label_pairs, line_start, number
from exporter.metrics.families import info_labels, naming
from exporter.metrics.histograms import Series, line_starts, zero, zeros

_COUNTED = {OUTCOME: catalog.FIRST_RESPONSES, OPENED: catalog.CASES_OPENED, RESOLVED: catalog.CASES_RESOLVED}
_MEASURED = {ANSWERED: catalog.FIRST_RESPONSE, RESOLVED: catalog.CASE_OPEN_DURATION, REPLIED: catalog.REPLY}
_RECORDED = {  # what the chart's recording rules make of the counters, for the dashboards
    kind: Metric(f"{level}:{_COUNTED[kind].family}:increase1h", Kind.GAUGE, labels, "Increase in the hour, at its end.")
    for kind, level, labels in (
        (OUTCOME, "account_severity_outcome", ("severity_code", "outcome")),
        (OPENED, "account_severity", ("severity_code",)),
        (RESOLVED, "account_severity", ("severity_code",)),
    )
}
_OF_A_POD = {"instance", "pod", "container", "endpoint", "service"}
_KNOWN = (catalog.ACCOUNT_OPEN_CASES, *_COUNTED.values(), catalog.ACCOUNT_INFO, *_MEASURED.values())
METRICS = (*_KNOWN, *_RECORDED.values())  # whose past is written

Lines = Iterator[tuple[Metric, str]]
Placed = Iterable[tuple[int, Sequence[str], float | None]]  # events at their positions


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

    def end_of_hour(self, position: int) -> int:
        """Return the last position in the hour of one, as hours end."""
        hour = -(-self.grid[position] // 3600) * 3600
        return min((hour - self.grid.start) // self.grid.step, len(self.grid) - 1)

    def spans(self, changes: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Yield from which position to which nothing changes."""
        return pairwise((self.first, *sorted(at for at in changes if self.first < at < self.stop), self.stop))

    def text(self, starts: Iterable[str], values: Iterable[float], begin: int, end: int) -> str:
        heads = [f"{start}{number(value)}" for start, value in zip(starts, values, strict=True)]
        return "".join([f"{head} {moment}\n" for moment in self.grid[begin:end] for head in heads])


def account_lines(account: Account, happened: Placed, stretch: Stretch) -> Lines:
    """Yield one account's lines; a counter that counts nothing has none."""
    series = defaultdict[Series, Counter[int]](
        Counter, {(catalog.ACCOUNT_OPEN_CASES, (code,)): Counter() for code in SEVERITY_CODES}
    )
    for position, (kind, *values), _ in happened:
        if kind in {OPENED, RESOLVED}:
            series[catalog.ACCOUNT_OPEN_CASES, (values[0],)][position] += 1 if kind == OPENED else -1
        if kind in _COUNTED and 0 < position < len(stretch.grid):
            series[_COUNTED[kind], tuple(values)][position] += 1
            series[_RECORDED[kind], tuple(values[: len(_RECORDED[kind].labels)])][stretch.end_of_hour(position)] += 1
    names = ",".join(label_pairs((*stretch.labels, *naming(account))))
    info = line_start(catalog.ACCOUNT_INFO.name, tuple(info_labels(account).items()), names)
    yield catalog.ACCOUNT_INFO, stretch.text([info], [1], stretch.first, stretch.stop)
    of_job = (each for each in stretch.labels if each[0] not in _OF_A_POD)
    recorded = ",".join(label_pairs((*of_job, ("account_id", account.account_id))))
    for (metric, own), growth in series.items():
        anew = metric in _RECORDED.values()
        labels = tuple(zip(metric.labels[-len(own) :], own, strict=True))
        start = line_start(metric.name, labels, recorded if anew else names)
        value = sum(by for at, by in growth.items() if at < stretch.first)
        for begin, end in stretch.spans({at + after for at in growth for after in range(1 + anew)}):
            value = growth[begin] + (0 if anew else value)
            yield metric, stretch.text([start], [value], begin, end)


class Histograms:
    """The histograms of all accounts together, one stretch after the other."""

    def __init__(self, buckets: Mapping[Metric, Sequence[float]], *, communications: bool) -> None:
        self._buckets = buckets
        self._histograms = zeros(buckets if communications else {(only := catalog.CASE_OPEN_DURATION): buckets[only]})
        self._seconds = defaultdict[Series, defaultdict[int, list[float]]](lambda: defaultdict(list))

    def observe(self, happened: Placed, stretch: Stretch) -> None:
        for position, (kind, *values), seconds in happened:
            if seconds is not None and position and stretch.first <= position < stretch.stop:
                self._seconds[_MEASURED[kind], tuple(values)][position].append(seconds)

    def lines(self, stretch: Stretch) -> Lines:
        """Yield the lines of a stretch, which has then been counted."""
        for series in self._histograms | self._seconds:
            seconds = self._seconds.pop(series, defaultdict(list))
            histogram = self._histograms.get(series, zero(self._buckets[series[0]]))
            starts = line_starts(series, histogram.bounds, stretch.labels)
            for begin, end in stretch.spans(seconds):
                for each in seconds[begin]:
                    histogram = histogram.plus(each)
                yield series[0], stretch.text(starts, histogram.values(), begin, end)
            self._histograms[series] = histogram
