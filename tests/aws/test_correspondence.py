"""What was written on a case before the latest five communications."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.aws.correspondence import Correspondence
from exporter.cases.model import Author, Case, Communication, Reason
from exporter.errors import ReadFailure
from tests.support.cases import NOW, case, case_of

US, AWS = Author.CUSTOMER, Author.AWS


def said(*sides: Author) -> tuple[Communication, ...]:
    """Return communications of these authors, a second apart."""
    return tuple(Communication(NOW + second, side) for second, side in enumerate(sides))


def five(written: Sequence[Communication]) -> Case:
    """Return a case as DescribeCases lists it: with the latest five communications."""
    if len(written) <= 5:
        return case_of(*written)
    latest = written[-5:]
    first = next((one.created for one in latest if one.author is AWS), None)
    return case(created=written[0].created, written=latest, first_aws=first, first_aws_known=False)


def silent(count: int) -> list[Case]:
    """Return cases of which the listing says nothing."""
    return [case(f"case-{number:02}", first_aws_known=False) for number in range(count)]


class Account:
    """What is remembered of an account, and a lookup that knows all that was written, or fails, and keeps what it was asked."""

    def __init__(self) -> None:
        self.known = Correspondence()
        self.asked: list[str] = []

    def read(self, cases: Sequence[Case], written: Sequence[Communication] | BaseException = ()) -> tuple[Case, ...]:
        async def look_up(case_id: str) -> Sequence[Communication]:
            self.asked.append(case_id)
            if isinstance(written, BaseException):
                raise written
            return written

        return asyncio.run(self.known.complete(cases, look_up))

    def follow(self, life: Sequence[Communication], *counts: int) -> list[Case]:
        """Return a case as polls see it that find so many communications."""
        return [one for count in counts for one in self.read([five(life[:count])] if count else [], life[:count])]


FIRST: dict[str, tuple[tuple[Author, ...], tuple[int, ...], int | None, int]] = {
    "answered among the latest": ((US, AWS), (2,), 1, 0),
    "answered before the latest, seen at that time": ((US, AWS, *[US] * 9), (2, 6, 10), 1, 0),
    "buried between two polls": ((US, AWS, *[US] * 9), (1, 11), 1, 1),
    "buried before the first poll": ((US, AWS, *[US] * 9), (11,), 1, 1),
    "the first poll finds it answered": ((*[US] * 7, AWS), (8,), 7, 0),
    "the first poll finds updates only": ((US, AWS, US, *[AWS] * 5), (8,), 1, 1),
    "a late answer after five questions": ((*[US] * 7, AWS), (7, 8), 7, 1),
    "looked up once while questions go on": ((US,) * 11, (7, 8, 10, 11), None, 1),
    "looked up again once it was gone": ((US,) * 7, (7, 0, 7), None, 2),
    "new with more than five": ((US, AWS, *[US] * 5, AWS), (0, 8), 1, 1),
    "opened by AWS": ((AWS, US, AWS), (3,), None, 0),
    "opened by AWS, buried before the first poll": ((AWS, *[US] * 7), (8,), None, 1),
    "opened by AWS, buried by now": ((AWS, US, AWS, *[US] * 4), (3, 7), None, 0),
}


@pytest.mark.parametrize(("sides", "counts", "first", "lookups"), FIRST.values(), ids=FIRST)
def test_the_first_response_is_known_at_the_least_cost(
    sides: tuple[Author, ...], counts: tuple[int, ...], first: int | None, lookups: int
) -> None:
    account = Account()
    last = account.follow(said(*sides), *counts)[-1]
    assert (last.first_aws, last.first_aws_known) == (None if first is None else NOW + first, True)
    assert len(account.asked) == lookups
    assert last.opened_by is sides[0]
    assert last.is_unanswered is (first is None and sides[0] is US)


@given(st.lists(st.sampled_from(Author), min_size=1, max_size=16), st.lists(st.integers(1, 16), min_size=1, max_size=6))
def test_what_is_known_goes_on_without_a_gap_and_with_the_beginning_of_its_turn(sides: list[Author], counts: list[int]) -> None:
    life = said(*sides)
    counts = sorted({min(count, len(life)) for count in counts})
    seen: set[Communication] = set()
    for count, one in zip(counts, Account().follow(life, 0, *counts), strict=True):
        present = life[:count]
        assert {*present} - {*one.communications} <= seen, "nothing is lost"
        at = present.index(one.communications[0])
        assert at == 0 or present[at - 1].author is not present[at].author, "it begins with a turn"
        assert one.communications[-1] == one.latest == present[-1]
        seen = {*present}


def test_a_listing_or_a_lookup_that_lags_behind_takes_nothing_back() -> None:
    life, account = said(US, AWS, US, *[AWS] * 4), Account()
    for count, kept in ((3, 3), (1, 3), (3, 3), (7, 7), (6, 7), (2, 7)):
        (found,) = account.follow(life, count)
        assert (found.first_aws, found.is_unanswered, found.latest) == (NOW + 1, False, life[kept - 1])
        assert {*life[kept - 3 : kept]} <= {*found.communications}
    life, account = said(*[US] * 3, *[AWS] * 4), Account()
    account.read([])
    (found,) = account.read([five(life)], life[:1])
    assert (found.first_aws, found.latest) == (NOW + 3, life[-1])


def test_the_turn_before_is_remembered_however_long_the_present_one_is() -> None:
    life = said(US, AWS, US, *[AWS] * 12)
    *_, found = Account().follow(life, *range(1, 16))
    assert found.communications == (life[2], life[3], *life[-5:])


def test_a_case_of_which_nothing_is_said_is_looked_up_at_every_poll() -> None:
    account = Account()
    (first,) = account.read(silent(1), said(US))
    (second,) = account.read(silent(1), said(US, AWS))
    assert (first.is_unanswered, second.first_aws, second.latest) == (True, NOW + 1, said(US, AWS)[-1])
    assert len(account.asked) == 2
    assert account.read([]) == ()


@pytest.mark.parametrize(
    "error", [ReadFailure(Reason.ACCESS_DENIED, "x"), asyncio.CancelledError()], ids=["refused", "cancelled"]
)
def test_what_could_not_be_looked_up_is_looked_up_later_and_nothing_is_lost(error: BaseException) -> None:
    life, account = said(US, *[AWS, US] * 5), Account()
    account.read([five(life[:4])])
    try:
        (held,) = account.read([five(life)], error)
        assert (held.communications, held.latest, held.first_aws) == (life[:4], life[-1], NOW + 1)
    except asyncio.CancelledError:
        assert isinstance(error, asyncio.CancelledError)
    (later,) = account.read([five(life)], life)
    assert later.communications == life


@pytest.mark.parametrize(("reason", "lookups", "cases"), [(Reason.ACCESS_DENIED, 3, 3), (Reason.MALFORMED, 30, 21)])
def test_ten_cases_at_most_are_looked_up_in_a_poll_each_in_turn(reason: Reason, lookups: int, cases: int) -> None:
    account = Account()
    for _ in range(3):
        found = account.read(silent(21), ReadFailure(reason, "refused at once, or not to be read"))
        assert not any(one.is_unanswered for one in found)
    assert (len(account.asked), len(set(account.asked))) == (lookups, cases)
