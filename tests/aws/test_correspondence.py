"""What was written on a case before the latest five communications."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.aws.correspondence import Correspondence, Lookup
from exporter.cases.model import Author, Case, Communication, Reason
from exporter.errors import ReadFailure
from tests.support.cases import NOW, case, case_of

US, AWS = Author.CUSTOMER, Author.AWS


def said(*sides: Author) -> tuple[Communication, ...]:
    """Return communications of these authors, a second apart."""
    return tuple(Communication(NOW + second, side) for second, side in enumerate(sides))


def five(written: Sequence[Communication], case_id: str = "case-1") -> Case:
    """Return a case as DescribeCases lists it: with the latest five communications."""
    if len(written) <= 5:
        return case_of(*written, case_id=case_id)
    latest = written[-5:]
    first = next((one.created for one in latest if one.author is AWS), None)
    return case(case_id, created=written[0].created, written=latest, first_aws=first, first_aws_known=False)


class Calls:
    """A lookup that knows all that was written, and remembers the cases that it was asked for."""

    def __init__(self, written: Sequence[Communication] = ()) -> None:
        self.written = written
        self.asked: list[str] = []

    async def __call__(self, case_id: str) -> Sequence[Communication]:
        self.asked.append(case_id)
        return self.written


def complete(known: Correspondence, cases: Sequence[Case], lookup: Lookup) -> tuple[Case, ...]:
    return asyncio.run(known.complete(cases, lookup))


def follow(life: Sequence[Communication], *counts: int) -> tuple[list[Case], list[str]]:
    """Return a case as polls see it that find so many communications, and what was looked up."""
    calls, known = Calls(), Correspondence()
    found = list[Case]()
    for count in counts:
        calls.written = life[:count]
        found += complete(known, [five(life[:count])] if count else [], calls)
    return found, calls.asked


FIRST: dict[str, tuple[tuple[Author, ...], tuple[int, ...], int | None, int]] = {
    "answered among the latest": ((US, AWS), (2,), 1, 0),
    "answered before the latest, seen at that time": ((US, AWS, *[US] * 9), (2, 6, 10), 1, 0),
    "buried between two polls": ((US, AWS, *[US] * 9), (1, 11), 1, 1),
    "buried before the first poll": ((US, AWS, *[US] * 9), (11,), 1, 1),
    "the first poll finds it answered": ((*[US] * 7, AWS), (8,), 7, 0),
    "the first poll finds updates only": ((US, AWS, US, *[AWS] * 5), (8,), 1, 1),
    "a late answer after five questions": ((*[US] * 7, AWS), (7, 8), 7, 1),
    "looked up once while questions go on": ((US,) * 11, (7, 8, 10, 11), None, 1),
    "new with more than five": ((US, AWS, *[US] * 5, AWS), (0, 8), 1, 1),
    "opened by AWS": ((AWS, US, AWS), (3,), None, 0),
    "opened by AWS, buried before the first poll": ((AWS, *[US] * 7), (8,), None, 1),
    "opened by AWS, buried by now": ((AWS, US, AWS, *[US] * 4), (3, 7), None, 0),
}


@pytest.mark.parametrize(("sides", "counts", "first", "lookups"), FIRST.values(), ids=FIRST)
def test_the_first_response_is_known_at_the_least_cost(
    sides: tuple[Author, ...], counts: tuple[int, ...], first: int | None, lookups: int
) -> None:
    found, asked = follow(said(*sides), *counts)
    last = found[-1]
    assert (last.first_aws, last.first_aws_known, len(asked)) == (None if first is None else NOW + first, True, lookups)
    assert last.opened_by is sides[0]
    assert last.is_unanswered is (first is None and sides[0] is US)


@given(st.lists(st.sampled_from(Author), min_size=1, max_size=16), st.lists(st.integers(1, 16), min_size=1, max_size=6))
def test_what_is_known_goes_on_without_a_gap_and_with_the_beginning_of_its_turn(sides: list[Author], counts: list[int]) -> None:
    life = said(*sides)
    counts = sorted({min(count, len(life)) for count in counts})
    found, _ = follow(life, 0, *counts)
    seen: set[Communication] = set()
    for count, one in zip(counts, found, strict=True):
        present = life[:count]
        assert {*present} - {*one.communications} <= seen, "nothing is lost"
        at = present.index(one.communications[0])
        assert at == 0 or present[at - 1].author is not present[at].author, "it begins with a turn"
        assert one.communications[-1] == one.latest == present[-1]
        seen = {*present}


def test_a_listing_that_lags_behind_takes_nothing_back() -> None:
    life = said(US, AWS, US, *[AWS] * 4)
    known = Correspondence()
    for count, kept in ((3, 3), (1, 3), (3, 3), (7, 7), (6, 7), (2, 7)):
        (found,) = complete(known, [five(life[:count])], Calls(life[:count]))
        assert (found.first_aws, found.is_unanswered, found.latest) == (NOW + 1, False, life[kept - 1])
        assert {*life[kept - 3 : kept]} <= {*found.communications}


def test_a_lookup_that_lags_behind_takes_nothing_back() -> None:
    life = said(*[US] * 3, *[AWS] * 4)
    known = Correspondence()
    complete(known, [], Calls())
    (found,) = complete(known, [five(life)], Calls(life[:1]))
    assert (found.first_aws, found.latest) == (NOW + 3, life[-1])


def test_the_turn_before_is_remembered_however_long_the_present_one_is() -> None:
    life = said(US, AWS, US, *[AWS] * 12)
    *_, found = follow(life, *range(1, 16))[0]
    assert found.communications == (life[2], life[3], *life[-5:])


def test_a_case_whose_lookup_fails_keeps_no_other_from_being_looked_up() -> None:
    known, asked = Correspondence(), list[str]()

    async def fail(case_id: str) -> Sequence[Communication]:
        asked.append(case_id)
        raise ReadFailure(Reason.SERVER_ERROR, "x")

    for _ in range(2):
        complete(known, [case("a", first_aws_known=False), case("b", first_aws_known=False)], fail)
    assert asked == ["a", "b"]


def test_a_case_of_which_nothing_is_said_is_looked_up_at_every_poll() -> None:
    silent = [case(first_aws_known=False)]
    calls, known = Calls(said(US)), Correspondence()
    (first,) = complete(known, silent, calls)
    calls.written = said(US, AWS)
    (second,) = complete(known, silent, calls)
    assert (first.is_unanswered, second.first_aws, second.latest) == (True, NOW + 1, said(US, AWS)[-1])
    assert len(calls.asked) == 2


def test_cases_of_which_nothing_is_ever_said_are_looked_up_in_turn() -> None:
    silent = [case(f"case-{number:02}", first_aws_known=False) for number in range(13)]
    calls, known = Calls(said(US)), Correspondence()
    complete(known, silent, calls)
    complete(known, silent, calls)
    assert {*calls.asked} == {one.case_id for one in silent}


def test_cases_that_are_gone_are_gone_though_some_were_looked_up() -> None:
    known = Correspondence()
    complete(known, [case(first_aws_known=False)], Calls(said(US)))
    assert complete(known, (), Calls()) == ()


def test_of_a_case_that_is_gone_nothing_is_remembered() -> None:
    assert follow(said(*[US] * 7), 7, 0, 7)[1] == ["case-1"] * 2


def test_ten_cases_are_looked_up_in_one_poll_and_the_rest_waits() -> None:
    life = said(*[US] * 7)
    cases = [five(life, f"case-{number:02}") for number in range(13)]
    known = Correspondence()
    assert sum(one.is_unanswered for one in complete(known, cases, Calls(life))) == 10
    assert all(one.is_unanswered for one in complete(known, cases, Calls(life)))


@pytest.mark.parametrize(
    "error", [ReadFailure(Reason.ACCESS_DENIED, "x"), asyncio.CancelledError()], ids=["refused", "cancelled"]
)
def test_what_could_not_be_looked_up_is_looked_up_later_and_nothing_is_lost(error: BaseException) -> None:
    life = said(US, *[AWS, US] * 5)
    known = Correspondence()
    complete(known, [five(life[:4])], Calls())

    async def fail(_: str) -> Sequence[Communication]:
        raise error

    cases = [five(life, "case-1")]
    if isinstance(error, ReadFailure):
        (held,) = complete(known, cases, fail)
        assert (held.communications, held.latest, held.first_aws) == (life[:4], life[-1], NOW + 1)
    else:
        with pytest.raises(asyncio.CancelledError):
            complete(known, cases, fail)
    (later,) = complete(known, cases, Calls(life))
    assert later.communications == life


def test_a_lookup_that_is_refused_ends_the_lookups() -> None:
    calls = Calls()

    async def refuse(case_id: str) -> Sequence[Communication]:
        await calls(case_id)
        raise ReadFailure(Reason.ACCESS_DENIED, "x")

    found = complete(Correspondence(), [case("a", first_aws_known=False), case("b", first_aws_known=False)], refuse)
    assert [one.is_unanswered for one in found] == [False, False]
    assert calls.asked == ["a"]


def test_cases_whose_answers_cannot_be_read_keep_no_other_from_being_looked_up() -> None:
    broken = [case(f"a-{number:02}", first_aws_known=False) for number in range(20)]
    last = case("b", first_aws_known=False)

    async def lookup(case_id: str) -> Sequence[Communication]:
        if case_id != "b":
            raise ReadFailure(Reason.MALFORMED, "x")
        return said(US)

    known = Correspondence()
    assert [complete(known, [*broken, last], lookup)[-1].first_aws_known for _ in range(3)] == [False, False, True]
