"""What was written on a case before the latest five communications, which are all that DescribeCases brings.

Who opened it, when AWS first wrote, and what came since the last reading: where five do not tell, it is looked up.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace

from exporter.cases.model import Author, Case, Communication, Reason, pack
from exporter.cases.turns import first_by_aws, in_order, opened_by, tail
from exporter.errors import ReadFailure

LOOKUPS_PER_POLL = 10
"""Cases that are looked up in one poll of an account, mostly a call each; what is left waits for the next poll."""

Lookup = Callable[[str], Awaitable[Iterable[Communication]]]


class Correspondence:
    """Remembers what was written on the open cases of one account, from those on that are known already."""

    def __init__(self, completed: tuple[Case, ...] | None = None) -> None:
        self._begun = completed is not None
        self._listed: Sequence[Case] | None = None  # when nothing had to be looked up
        self._completed = completed or ()
        self._looked_up: dict[str, int] = {}  # in which poll, by number
        self._polls = 0

    async def complete(self, cases: Sequence[Case], lookup: Lookup) -> tuple[Case, ...]:
        """Return cases with what was written on them; `lookup` returns all communications of one, or raises ReadFailure."""
        if cases is self._listed:
            return self._completed  # most polls find nothing new
        before = {case.case_id: case for case in self._completed}
        found = {case.case_id: self._with_latest(case, before.get(case.case_id)) for case in cases}
        completed = {case_id: case for case_id, (case, _) in found.items()}
        looked_up = {case_id: self._looked_up.get(case_id, 0) for case_id, (_, is_known) in found.items() if not is_known}
        polls = self._polls + 1
        # Those that were looked up before come last, or they would keep others from ever being looked up.
        listed = {case.case_id: case for case in cases}
        for case_id in sorted(looked_up, key=lambda case_id: looked_up[case_id])[:LOOKUPS_PER_POLL]:
            looked_up[case_id] = polls
            try:
                known = (*listed[case_id].communications, *completed[case_id].communications)  # the answer may lag behind
                written = (*await lookup(case_id), *known)
            except ReadFailure as failure:
                if failure.reason is not Reason.MALFORMED:
                    break  # Others would fail in the same way.
            else:
                completed[case_id] = whole(completed[case_id], written)
        # Not before: nobody has seen a reading that was cancelled.
        self._begun, self._listed = True, None if looked_up else cases
        self._completed, self._looked_up, self._polls = tuple(completed.values()), looked_up, polls
        return self._completed

    def _with_latest(self, case: Case, before: Case | None) -> tuple[Case, bool]:
        """Return a case with what is known, and whether that is all; if not, it has what was written by the last reading."""
        if before is None or not before.first_aws_known:
            if case.first_aws_known:
                return case, True
            if self._begun:
                return replace(case, packed=before.packed if before else b""), False
            # What the first reading finds answered is no event: it does not matter when that was. Its turn may be older.
            is_past = len({one.author for one in case.communications}) > 1
            return replace(case, first_aws_known=is_past), is_past
        seen, latest, opener = before.communications, case.communications, before.opened_by
        if not case.first_aws_known and not (seen and latest and latest[0].created <= seen[-1].created):
            is_awaited = before.first_aws is None and opener is Author.CUSTOMER
            held = case if is_awaited else replace(case, first_aws=before.first_aws, first_aws_known=True)
            return replace(held, opened_by=opener, packed=before.packed, latest=case.latest or before.latest), False
        written = in_order((*seen, *latest))  # a listing may lag behind: what was seen once stays
        if written == latest and case.first_aws_known and case.opened_by is opener:
            return case, True
        first = before.first_aws or (None if opener is Author.AWS else first_by_aws(written))
        return _with(case, tail(written, written.index(latest[0]) if latest else 0), first, opener), True


def whole(case: Case, written: Iterable[Communication]) -> Case:
    """Return a case with all of its communications."""
    ordered = in_order(written)
    opener = opened_by(ordered)
    return _with(case, ordered, None if opener is Author.AWS else first_by_aws(ordered), opener)


def _with(case: Case, written: tuple[Communication, ...], first_aws: float | None, opener: Author) -> Case:
    latest = written[-1] if written else case.latest
    return replace(case, latest=latest, first_aws=first_aws, first_aws_known=True, opened_by=opener, packed=pack(written))
