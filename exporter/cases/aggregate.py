"""Counts and moments of an account's open cases, grouped as the metrics show them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from exporter.cases.changes import FirstResponse
from exporter.cases.model import SEVERITY_CODES, Author, Case
from exporter.cases.targets import Targets
from exporter.cases.turns import waiting_since

K = TypeVar("K", str, tuple[str, ...])


class GroupKey(NamedTuple):
    status: str
    severity_code: str
    service_code: str
    last_author: Author
    waiting_on: Author


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


def missing_cases(before: Iterable[Case], listed: Iterable[Case]) -> tuple[Case, ...]:
    present = {case.case_id for case in listed}
    return tuple(case for case in before if case.case_id not in present)


def with_missing(
    listed: tuple[Case, ...], missing: Iterable[Case], found: Mapping[str, Case], missed: frozenset[str]
) -> tuple[tuple[Case, ...], tuple[Case, ...], frozenset[str]]:
    """Return the open cases, those that were resolved, and the ids of those that the next listing decides on.

    A case that a listing leaves out is as AWS then `found` it, or open until the next leaves it out, too: `missed` has those.
    """
    now = [found.get(case.case_id, case) for case in missing]
    resolved = [case for case in now if not case.is_open or (case.case_id in missed and case.case_id not in found)]
    held = missing_cases(now, resolved)
    cases = open_cases((*listed, *held)) if held else listed
    return cases, tuple(resolved), frozenset(case.case_id for case in held) - found.keys()


def group_cases(cases: Iterable[Case]) -> dict[GroupKey, CaseGroup]:
    """Group open cases, in the order of the keys; no group is empty."""
    groups: dict[GroupKey, list[Case]] = {}
    for case in cases:
        key = GroupKey(case.status, case.severity_code, case.service_code, case.last_author, case.waiting_on)
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


def quiet_since_by_side(cases: Iterable[Case]) -> dict[tuple[str, ...], float]:
    """Return, by severity, last author and waiting side, the latest activity of the case that has been quiet longest."""
    return _earliest(cases, lambda one: (one.severity_code, one.last_author, one.waiting_on), lambda one: one.last_activity)


def waiting_since_by_side(cases: Iterable[Case]) -> dict[tuple[str, ...], float]:
    """Return, by severity and waiting side, since when the case waits that waits longest."""
    return _earliest(cases, lambda case: (case.severity_code, case.waiting_on), waiting_since)


def _earliest(cases: Iterable[Case], key: Callable[[Case], K], moment: Callable[[Case], float | None]) -> dict[K, float]:
    earliest: dict[K, float] = {}
    for case in cases:
        at, group = moment(case), key(case)
        if at is not None:
            earliest[group] = min(at, earliest.get(group, at))
    return dict(sorted(earliest.items()))


def due(cases: Iterable[Case], targets: Targets, watched: Mapping[str, FirstResponse]) -> dict[str, float]:
    """Return, by case id, when the first response to each unanswered case that has a target is due; reopened ones have none."""
    return {
        case.case_id: case.created + target
        for case in cases
        if case.is_unanswered and case.created is not None
        if (case.case_id not in watched or watched[case.case_id].awaited is not False)
        if (target := targets.of(case.severity_code, case.service_code)) != float("inf")
    }
