"""When AWS first wrote on a case whose first communications did not come with it.

DescribeCases brings the latest five communications. A case on which only the customer wrote those may have been answered
before; DescribeCommunications tells. So may one on which AWS wrote some of those: its answer among them need not be the first.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace

from exporter.cases.model import Author, Case, Communication, Reason
from exporter.errors import ReadFailure

LOOKUPS_PER_POLL = 10
"""Cases that are looked up in one poll of an account, mostly a call each; what is left waits for the next poll."""

Lookup = Callable[[str], Awaitable[Iterable[Communication]]]


class FirstResponses:
    """Remembers, while cases are open, when AWS first wrote on them; belongs to one account."""

    def __init__(self) -> None:
        self._first: dict[str, float] = {}
        self._unanswered_at: dict[str, float | None] = {}
        self._malformed: set[str] = set()
        self._begun = False

    async def complete(self, cases: Sequence[Case], lookup: Lookup) -> tuple[Case, ...]:
        """Return an account's open cases with all that is known of their first response; others are forgotten.

        The lookup returns all communications of a case. When it raises ReadFailure, the rest waits for the next poll.
        """
        questions = {case.case_id: case for case in cases if self._is_open_question(case)}
        answers = await self._look_up(questions, lookup)
        completed = tuple(
            case
            if case.case_id in questions and case.case_id not in answers
            else self._completed(case, answers.get(case.case_id, ()))
            for case in cases
        )
        for case_id in answers:
            self._unanswered_at[case_id] = _latest(questions[case_id])
        open_ids = {case.case_id for case in cases}
        self._first = {case_id: at for case_id, at in self._first.items() if case_id in open_ids}
        self._unanswered_at = {case_id: at for case_id, at in self._unanswered_at.items() if case_id in open_ids}
        self._malformed &= open_ids
        self._begun = True
        return completed

    async def _look_up(self, case_ids: Iterable[str], lookup: Lookup) -> dict[str, tuple[Communication, ...]]:
        """Look cases up until the lookups of one poll are used up, or one fails for a reason that others would share."""
        found: dict[str, tuple[Communication, ...]] = {}
        # Those whose last answer could not be read come last, or they would keep others from ever being looked up.
        for case_id in sorted(case_ids, key=self._malformed.__contains__)[:LOOKUPS_PER_POLL]:
            try:
                found[case_id] = tuple(await lookup(case_id))
            except ReadFailure as failure:
                if failure.reason is not Reason.MALFORMED:
                    break
                self._malformed.add(case_id)
            else:
                self._malformed.discard(case_id)
        return found

    def _completed(self, case: Case, communications: Iterable[Communication]) -> Case:
        first = case.first_aws
        for at in (self._first.get(case.case_id), *(one.created for one in communications if one.author is Author.AWS)):
            if at is not None and (first is None or at < first):
                first = at
        if first is not None:
            self._first[case.case_id] = first
        same = case.first_aws == first and case.first_aws_known
        return case if same else replace(case, first_aws=first, first_aws_known=True)

    def _is_open_question(self, case: Case) -> bool:
        if case.first_aws_known or case.case_id in self._first:
            return False
        if case.first_aws is not None:
            # What the first reading finds answered is no event: it does not matter when that was.
            return self._begun
        return case.case_id not in self._unanswered_at or self._unanswered_at[case.case_id] != _latest(case)


def _latest(case: Case) -> float | None:
    return case.latest.created if case.latest else None
