"""Whose turn it is, since when, and how long each side took."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.cases import aggregate
from exporter.cases.changes import baseline, changes
from exporter.cases.model import SEVERITY_CODES, Author, Case, Communication, Reading
from exporter.cases.targets import PLANS, SupportPlan, targets
from exporter.cases.turns import in_order, replies, waiting_since
from tests.support.cases import NOW, TARGETS, case, case_of

HOUR = 3600.0
US, AWS = Author.CUSTOMER, Author.AWS
SAYS = {
    "pending-customer-action": US,
    **dict.fromkeys(
        ("pending-amazon-action", "customer-action-completed", "unassigned", "opened", "reopened", "work-in-progress"), AWS
    ),
}


def written(*sides: tuple[float, Author]) -> list[Communication]:
    return [Communication(NOW + at, side) for at, side in sides]


@pytest.mark.parametrize("status", [*SAYS, "unheard-of"])
@pytest.mark.parametrize("last", Author)
def test_the_status_tells_whose_turn_it_is_and_else_the_last_author(status: str, last: Author) -> None:
    other = US if last is AWS else AWS
    assert case(status=status, latest=Communication(NOW, last)).waiting_on is SAYS.get(status, other)


def test_what_waits_for_the_first_word_waits_on_aws() -> None:
    assert case(status="unheard-of").waiting_on is AWS


SINCE: dict[str, tuple[str, Sequence[tuple[float, Author]], float]] = {
    "nobody answered": ("opened", [(0, US), (1, US)], 0),
    "an interim update does not count": ("work-in-progress", [(0, US), (9, AWS)], 0),
    "several do not": ("pending-amazon-action", [(0, US), (1, AWS), (5, US), (6, US), (8, AWS), (9, AWS)], 5),
    "AWS asks": ("pending-customer-action", [(0, US), (3, AWS), (4, AWS)], 3),
    "we wrote, and the status is not changed yet": ("pending-customer-action", [(0, US), (3, AWS), (4, US)], 3),
    "we answered": ("customer-action-completed", [(0, US), (3, AWS), (4, US), (5, US)], 4),
    "an old turn of ours is all that is kept": ("pending-amazon-action", [(3, US), (4, AWS), (5, AWS)], 3),
    "AWS opened it": ("pending-customer-action", [(2, AWS), (3, AWS)], 2),
    "AWS opened it, and is to act": ("opened", [(2, AWS)], 2),
    "nothing is written": ("opened", [], -1000),
}


@pytest.mark.parametrize(("status", "sides", "since"), SINCE.values(), ids=SINCE)
def test_a_case_waits_since_the_first_message_that_is_not_answered(
    status: str, sides: Sequence[tuple[float, Author]], since: float
) -> None:
    said = written(*sides)
    waiting = case(status=status, created=NOW + (said[0].created - NOW if said else -1000), written=said)
    assert waiting_since(waiting) == NOW + since


@pytest.mark.parametrize(
    ("plan", "severity_code", "service_code", "seconds"),
    [
        (plan, severity_code, service_code, None if is_exempt else PLANS[plan].get(severity_code))
        for plan, severity_code, (service_code, is_exempt) in product(
            SupportPlan, (*SEVERITY_CODES, "odd"), (("service-eks", False), ("billing", True), ("service-limit-increase", True))
        )
    ],
)
def test_a_case_is_overdue_past_the_target_of_its_plan_severity_and_service(
    plan: SupportPlan, severity_code: str, service_code: str, seconds: float | None
) -> None:
    promised = targets(plan, exempt_services=("billing", "service-limit-*"))
    for status, author in product((*SAYS, "unheard-of"), (None, *Author)):
        said = [] if author is None else written((-2e5, US), (-1e5, author))
        shown = case_of(*(said or written((-2e5, US))), status=status, severity_code=severity_code)
        shown = replace(shown, service_code=service_code)
        for past, is_overdue in ((0.0, False), (0.001, seconds is not None and author is not AWS)):
            now = NOW - 2e5 + (seconds or 1e6) + past
            assert any(at < now for at in aggregate.due([shown], promised, {}).values()) is is_overdue


def test_a_business_plan_promises_nothing_for_a_severity_it_does_not_have() -> None:
    assert {plan: promised.get("critical") for plan, promised in PLANS.items()} == {
        "business_support_plus": 1800.0,
        "enterprise": 900.0,
        "unified_operations": 300.0,
        "enterprise_on_ramp": 1800.0,
        "business": None,
    }


def test_the_closer_override_of_a_target_wins_and_null_is_none() -> None:
    found = targets(SupportPlan.ENTERPRISE, [{"low": 60.0, "high": 120.0, "odd": 5.0}, {"high": None, "low": 30.0}])
    assert dict(found.by_severity) == {"critical": 900.0, "urgent": 3600.0, "normal": 43200.0, "low": 30.0, "odd": 5.0}


def follow(*readings: Sequence[Case], step: float = 300.0) -> tuple[list[tuple[Author, float]], list[Author]]:
    """Return the replies and the authors of communications that are seen over readings, the first of which is the baseline."""
    taken = [Reading(NOW + step * number, tuple(cases)) for number, cases in enumerate(readings)]
    watched, told, authors = baseline(taken[0], TARGETS).watched, list[tuple[Author, float]](), list[Author]()
    for before, after in pairwise(taken):
        seen = changes(before, after, watched, TARGETS)
        watched = seen.watched
        told += [(author, seconds) for _, author, seconds in seen.replies]
        authors += seen.written
    return told, authors


def test_the_first_response_is_no_reply_and_each_turn_is_one() -> None:
    life = written((10, US), (20, US), (50, AWS), (60, AWS), (90, US), (95, AWS))
    steps = [[], *[[case_of(*life[:count])] for count in range(1, len(life) + 1)]]
    assert follow(*steps) == ([(US, 40.0), (AWS, 5.0)], [US, US, AWS, AWS, US, AWS])
    assert follow([], steps[-1]) == follow(*steps), "however many polls it took"


def test_aws_gives_no_first_response_to_its_own_case_and_answers_us_later() -> None:
    life = case_of(*written((10, AWS), (30, US), (70, AWS)))
    assert (life.opened_by, life.first_aws, life.is_unanswered) == (AWS, None, False)
    assert follow([], [life]) == ([(US, 20.0), (AWS, 40.0)], [AWS, US, AWS])


def test_what_was_written_before_the_baseline_is_no_event_even_if_it_is_learnt_late() -> None:
    life = written((-900, US), (-800, AWS), (-700, US), (-600, US), (-500, US), (-400, US), (-300, US))
    latest = case(created=NOW - 900, first_aws_known=False, written=life[-5:])
    unknown = case(created=NOW - 900, first_aws_known=False)
    whole = [case_of(*life)]
    assert follow([latest], whole, whole) == follow([unknown], whole, whole) == ([], [])


def test_what_was_written_within_a_long_turn_counts_once_though_it_is_learnt_again() -> None:
    life = written(*((at, AWS) for at in range(1, 9)), *((at, US) for at in range(20, 26)))
    kept = case(created=NOW, written=[life[0], *life[3:8]])
    assert follow([kept], [case(created=NOW, written=life)])[1] == [US] * 6


@pytest.mark.timeout(10)
def test_a_case_with_very_many_communications_is_compared_in_no_time() -> None:
    life = written(*((at, (US, AWS)[at % 2]) for at in range(20_001)))
    before, after = (case(created=NOW, written=life[:count]) for count in (20_000, 20_001))
    assert follow([before], [after])[1] == [US]


def test_what_was_written_before_a_case_came_back_is_no_event_even_if_it_is_learnt_late() -> None:
    life = written((-9000, US), (-8000, AWS), (-7000, US), (-6000, AWS), (-5000, US), (-4000, AWS), (310, US))
    unknown = case(created=NOW - 9000, status="reopened", first_aws_known=False)
    assert follow([], [unknown], [case_of(*life, status="reopened")]) == ([], [US])


@pytest.mark.parametrize("between", [[[]], []], ids=["away for a reading", "between two readings"])
def test_who_reopens_a_case_does_not_reply_but_begins_a_turn(between: list[list[Case]]) -> None:
    life = written((-9000, US), (-8000, AWS), (400, US), (500, AWS))
    told, authors = follow([case_of(*life[:2])], *between, [case_of(*life, status="reopened")])
    assert (told, authors) == ([(AWS, 100.0)], [US, AWS])


lives = st.lists(
    st.tuples(st.integers(1, 5000), st.sampled_from(Author)), min_size=1, max_size=14, unique_by=lambda one: one[0]
)


@given(lives, st.lists(st.integers(1, 14), max_size=6))
def test_every_turn_is_observed_once_whatever_the_times_of_the_polls(life: list[tuple[int, Author]], polls: list[int]) -> None:
    said = in_order(Communication(NOW + at, author) for at, author in life)
    steps = [[], *[[case_of(*said[:count])] for count in sorted({min(count, len(said)) for count in polls} | {len(said)})]]
    told, authors = follow(*steps)
    first = case_of(*said).first_aws
    assert told == [(one.author, seconds) for one, seconds in replies(said) if one.created != first or one.author is US]
    assert authors == [one.author for one in said]
    assert all(seconds >= 0 for _, seconds in told)


@given(st.sampled_from([*SAYS, "odd"]), lives)
def test_a_case_waits_on_whom_its_status_says_and_since_a_message_of_the_other_side(
    status: str, life: list[tuple[int, Author]]
) -> None:
    shown = case_of(*(Communication(NOW + at, author) for at, author in life), status=status)
    assert shown.waiting_on is SAYS.get(status, shown.waiting_on)
    since = waiting_since(shown)
    others = [one.created for one in shown.communications if one.author is not shown.waiting_on]
    assert since in others if others else since == shown.created
