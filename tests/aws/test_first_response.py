"""When AWS first wrote on a case whose first communications did not come with it."""

import asyncio
from collections.abc import Sequence

import pytest

from exporter.aws.first_response import FirstResponses, Lookup
from exporter.cases.model import Author, Case, Communication, Reason
from exporter.errors import ReadFailure
from tests.support.cases import NOW, case


def complete(responses: FirstResponses, cases: Sequence[Case], lookup: Lookup) -> tuple[Case, ...]:
    return asyncio.run(responses.complete(cases, lookup))


async def nothing(_: str) -> list[Communication]:
    return []


def answering(*written: Communication) -> tuple[Lookup, list[str]]:
    """Return a lookup that finds the same for any case, and the cases that it was asked for."""
    asked = []

    async def lookup(case_id: str) -> list[Communication]:
        asked.append(case_id)
        return list(written)

    return lookup, asked


def test_what_was_looked_up_once_is_remembered() -> None:
    lookup, asked = answering(Communication(NOW - 10, Author.CUSTOMER), Communication(NOW - 20, Author.AWS))
    responses = FirstResponses()
    for _ in range(3):
        (found,) = complete(responses, [case(first_aws_known=False)], lookup)
        assert (found.first_aws, found.first_aws_known) == (NOW - 20, True)
    assert asked == ["case-1"]


def test_an_unanswered_case_is_looked_up_again_when_somebody_wrote() -> None:
    lookup, asked = answering()
    responses = FirstResponses()
    for at in (NOW, NOW, NOW + 1):
        complete(responses, [case(first_aws_known=False, latest=Communication(at, Author.CUSTOMER))], lookup)
    assert asked == ["case-1"] * 2


def test_an_answer_that_was_seen_once_stays_known() -> None:
    responses = FirstResponses()
    complete(responses, [case(first_aws=NOW)], nothing)
    (later,) = complete(responses, [case(first_aws_known=False)], lambda _: pytest.fail("asked again"))
    assert later.first_aws == NOW


def test_what_the_first_reading_finds_answered_is_not_looked_up() -> None:
    responses = FirstResponses()
    (found,) = complete(responses, [case(first_aws=NOW, first_aws_known=False)], lambda _: pytest.fail("asked"))
    assert (found.first_aws, found.first_aws_known) == (NOW, True)


def test_of_a_case_that_is_gone_nothing_is_remembered() -> None:
    lookup, asked = answering(Communication(NOW - 20, Author.AWS))
    responses = FirstResponses()
    for cases in ([case(first_aws_known=False)], [], [case(first_aws_known=False)]):
        complete(responses, cases, lookup)
    assert asked == ["case-1"] * 2


def test_ten_cases_are_looked_up_in_one_poll_and_the_rest_waits() -> None:
    cases = [case(f"case-{number:02}", first_aws_known=False) for number in range(13)]
    responses = FirstResponses()
    first = complete(responses, cases, nothing)
    assert sum(one.is_unanswered for one in first) == 10
    assert all(one.is_unanswered for one in complete(responses, cases, nothing))


def test_a_lookup_that_fails_leaves_the_case_unknown_and_ends_the_lookups() -> None:
    asked = []

    async def lookup(case_id: str) -> list[Communication]:
        asked.append(case_id)
        raise ReadFailure(Reason.ACCESS_DENIED, "x")

    found = complete(FirstResponses(), [case("a", first_aws_known=False), case("b", first_aws_known=False)], lookup)
    assert [one.first_aws_known for one in found] == [False, False]
    assert asked == ["a"]


def test_cases_whose_answers_cannot_be_read_keep_no_other_from_being_looked_up() -> None:
    broken = [case(f"a-{number:02}", first_aws_known=False) for number in range(20)]
    last = case("b", first_aws_known=False)
    mended = False

    async def lookup(case_id: str) -> list[Communication]:
        if case_id != "b" and not mended:
            raise ReadFailure(Reason.MALFORMED, "x")
        return []

    responses = FirstResponses()
    known = [complete(responses, [*broken, last], lookup)[-1].first_aws_known for _ in range(3)]
    assert known == [False, False, True]
    mended = True
    for _ in range(2):
        found = complete(responses, [*broken, last], lookup)
    assert [one.case_id for one in found] == [one.case_id for one in [*broken, last]]
    assert all(one.is_unanswered for one in found)
