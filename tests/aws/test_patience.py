"""Retries, quota, endpoint health, first responses, each on a clock of its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.aws.first_response import LOOKUPS_PER_POLL, FirstResponses
from exporter.aws.health import FAILURES_BEFORE_DOWN, LASTING, MANY_FAILURES, EndpointHealth
from exporter.aws.quota import SupportQuota
from exporter.aws.retry import RetryPolicy, with_retries
from exporter.cases.model import Author, Communication, Reason
from exporter.errors import ReadFailure
from tests.support.cases import NOW, case


class FakeTiming:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds


@pytest.fixture
def timing() -> FakeTiming:
    return FakeTiming()


POLICY = RetryPolicy(frozenset({Reason.THROTTLED}), attempts=4)


@pytest.mark.parametrize(
    ("failures", "reason", "calls"), [(2, Reason.THROTTLED, 3), (9, Reason.THROTTLED, 4), (9, Reason.TIMEOUT, 1)]
)
def test_only_what_may_pass_is_tried_again_and_not_for_ever(
    timing: FakeTiming, failures: int, reason: Reason, calls: int
) -> None:
    made = []

    def action() -> str:
        made.append(timing.now)
        if len(made) <= failures:
            raise ReadFailure(reason, "x")
        return "done"

    try:
        with_retries(action, POLICY, timing, lambda: 0.5, 1e9)
    except ReadFailure:
        assert failures >= calls
    assert len(made) == calls


def test_a_retry_that_runs_out_of_time_does_not_hide_what_was_retried(timing: FakeTiming) -> None:
    def action() -> str:
        if timing.now == 0:
            raise ReadFailure(Reason.THROTTLED, "why")
        timing.now = 10
        raise ReadFailure(Reason.TIMEOUT, "no time was left")

    with pytest.raises(ReadFailure, match="why"):
        with_retries(action, POLICY, timing, lambda: 0.5, 10)


@given(st.floats(0, 30), st.floats(0, 1))
def test_no_retry_starts_after_the_deadline(deadline: float, fraction: float) -> None:
    timing = FakeTiming()
    started = []

    def action() -> None:
        started.append(timing.now)
        raise ReadFailure(Reason.THROTTLED, "x")

    with pytest.raises(ReadFailure):
        with_retries(action, RetryPolicy(POLICY.reasons, attempts=50), timing, lambda: fraction, deadline)
    assert all(at < deadline for at in started[1:])


@given(st.lists(st.floats(0, 0.5), max_size=60))
def test_no_second_holds_more_than_five_calls(pauses: list[float]) -> None:
    timing = FakeTiming()
    quota = SupportQuota(timing)
    calls = []
    for pause in pauses:
        timing.now += pause
        quota.wait()
        calls.append(timing.now)
    assert all(later - earlier > 1.0 for earlier, later in zip(calls, calls[5:], strict=False))


@pytest.fixture
def health(timing: FakeTiming) -> EndpointHealth:
    return EndpointHealth(timing.monotonic)


def fail(health: EndpointHealth, subjects: int = MANY_FAILURES) -> None:
    for number in range(subjects):
        health.failed(f"account-{number}")


def test_an_endpoint_is_down_once_several_accounts_failed_in_a_row(health: EndpointHealth) -> None:
    fail(health, MANY_FAILURES - 1)
    assert health.admits()
    fail(health)
    assert not health.admits()


def test_a_few_accounts_are_enough_where_they_fail_for_a_while(health: EndpointHealth, timing: FakeTiming) -> None:
    fail(health, FAILURES_BEFORE_DOWN)
    assert health.admits()
    timing.now += LASTING
    fail(health, FAILURES_BEFORE_DOWN)
    assert not health.admits()


def test_failures_that_others_come_between_never_take_an_endpoint_down(health: EndpointHealth, timing: FakeTiming) -> None:
    for number in range(100):
        fail(health, FAILURES_BEFORE_DOWN)
        health.answered(f"other-{number}")
        timing.now += LASTING
    assert health.admits()


def test_one_account_alone_never_takes_an_endpoint_down(health: EndpointHealth) -> None:
    for _ in range(100):
        health.failed("account-1")
    assert health.admits()


def test_one_probe_at_a_time_is_let_through_and_brings_it_back(health: EndpointHealth, timing: FakeTiming) -> None:
    fail(health)
    timing.now += 60
    assert [health.admits(), health.admits()] == [True, False]
    health.answered("account-1")
    assert [health.admits(), health.admits()] == [True, True]


def test_what_was_looked_up_once_is_remembered() -> None:
    asked = []

    def lookup(case_id: str) -> list[Communication]:
        asked.append(case_id)
        return [Communication(NOW - 10, Author.CUSTOMER), Communication(NOW - 20, Author.AWS)]

    responses = FirstResponses()
    for _ in range(3):
        (found,) = responses.complete([case(first_aws_known=False)], lookup)
        assert (found.first_aws, found.first_aws_known) == (NOW - 20, True)
    assert asked == ["case-1"]


def test_an_answer_that_was_seen_once_stays_known() -> None:
    responses = FirstResponses()
    responses.complete([case(first_aws=NOW)], lambda _: [])
    (later,) = responses.complete([case(first_aws_known=False)], lambda _: pytest.fail("asked again"))
    assert later.first_aws == NOW


def test_lookups_of_one_poll_are_bounded_and_the_rest_waits() -> None:
    cases = [case(f"case-{number:02}", first_aws_known=False) for number in range(LOOKUPS_PER_POLL + 3)]
    responses = FirstResponses()
    first = responses.complete(cases, lambda _: [])
    assert sum(one.is_unanswered for one in first) == LOOKUPS_PER_POLL
    assert all(one.is_unanswered for one in responses.complete(cases, lambda _: []))


def test_a_lookup_that_fails_leaves_the_case_unknown_and_ends_the_lookups() -> None:
    asked = []

    def lookup(case_id: str) -> list[Communication]:
        asked.append(case_id)
        raise ReadFailure(Reason.ACCESS_DENIED, "x")

    found = FirstResponses().complete([case("a", first_aws_known=False), case("b", first_aws_known=False)], lookup)
    assert [one.first_aws_known for one in found] == [False, False]
    assert asked == ["a"]


def test_cases_whose_answers_cannot_be_read_keep_no_other_from_being_looked_up() -> None:
    broken = [case(f"a-{number:02}", first_aws_known=False) for number in range(2 * LOOKUPS_PER_POLL)]
    last = case("b", first_aws_known=False)
    mended = False

    def lookup(case_id: str) -> list[Communication]:
        if case_id != "b" and not mended:
            raise ReadFailure(Reason.MALFORMED, "x")
        return []

    responses = FirstResponses()
    known = [responses.complete([*broken, last], lookup)[-1].first_aws_known for _ in range(3)]
    assert known == [False, False, True]
    mended = True
    for _ in range(2):
        found = responses.complete([*broken, last], lookup)
    assert [one.case_id for one in found] == [one.case_id for one in [*broken, last]]
    assert all(one.is_unanswered for one in found)
