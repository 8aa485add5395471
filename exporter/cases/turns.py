"""Whose turn it is on a case, since when, and how long each side took to reply."""

from collections.abc import Iterable, Iterator, Sequence

from exporter.cases.model import Author, Case, Communication


def in_order(written: Iterable[Communication]) -> tuple[Communication, ...]:
    """Return communications by time, each once."""
    return tuple(sorted(set(written)))


def opened_by(written: Sequence[Communication]) -> Author:
    """Return who opened a case, from all of its communications: AWS, if the customer wrote none at or before AWS's first."""
    begins = {one.author for one in written[:2] if one.created == written[0].created}
    return Author.AWS if begins == {Author.AWS} else Author.CUSTOMER


def first_by_aws(written: Iterable[Communication]) -> float | None:
    return next((one.created for one in written if one.author is Author.AWS), None)


def replies(written: Iterable[Communication]) -> Iterator[tuple[Communication, float]]:
    """Yield each answer, and the seconds since the first message of the other side that it answers."""
    asked: Communication | None = None
    for one in written:
        if asked is None or one.author is not asked.author:
            if asked is not None:
                yield one, one.created - asked.created
            asked = one


def tail(written: Sequence[Communication], at: int) -> tuple[Communication, ...]:
    """Return communications from a position on, after the first ones of the turn there and of the turn before."""
    begins = [index for index in range(at) if index == 0 or written[index].author is not written[index - 1].author]
    kept = begins[-2 if at and written[at].author is written[at - 1].author else -1 :]
    return (*(written[index] for index in kept), *written[at:])


def waiting_since(case: Case) -> float | None:
    """Return the first of the other side's latest messages in a row; what the waiting side wrote after it answers nothing."""
    since, waiting = case.created, case.waiting_on
    before = waiting
    for one in case.communications:
        if one.author is not waiting and before is waiting:
            since = one.created
        before = one.author
    return since
