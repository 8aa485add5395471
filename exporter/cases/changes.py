"""What happened to an account's cases between two readings of it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from exporter.cases.events import RESOLUTION, Event
from exporter.cases.model import RESOLVED, Author, Case, Reading
from exporter.cases.targets import Targets
from exporter.cases.turns import in_order, replies

_NOTHING: Mapping[Any, Any] = MappingProxyType({})
REOPENED = "reopened"
MET, MISSED = "met", "missed"
OPENED, WRITTEN, OUTCOME = "opened", "written", "outcome"
APPEARS_WITHIN = 420.0
"""Seconds that a new case may take to show up: two minutes for AWS, and five by which its clock may be behind ours."""


class FirstResponse(NamedTuple):
    """What is known of AWS's first response to an open case."""

    judged: bool  # its target needs no more watching: the case was answered, or the target has passed
    awaited: bool | None  # its time is still to be learnt; None where AWS may have answered before anyone looked


AWAITED = FirstResponse(judged=False, awaited=True)
SETTLED = FirstResponse(judged=True, awaited=False)
"""Also of a case that was reopened: who reopens it did not wait all that time. And of one that AWS opened."""
_shared = cache(FirstResponse)  # there are as many as open cases, and six that differ


@dataclass(frozen=True, slots=True)
class Changes:
    """What was seen to happen between two readings of one account; times are seconds since a case was opened, by severity."""

    opened: tuple[Case, ...] = ()
    resolved: tuple[Case, ...] = ()  # as they were last seen
    reopened: tuple[Case, ...] = ()
    outcomes: tuple[tuple[str, str], ...] = ()  # severity code, met or missed: of cases that were settled
    first_responses: tuple[tuple[str, float], ...] = ()
    open_durations: tuple[tuple[str, float], ...] = ()
    replies: tuple[tuple[str, Author, float], ...] = ()  # severity code, by whom, after how many seconds
    written: tuple[Author, ...] = ()  # of each new communication
    watched: Mapping[str, FirstResponse] = field(default_factory=lambda: _NOTHING)
    """Of each open case, by case id. It goes into the next comparison."""
    case_ids: AbstractSet[str] = frozenset()  # to which something happened that AWS sends an event for


@dataclass(frozen=True, slots=True)
class Tally:
    """How often each change was seen on an account's cases since its counters began: its kind, and what it is counted by."""

    counts: Mapping[tuple[str, ...], int] = field(default_factory=lambda: _NOTHING)

    def plus(self, changes: Changes) -> "Tally":
        events = Counter[tuple[str, ...]]()
        events.update((OPENED, case.severity_code, case.opened_by) for case in changes.opened)
        events.update((RESOLVED, case.severity_code) for case in changes.resolved)
        events.update((REOPENED, case.severity_code) for case in changes.reopened)
        events.update((OUTCOME, *outcome) for outcome in changes.outcomes)
        events.update((WRITTEN, author) for author in changes.written)
        return Tally(MappingProxyType(Counter(self.counts) + events)) if events else self


def baseline(reading: Reading, targets: Targets) -> Changes:
    """Return what the first reading of an account amounts to: nothing was seen to happen."""
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


def changes(
    before: Reading, after: Reading, watched: Mapping[str, FirstResponse], targets: Targets, events: Iterable[Event] = ()
) -> Changes:
    """Return what happened between two successful readings of one account; `watched` is that of the changes before.

    The target of a case's severity now counts. Events tell when a case was resolved, which no reading does; not that it was.
    """
    if (
        after.cases is before.cases
        and not after.resolved
        and not any(not watched[case.case_id].judged and _settled(case, targets, after.taken_at) for case in after.cases)
    ):
        return Changes(watched=watched)  # most polls find nothing new
    known = {case.case_id: case for case in before.cases}
    present = {case.case_id for case in after.cases}
    new = [case for case in after.cases if case.case_id not in known]
    back = [case for case in new if _was_there_before(case, before.taken_at)]
    back_ids = {case.case_id for case in back}
    opened = tuple(case for case in new if case.case_id not in back_ids)
    # AWS says so where a case was resolved and reopened in between.
    reopened = (case for case in after.cases if case.status == REOPENED and case.case_id in known)
    away = {case.case_id for case in reopened if known[case.case_id].status != REOPENED}
    last_seen = known | {case.case_id: case for case in after.resolved}
    resolved = tuple(last_seen[case.case_id] for case in before.cases if case.case_id not in present or case.case_id in away)
    # What AWS wrote by then may still be its first response.
    unanswered = {case.case_id for case in after.cases if case.case_id in away and case.first_aws is None}
    earlier = {
        **watched,
        **dict.fromkeys((case.case_id for case in opened), AWAITED),
        **dict.fromkeys(back_ids | unanswered, SETTLED),
    }
    # A case that was resolved is settled by an answer only.
    answered = [case for case in after.resolved if case.case_id in known and case.first_aws is not None]
    seen = (*after.cases, *answered)
    settled = [case for case in seen if not earlier[case.case_id].judged and _settled(case, targets, after.taken_at)]
    told_of = sorted((event.at or 0.0, event.case_id) for event in events if event.name == RESOLUTION)
    told_of = [event for event in told_of if event[0] > before.taken_at - APPEARS_WITHIN]  # it was seen open since
    ended = {case_id: min(at, after.taken_at) for at, case_id in told_of}
    returned = {case_id: ended.get(case_id, before.taken_at) for case_id in back_ids | away}
    told = list(_told(before, after, watched, {case.case_id for case in opened}, returned))
    return Changes(
        opened=opened,
        resolved=resolved,
        reopened=(*back, *(case for case in after.cases if case.case_id in away)),
        outcomes=tuple(
            (case.severity_code, MISSED if _late(case, targets, after.taken_at) else MET)
            for case in settled
            if case.created is not None and targets.of(case.severity_code, case.service_code) != float("inf")
        ),
        first_responses=tuple(
            (case.severity_code, max(0.0, case.first_aws - case.created))
            for case in seen
            if earlier[case.case_id].awaited and case.first_aws_known
            if case.created is not None and case.first_aws is not None
        ),
        open_durations=tuple(
            (
                case.severity_code,
                max(0.0, max(ended.get(case.case_id, before.taken_at), case.last_activity or 0.0) - case.created),
            )
            for case in resolved
            if case.created is not None
        ),
        replies=tuple(reply for _, found, _ in told for reply in found),
        written=tuple(author for _, _, authors in told for author in authors),
        case_ids={
            *(case.case_id for case in (*opened, *resolved, *back)),
            *(case_id for case_id, _, authors in told if authors),
        },
        watched=MappingProxyType(
            {
                case.case_id: _shared(
                    judged=earlier[case.case_id].judged or _settled(case, targets, after.taken_at),
                    awaited=_still_awaited(case, before=earlier[case.case_id].awaited),
                )
                for case in after.cases
            }
        ),
    )


def _told(
    before: Reading, after: Reading, watched: Mapping[str, FirstResponse], opened: set[str], returned: Mapping[str, float]
) -> Iterator[tuple[str, list[tuple[str, Author, float]], list[Author]]]:
    """Yield, for each case, its id, the replies that are new, and the authors of all new communications."""
    known = {case.case_id: case for case in before.cases}
    for case in (*after.cases, *(case for case in after.resolved if case.case_id in known)):
        earlier = known.get(case.case_id)
        if earlier is not None and earlier.packed == case.packed:
            continue
        seen = () if earlier is None else earlier.communications
        # Of a turn that began before the latest five its first message is kept, and not those in between.
        since = seen[-5:][0].created if seen else float("-inf")
        begins = case.case_id in returned or not (seen or case.case_id in opened or watched[case.case_id].awaited)
        if begins:
            since = before.taken_at  # what was written before is not known
        written = in_order((*seen, *case.communications))
        end = returned.get(case.case_id, float("-inf"))  # a resolution ends a turn
        turns = [one for one in written if not begins or one.created > since]
        parts = [one for one in turns if one.created <= end], [one for one in turns if one.created > end]
        answered, known_already = {answer for answer, _ in replies(seen)}, {*seen}
        yield (
            case.case_id,
            [
                (case.severity_code, answer.author, seconds)
                for part in parts
                for answer, seconds in replies(part)
                if answer not in answered and answer.created > since and answer != (case.first_aws, Author.AWS)
            ],
            [one.author for one in written if one.created > since and one not in known_already],
        )


def _still_awaited(case: Case, *, before: bool | None) -> bool | None:
    """Return what `FirstResponse.awaited` is after a reading, from what it was before."""
    if before is False or case.opened_by is Author.AWS or (case.first_aws is not None and case.first_aws_known):
        return False
    return True if before or case.first_aws_known else None


def _was_there_before(case: Case, earlier: float) -> bool:
    return case.status == REOPENED or (case.created is not None and case.created < earlier - APPEARS_WITHIN)


def _settled(case: Case, targets: Targets, now: float) -> bool:
    return (case.first_aws is not None and case.first_aws_known) or _late(case, targets, now)


def _late(case: Case, targets: Targets, now: float) -> bool:
    """Return whether the first response came after its target, or has not come although the target has passed."""
    if case.first_aws is None and not case.is_unanswered:
        return False
    return case.first_aws_known and _is_due(case, targets, now if case.first_aws is None else case.first_aws)


def _is_due(case: Case, targets: Targets, moment: float) -> bool:
    return case.created is not None and moment - case.created > targets.of(case.severity_code, case.service_code)
