"""When AWS first wrote on a case whose first communications did not come with it.

DescribeCases brings the latest five communications. A case on which only the customer wrote those may have been answered
before; DescribeCommunications tells. So may one on which AWS wrote some of those: its answer among them need not be the first.
"""

import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from exporter.cases.model import Author, Case, Communication, Reason
from exporter.errors import ReadFailure

LOOKUPS_PER_POLL = 10
"""Cases that are looked up in one poll of an account, mostly a call each; what is left waits for the next poll."""

Lookup = Callable[[str], Awaitable[Iterable[Communication]]]


@dataclass(slots=True)
class _Known:
    first: float | None = None
    looked_up_at: float | None = math.nan
    """The case's latest communication when it was looked up; NaN equals none: it never was."""
    malformed: bool = False


class FirstResponses:
    """Remembers, while cases are open, when AWS first wrote on them; belongs to one account."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._begun = False
        self._last: tuple[Sequence[Case], tuple[Case, ...]] | None = None

    async def complete(self, cases: Sequence[Case], lookup: Lookup) -> tuple[Case, ...]:
        """Return an account's open cases with all that is known of their first response; others are forgotten.

        The lookup returns all communications of a case. When it raises ReadFailure, the rest waits for the next poll.
        """
        if self._last is not None and cases is self._last[0]:
            return self._last[1]  # most polls find nothing new
        self._known = {case.case_id: self._known.get(case.case_id) or _Known() for case in cases}
        questions = {case.case_id: case for case in cases if self._is_open_question(case)}
        # Those whose last answer could not be read come last, or they would keep others from ever being looked up.
        for case_id in sorted(questions, key=lambda case_id: self._known[case_id].malformed)[:LOOKUPS_PER_POLL]:
            known = self._known[case_id]
            try:
                communications = await lookup(case_id)
            except ReadFailure as failure:
                if failure.reason is not Reason.MALFORMED:
                    break  # Others would fail in the same way.
                known.malformed = True
            else:
                known.first = min((one.created for one in communications if one.author is Author.AWS), default=None)
                known.looked_up_at = _latest(questions.pop(case_id))
                known.malformed = False
        self._begun = True
        completed = tuple(case if case.case_id in questions else self._completed(case) for case in cases)
        self._last = None if questions else (cases, completed)
        return completed

    def _completed(self, case: Case) -> Case:
        known = self._known[case.case_id]
        known.first = min((at for at in (case.first_aws, known.first) if at is not None), default=None)
        same = case.first_aws == known.first and case.first_aws_known
        return case if same else replace(case, first_aws=known.first, first_aws_known=True)

    def _is_open_question(self, case: Case) -> bool:
        known = self._known[case.case_id]
        if case.first_aws_known or known.first is not None:
            return False
        if case.first_aws is not None:
            # What the first reading finds answered is no event: it does not matter when that was.
            return self._begun
        return known.looked_up_at != _latest(case)


def _latest(case: Case) -> float | None:
    return case.latest.created if case.latest else None
