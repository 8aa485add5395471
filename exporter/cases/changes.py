"""What happened to an account's cases between two readings of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from exporter.cases.model import Case, Reading

REOPENED = "reopened"
APPEARS_WITHIN = 420.0
"""How long a new case may take to show up in readings, in seconds. One that shows up later than that was there before.

Two minutes for AWS, and the five by which the exporter's clock may be ahead of AWS's before AWS refuses its signatures.
"""


class FirstResponse(NamedTuple):
    """What is known of AWS's first response to an open case."""

    judged: bool  # its target needs no more watching: the case was answered, or the target has passed
    awaited: bool | None  # its time is still to be learnt; None where AWS may have answered before anyone looked


AWAITED = FirstResponse(judged=False, awaited=True)
SETTLED = FirstResponse(judged=True, awaited=False)
"""Also of a case that was reopened: who reopens it did not wait all that time."""
_shared = cache(FirstResponse)
"""There are as many as open cases, and six that differ."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What was seen to happen between two successful readings of one account.

    Times are pairs of a severity code and the seconds since the case was opened.
    """

    opened: tuple[Case, ...] = ()
    resolved: tuple[Case, ...] = ()  # as they were last seen
    reopened: tuple[Case, ...] = ()
    breached: tuple[Case, ...] = ()  # their first-response target passed unanswered, or they were answered late
    first_responses: tuple[tuple[str, float], ...] = ()
    open_durations: tuple[tuple[str, float], ...] = ()
    watched: Mapping[str, FirstResponse] = field(default_factory=lambda: MappingProxyType({}))
    """Of each open case, by case id. It goes into the next comparison."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many cases of an account were seen to change since the exporter started, by severity code."""

    opened: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    resolved: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    reopened: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    breached: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    def plus(self, changes: Changes) -> "Tally":
        if not (changes.opened or changes.resolved or changes.reopened or changes.breached):
            return self
        return Tally(
            opened=_add(self.opened, changes.opened),
            resolved=_add(self.resolved, changes.resolved),
            reopened=_add(self.reopened, changes.reopened),
            breached=_add(self.breached, changes.breached),
        )


def baseline(reading: Reading, targets: Mapping[str, float]) -> Changes:
    """Return what the first reading of an account amounts to: nothing was seen to happen. Targets are in seconds."""
    # A target that has passed was passed before anyone watched, also where it is not known yet whether AWS had answered.
    watched = {
        case.case_id: SETTLED
        if case.status == REOPENED
        else _shared(
            judged=case.first_aws is not None or _is_due(case, targets, reading.taken_at),
            awaited=_still_awaited(case, before=None),
        )
        for case in reading.cases
    }
    return Changes(watched=MappingProxyType(watched))


def changes(before: Reading, after: Reading, watched: Mapping[str, FirstResponse], targets: Mapping[str, float]) -> Changes:
    """Return what happened between two successful readings of one account; `watched` is that of the changes before.

    The target (seconds) of a case's severity now counts.
    """
    if after.cases is before.cases and not any(
        not watched[case.case_id].judged and _settled(case, targets, after.taken_at) for case in after.cases
    ):
        return Changes(watched=watched)  # most polls find nothing new
    known = {case.case_id: case for case in before.cases}
    present = {case.case_id for case in after.cases}
    new = [case for case in after.cases if case.case_id not in known]
    back = [case for case in new if _was_there_before(case, before.taken_at)]
    back_ids = {case.case_id for case in back}
    opened = tuple(case for case in new if case.case_id not in back_ids)
    # AWS says so where a case was resolved and reopened in between.
    away = {case.case_id for case in after.cases if case.status == REOPENED and _was_open_otherwise(known.get(case.case_id))}
    resolved = tuple(case for case in before.cases if case.case_id not in present or case.case_id in away)
    # What AWS wrote by then may be its first response all the same.
    unanswered = {case.case_id for case in after.cases if case.case_id in away and case.first_aws is None}
    earlier = {
        **watched,
        **dict.fromkeys((case.case_id for case in opened), AWAITED),
        **dict.fromkeys(back_ids | unanswered, SETTLED),
    }
    settled = [case for case in after.cases if not earlier[case.case_id].judged and _settled(case, targets, after.taken_at)]
    settled_ids = {case.case_id for case in settled}
    return Changes(
        opened=opened,
        resolved=resolved,
        reopened=(*back, *(case for case in after.cases if case.case_id in away)),
        breached=tuple(case for case in settled if _late(case, targets, after.taken_at)),
        first_responses=tuple(_first_responses(case for case in after.cases if earlier[case.case_id].awaited)),
        open_durations=tuple(
            (case.severity_code, max(0.0, after.taken_at - case.created)) for case in resolved if case.created is not None
        ),
        watched=MappingProxyType(
            {
                case.case_id: _shared(
                    judged=earlier[case.case_id].judged or case.case_id in settled_ids,
                    awaited=_still_awaited(case, before=earlier[case.case_id].awaited),
                )
                for case in after.cases
            }
        ),
    )


def _first_responses(awaited: Iterable[Case]) -> Iterable[tuple[str, float]]:
    for case in awaited:
        if case.created is not None and case.first_aws is not None and case.first_aws_known:
            yield case.severity_code, max(0.0, case.first_aws - case.created)


def _still_awaited(case: Case, *, before: bool | None) -> bool | None:
    """Return what `FirstResponse.awaited` is after a reading, from what it was before."""
    if before is False or (case.first_aws is not None and case.first_aws_known):
        return False
    return True if before or case.first_aws_known else None


def _was_open_otherwise(earlier: Case | None) -> bool:
    return earlier is not None and earlier.status != REOPENED


def _was_there_before(case: Case, earlier: float) -> bool:
    return case.status == REOPENED or (case.created is not None and case.created < earlier - APPEARS_WITHIN)


def _settled(case: Case, targets: Mapping[str, float], now: float) -> bool:
    return (case.first_aws is not None and case.first_aws_known) or _late(case, targets, now)


def _late(case: Case, targets: Mapping[str, float], now: float) -> bool:
    """Return whether the first response came after its target, or has not come although the target has passed."""
    if not case.first_aws_known:
        return False
    return _is_due(case, targets, now if case.first_aws is None else case.first_aws)


def _is_due(case: Case, targets: Mapping[str, float], moment: float) -> bool:
    target = targets.get(case.severity_code)
    return case.created is not None and target is not None and moment - case.created > target


def _add(counts: Mapping[str, int], cases: Iterable[Case]) -> Mapping[str, int]:
    total = dict(counts)
    for case in cases:
        total[case.severity_code] = total.get(case.severity_code, 0) + 1
    return MappingProxyType(total)
