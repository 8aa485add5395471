"""What was written on a case before the latest five communications, which are all that DescribeCases brings.

Where those do not tell who opened the case, when AWS first wrote, or all that was written since the reading before,
DescribeCommunications does.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from exporter.cases.model import Author, Case, Communication, Reason
from exporter.cases.turns import first_by_aws, in_order, opened_by
from exporter.errors import ReadFailure

LOOKUPS_PER_POLL = 10
"""Cases that are looked up in one poll of an account, mostly a call each; what is left waits for the next poll."""

Lookup = Callable[[str], Awaitable[Iterable[Communication]]]


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a case; while it `is_open`, what was written since is still to be looked up."""

    communications: tuple[Communication, ...] = ()  # as the last reading had them
    opened_by: Author = Author.CUSTOMER
    first_aws: float | None = None
    is_open: bool = False
    looked_up: int = 0  # in which poll, by number


class Correspondence:
    """Remembers what was written on the open cases of one account."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._begun = False
        self._polls = 0
        self._last: tuple[Sequence[Case], tuple[Case, ...]] | None = None

    async def complete(self, cases: Sequence[Case], lookup: Lookup) -> tuple[Case, ...]:
        """Return an account's open cases with all that is known of what was written on them; others are forgotten.

        The lookup returns all communications of a case. When it raises ReadFailure, the rest waits for the next poll.
        """
        if self._last is not None and cases is self._last[0]:
            return self._last[1]  # most polls find nothing new
        known = {case.case_id: self._with_latest(case) for case in cases}
        questions = [case_id for case_id, found in known.items() if found.is_open]
        self._polls += 1
        # Those that were looked up before come last, or they would keep others from ever being looked up.
        for case_id in sorted(questions, key=lambda case_id: known[case_id].looked_up)[:LOOKUPS_PER_POLL]:
            try:
                written = in_order(await lookup(case_id))
            except ReadFailure as failure:
                if failure.reason is not Reason.MALFORMED:
                    break  # Others would fail in the same way.
                known[case_id] = replace(known[case_id], looked_up=self._polls)
            else:
                known[case_id] = replace(_known(written), looked_up=self._polls)
        self._known, self._begun = known, True  # not before: a reading that was cancelled has told nobody
        completed = tuple(case if case.first_aws_known else _completed(case, known[case.case_id]) for case in cases)
        self._last = None if questions else (cases, completed)
        return completed

    def _with_latest(self, case: Case) -> _Known:
        before, latest = self._known.get(case.case_id), case.communications
        if case.first_aws_known:
            return _Known(latest, case.opened_by, case.first_aws)
        if not self._begun:
            # What the first reading finds answered is no event: it does not matter when that was.
            return _Known(latest, first_aws=case.first_aws, is_open=case.first_aws is None)
        if before is None:
            return _Known(is_open=True)
        seen = before.communications
        if before.is_open or not (seen and latest and latest[0].created <= seen[-1].created):
            return replace(before, is_open=True)
        written = in_order((*seen, *latest))
        begins = at = written.index(latest[0])
        while begins and written[begins - 1].author is latest[0].author:
            begins -= 1
        is_awaited = before.first_aws is None and before.opened_by is Author.CUSTOMER
        first = first_by_aws(written) if is_awaited else before.first_aws
        return _Known((*written[begins:at][:1], *latest), before.opened_by, first)


def _known(written: tuple[Communication, ...]) -> _Known:
    opener = opened_by(written)
    return _Known(written, opener, None if opener is Author.AWS else first_by_aws(written))


def _completed(case: Case, known: _Known) -> Case:
    return replace(
        case,
        latest=case.latest or (known.communications[-1] if known.communications else None),
        first_aws=case.first_aws if known.is_open and known.first_aws is None else known.first_aws,
        first_aws_known=not known.is_open or known.first_aws is not None or known.opened_by is Author.AWS,
        opened_by=known.opened_by,
        communications=known.communications,
    )
