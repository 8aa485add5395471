"""Whose turn it is, since when, and how long each side took; within what time AWS promises to answer."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.cases.model import Author, Case, Communication
from exporter.cases.targets import PLANS, SupportPlan, targets
from exporter.cases.turns import in_order, replies, waiting_since
from tests.support.cases import NOW, case, case_of, follow, written

US, AWS = Author.CUSTOMER, Author.AWS
SAYS = {
    "pending-customer-action": US,
    **dict.fromkeys(
        ("pending-amazon-action", "customer-action-completed", "unassigned", "opened", "reopened", "work-in-progress"), AWS
    ),
}


@pytest.mark.parametrize("status", [*SAYS, "unheard-of"])
def test_the_status_tells_whose_turn_it_is_and_else_the_last_author(status: str) -> None:
    for latest, other in ((Communication(NOW, AWS), US), (Communication(NOW, US), AWS), (None, AWS)):
        assert case(status=status, latest=latest).waiting_on is SAYS.get(status, other)


SINCE: dict[str, tuple[str, Sequence[tuple[float, Author]], float]] = {
    "an interim update does not count": ("work-in-progress", [(0, US), (9, AWS)], 0),
    "several do not": ("pending-amazon-action", [(0, US), (1, AWS), (5, US), (6, US), (8, AWS), (9, AWS)], 5),
    "AWS asks": ("pending-customer-action", [(0, US), (3, AWS), (4, AWS)], 3),
    "we wrote, and the status is not changed yet": ("pending-customer-action", [(0, US), (3, AWS), (4, US)], 3),
    "we answered": ("customer-action-completed", [(0, US), (3, AWS), (4, US), (5, US)], 4),
    "AWS opened it": ("pending-customer-action", [(2, AWS), (3, AWS)], 2),
    "nothing is written": ("opened", [], -1000),
}


@pytest.mark.parametrize(("status", "sides", "since"), SINCE.values(), ids=SINCE)
def test_a_case_waits_since_the_first_message_that_is_not_answered(
    status: str, sides: Sequence[tuple[float, Author]], since: float
) -> None:
    said = written(*sides)
    waiting = case(status=status, created=said[0].created if said else NOW - 1000, written=said)
    assert waiting_since(waiting) == NOW + since


def test_each_plan_has_its_targets_which_some_services_and_severities_have_not() -> None:
    for plan, seconds in {
        "business_support_plus": 1800.0,
        "enterprise": 900.0,
        "unified_operations": 300.0,
        "enterprise_on_ramp": 1800.0,
        "business": float("inf"),
    }.items():
        promised = targets(SupportPlan(plan), exempt_services=("billing", "service-limit-*"))
        found = [promised.of(code, "service-eks") for code in ("critical", "urgent", "high", "normal", "low", "odd")]
        assert found == [seconds, 3600.0, 14400.0, 43200.0, 86400.0, float("inf")]
        assert {promised.of("urgent", service) for service in ("billing", "service-limit-increase")} == {float("inf")}
    assert len(PLANS) == 5


Told = tuple[list[tuple[Author, float]], list[Author]]


def told(*readings: Sequence[Case]) -> Told:
    """Return the replies and the authors of communications that are seen over readings, the first of which is the baseline."""
    seen = follow(*readings)
    return [reply[1:] for one in seen for reply in one.replies], [author for one in seen for author in one.written]


OURS = written((10, US), (20, US), (50, AWS), (60, AWS), (90, US), (95, AWS))
OLD = written((-900, US), (-800, AWS), (-700, US), (-600, US), (-500, US), (-400, US), (-300, US))
BACK = written((-9000, US), (-8000, AWS), (-7000, US), (-6000, AWS), (-5000, US), (-4000, AWS), (310, US))
AGAIN = written((-9000, US), (-8000, AWS), (400, US), (500, AWS))
LONG = written(*((at, AWS) for at in range(1, 9)), *((at, US) for at in range(20, 26)))
TOLD: dict[str, tuple[list[list[Case]], Told]] = {
    "the first response is no reply": ([[], [case_of(*OURS)]], ([(US, 40.0), (AWS, 5.0)], [US, US, AWS, AWS, US, AWS])),
    "what was written before the baseline is no event, learnt in part": (
        [[case(created=NOW - 900, first_aws_known=False, written=OLD[-5:])], [case_of(*OLD)], [case_of(*OLD)]],
        ([], []),
    ),
    "nor is it where nothing was known, or before a case came back": (
        [[], [case(created=NOW - 9000, status="reopened", first_aws_known=False)], [case_of(*BACK, status="reopened")]],
        ([], [US]),
    ),
    "what was written within a long turn counts once, though it is learnt again": (
        [[case(created=NOW, written=[LONG[0], *LONG[3:8]])], [case(created=NOW, written=LONG)]],
        ([(US, 19.0)], [US] * 6),
    ),
    "who reopens a case does not reply but begins a turn": (
        [[case_of(*AGAIN[:2])], [case_of(*AGAIN, status="reopened")]],
        ([(AWS, 100.0)], [US, AWS]),
    ),
}


@pytest.mark.parametrize(("readings", "expected"), TOLD.values(), ids=TOLD)
def test_replies_and_what_is_written_are_told_once(readings: list[list[Case]], expected: Told) -> None:
    assert told(*readings) == expected


@pytest.mark.timeout(10)
def test_a_case_with_very_many_communications_is_compared_in_no_time() -> None:
    life = written(*((at, (US, AWS)[at % 2]) for at in range(20_001)))
    before, after = (case(created=NOW, written=life[:count]) for count in (20_000, 20_001))
    assert told([before], [after])[1] == [US]


lives = st.lists(st.tuples(st.integers(1, 5000), st.sampled_from(Author)), min_size=1, max_size=8, unique_by=lambda one: one[0])


@given(lives, st.lists(st.integers(1, 8), max_size=4))
def test_every_turn_is_observed_once_whatever_the_times_of_the_polls(life: list[tuple[int, Author]], polls: list[int]) -> None:
    said = in_order(written(*life))
    steps = [[], *[[case_of(*said[:count])] for count in sorted({min(count, len(said)) for count in polls} | {len(said)})]]
    first = case_of(*said).first_aws
    expected = [(one.author, seconds) for one, seconds in replies(said) if one.created != first or one.author is US]
    assert told(*steps) == (expected, [one.author for one in said])
    assert all(seconds >= 0 for _, seconds in expected)


@given(st.sampled_from([*SAYS, "odd"]), lives)
def test_a_case_waits_since_a_message_of_the_other_side(status: str, life: list[tuple[int, Author]]) -> None:
    shown = case_of(*written(*life), status=status)
    since = waiting_since(shown)
    others = [one.created for one in shown.communications if one.author is not shown.waiting_on]
    assert since in others if others else since == shown.created
