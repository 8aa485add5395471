"""Counts and moments of an account's open cases, grouped as the metrics show them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from exporter.cases.model import SEVERITY_CODES, Author, Case

K = TypeVar("K", str, tuple[str, Author])


class GroupKey(NamedTuple):
    status: str
    severity_code: str
    service_code: str
    last_author: Author


@dataclass(frozen=True, slots=True)
class CaseGroup:
    """The cases that share a key: their number, and since when the quietest has been so, if known."""

    count: int
    quiet_since: float | None


def open_cases(cases: Iterable[Case]) -> tuple[Case, ...]:
    """Return each open case once, ordered by case id; of two with one id the first stays."""
    by_id: dict[str, Case] = {}
    for case in cases:
        if case.is_open:
            by_id.setdefault(case.case_id, case)
    return tuple(by_id[case_id] for case_id in sorted(by_id))


def group_cases(cases: Iterable[Case]) -> dict[GroupKey, CaseGroup]:
    """Group open cases by status, severity, service and last author, in the order of the keys; no group is empty."""
    groups: dict[GroupKey, list[Case]] = {}
    for case in cases:
        key = GroupKey(case.status, case.severity_code, case.service_code, case.last_author)
        groups.setdefault(key, []).append(case)
    return {key: CaseGroup(len(groups[key]), quiet_since(groups[key])) for key in sorted(groups)}


def quiet_since(cases: Iterable[Case]) -> float | None:
    """Return the latest activity of the case that has been quiet longest, or None if none is known."""
    return min((at for case in cases if (at := case.last_activity) is not None), default=None)


def count_by_severity(cases: Iterable[Case]) -> dict[str, int]:
    """Count cases by severity code: the documented ones always, mildest first, then any other that occurs."""
    counts: dict[str, int] = {}
    for case in cases:
        counts[case.severity_code] = counts.get(case.severity_code, 0) + 1
    return dict.fromkeys(SEVERITY_CODES, 0) | dict(sorted(counts.items()))


def oldest_by_severity(cases: Iterable[Case]) -> dict[str, float]:
    """Return when the oldest case of each severity was opened; a severity without a known time is absent."""
    return _earliest(cases, lambda case: case.severity_code, lambda case: case.created)


def quiet_since_by_severity_and_author(cases: Iterable[Case]) -> dict[tuple[str, Author], float]:
    """Return, by severity and last author, the latest activity of the case that has been quiet longest."""
    return _earliest(cases, lambda case: (case.severity_code, case.last_author), lambda case: case.last_activity)


def _earliest(cases: Iterable[Case], key: Callable[[Case], K], moment: Callable[[Case], float | None]) -> dict[K, float]:
    earliest: dict[K, float] = {}
    for case in cases:
        at = moment(case)
        if at is not None:
            earliest[key(case)] = min(at, earliest.get(key(case), at))
    return dict(sorted(earliest.items()))


def unanswered(cases: Iterable[Case]) -> tuple[Case, ...]:
    return tuple(case for case in cases if case.is_unanswered)


def overdue(cases: Iterable[Case], targets: Mapping[str, float], now: float) -> tuple[Case, ...]:
    """Return the unanswered cases that are older than the first-response target (seconds) of their severity, if it has one."""
    return tuple(case for case in unanswered(cases) if _due(case, targets) < now)


def next_due(cases: Iterable[Case], targets: Mapping[str, float], now: float) -> float:
    """Return when the next unanswered case passes its target (Unix seconds), infinity when none is to come."""
    return min((due for case in unanswered(cases) if (due := _due(case, targets)) >= now), default=float("inf"))


def _due(case: Case, targets: Mapping[str, float]) -> float:
    target = targets.get(case.severity_code)
    return float("inf") if case.created is None or target is None else case.created + target
