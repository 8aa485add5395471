"""What is seen to happen between readings, and what events add: when a case was resolved."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.cases.changes import MISSED, SETTLED, Changes, Tally, baseline, changes
from exporter.cases.events import Event
from exporter.cases.model import Author, Case, Communication, Reading
from tests.support.cases import NOW, TARGETS, answered, case, case_of, fleets, follow, written


def ids(cases: Sequence[Case]) -> list[str]:
    return [one.case_id for one in cases]


def unknown(known: Case) -> Case:
    """Return a case of which it is not known yet when AWS responded first."""
    return replace(known, first_aws_known=False)


def test_the_first_reading_is_no_event() -> None:
    (first,) = follow([case(created=0.0), answered(0.0, NOW, "case-2")])
    assert first == Changes(watched=first.watched)


ONCE = answered(NOW - 5000, NOW - 4900)
AGAIN = replace(ONCE, status="reopened")


@pytest.mark.parametrize(
    ("readings", "opened", "resolved", "reopened", "open_seconds"),
    [
        pytest.param([None, answered(NOW + 10, NOW + 70), None], [1], [2], [], [290.0], id="new, then gone"),
        pytest.param([None, case(created=NOW - 420)], [1], [], [], [], id="as late as a new one may show up"),
        pytest.param([None, case(created=NOW - 421)], [], [], [1], [], id="too late to be new"),
        pytest.param([None, case(status="reopened", created=NOW + 300)], [], [], [1], [], id="says that it is reopened"),
        pytest.param([ONCE, AGAIN, AGAIN], [], [1], [1], [5000.0], id="away between two readings"),
    ],
)
def test_a_case_comes_and_goes(
    readings: list[Case | None], opened: list[int], resolved: list[int], reopened: list[int], open_seconds: list[float]
) -> None:
    seen = follow(*([one] if one else [] for one in readings))
    found = [[n for n, one in enumerate(seen) if getattr(one, name)] for name in ("opened", "resolved", "reopened")]
    assert found == [opened, resolved, reopened]
    assert [pair for one in seen for pair in one.open_durations] == [("normal", seconds) for seconds in open_seconds]


critical = partial(case, severity_code="critical")
reply = partial(answered, severity_code="critical")
LONG_AGO = NOW - 1e6
WAITING = critical(created=NOW - 700)
NOT_LOOKED_UP = unknown(critical(created=LONG_AGO))
LOOKED_UP = answered(NOW - 60, NOW + 120)
FOLLOWED_UP = replace(answered(NOW - 100, NOW + 200), latest=Communication(NOW + 500, Author.CUSTOMER))
REOPENED_MEANWHILE = replace(answered(NOW - 100, NOW + 200), status="reopened")
JUDGED: dict[str, tuple[list[Case | None], list[int], dict[int, float]]] = {
    "answered, then followed up": ([case(created=NOW - 100), answered(NOW - 100, NOW + 200), FOLLOWED_UP], [], {1: 300}),
    "not answered, then late": ([WAITING, WAITING, reply(NOW - 700, NOW + 400)], [1], {2: 1100}),
    "answered in time, read after the target": ([critical(created=NOW - 710), reply(NOW - 710, NOW + 100)], [], {1: 810}),
    "answered at the very moment of the target": ([None, reply(NOW, NOW + 900)], [], {1: 900}),
    "answered after the target": ([None, reply(NOW, NOW + 900.001)], [1], {1: 900.001}),
    "raised to a severity whose target has passed": ([case(created=NOW - 5000), critical(created=NOW - 5000)], [1], {}),
    "learnt late to be answered late before": ([NOT_LOOKED_UP, *[reply(LONG_AGO, NOW - 1000)] * 2], [], {}),
    "learnt late to be answered late": (
        [critical(created=NOW), unknown(reply(NOW, NOW + 9000)), *[reply(NOW, NOW + 5000)] * 2],
        [2],
        {2: 5000},
    ),
    "learnt late to be unanswered": (
        [unknown(case(created=NOW - 60)), case(created=NOW - 60), answered(NOW - 60, NOW + 540)],
        [],
        {2: 600},
    ),
    "target passes while not looked up": ([unknown(WAITING), unknown(WAITING), WAITING, WAITING], [2], {}),
    "new, looked up after two": ([None, *[unknown(answered(NOW - 60, NOW + 240))] * 2, *[LOOKED_UP] * 2], [], {3: 180}),
    "answered before it was reopened, looked up later": (
        [case(created=NOW - 100), unknown(REOPENED_MEANWHILE), *[replace(REOPENED_MEANWHILE, first_aws=NOW + 150)] * 2],
        [],
        {2: 250},
    ),
    "reopened before it was looked up": (
        [unknown(case(created=LONG_AGO)), case(status="reopened", created=LONG_AGO), *[answered(LONG_AGO, NOW + 500)] * 2],
        [],
        {},
    ),
    "reopened before the first reading": ([critical(status="reopened", created=LONG_AGO), critical(created=LONG_AGO)], [], {}),
    "reopened, and its target passes": ([WAITING, *[critical(status="reopened", created=NOW - 700)] * 3], [], {}),
}


@pytest.mark.parametrize(("readings", "missed", "responses"), JUDGED.values(), ids=JUDGED)
def test_a_first_response_is_judged_once(readings: list[Case | None], missed: list[int], responses: dict[int, float]) -> None:
    seen = follow(*([one] if one else [] for one in readings))
    assert [n for n, one in enumerate(seen) for _, outcome in one.outcomes if outcome == MISSED] == missed
    found = [(n, seconds) for n, one in enumerate(seen) for _, seconds in one.first_responses]
    assert [n for n, _ in found] == list(responses)
    assert [seconds for _, seconds in found] == pytest.approx(list(responses.values()), abs=1e-6)


def test_changes_tell_the_case_and_its_severity() -> None:
    _, seen = follow(
        [case("case-3")], [critical("case-1", created=NOW), reply(NOW, NOW + 1000, "case-2"), case("case-3")], step=1200
    )
    assert (ids(seen.opened), seen.outcomes) == (["case-1", "case-2"], (("critical", "missed"),) * 2)
    assert seen.first_responses == (("critical", 1000.0),)
    assert seen.case_ids == {"case-1", "case-2"}


def test_times_are_never_negative_where_aws_s_clock_is_ahead() -> None:
    ahead = NOW + 10_000
    _, second, third = follow([], [answered(ahead, ahead - 5)], [])
    assert second.first_responses == (("normal", 0.0),)
    assert third.open_durations == (("normal", 0.0),)


def test_a_tally_without_changes_stays_the_same_object() -> None:
    tally = Tally().plus(Changes(opened=(case(),)))
    assert tally.plus(Changes(watched={"case-1": SETTLED})) is tally
    assert dict(tally.counts) == {("opened", "normal", "customer"): 1}


@given(fleets, fleets)
def test_what_came_less_what_went_is_the_change_in_number(before: list[Case], others: list[Case]) -> None:
    changed = [replace(other, case_id=one.case_id) for one, other in zip(before[1::3], others, strict=False)]
    after = [*before[::3], *changed, *others[len(changed) :]]
    _, seen = follow(before, after)
    assert len(seen.opened) + len(seen.reopened) - len(seen.resolved) == len(after) - len(before)
    assert {*ids(seen.opened)} & {*ids(seen.reopened)} == set()
    assert all(seconds >= 0 for _, seconds in (*seen.first_responses, *seen.open_durations))


@given(fleets, st.floats(0, 1e6))
def test_what_stays_as_it_was_changes_once_be_it_the_same_or_equal(cases: list[Case], step: float) -> None:
    """Most polls find nothing new, and that is noticed by identity."""
    before, later = Reading(NOW, tuple(cases)), NOW + step
    watched = baseline(before, TARGETS).watched
    same, equal = (changes(before, Reading(later, found), watched, TARGETS) for found in (before.cases, tuple(cases)))
    assert same == equal
    again = changes(Reading(later, tuple(cases)), Reading(later, tuple(cases)), same.watched, TARGETS)
    assert again == Changes(watched=again.watched)


US, AWS = Author.CUSTOMER, Author.AWS
CREATED, WRITTEN, TAKEN = NOW - 5000, NOW - 4900, NOW + 300


def resolve(at: float | None, case_id: str = "case-1", name: str = "ResolveCase") -> Event:
    return Event("111122223333", name, case_id=case_id, at=at)


def told_of(before: Case, after: Case | None, *events: Event) -> Changes:
    first, second = Reading(NOW, (before,)), Reading(TAKEN, (after,) if after else ())
    return changes(first, second, baseline(first, TARGETS).watched, TARGETS, events)


@pytest.mark.parametrize(
    ("events", "open_seconds"),
    [
        ([resolve(NOW + 50), resolve(NOW + 9)], 5050),
        ([resolve(NOW - 50)], 4950),
        ([resolve(None)], NOW - CREATED),
        ([resolve(NOW + 50, name="ReopenCase")], NOW - CREATED),
        ([resolve(NOW + 50, "case-2")], NOW - CREATED),
        ([resolve(NOW - 500)], NOW - CREATED),
        ([resolve(TAKEN + 9e9)], TAKEN - CREATED),
    ],
)
def test_a_case_was_open_until_its_event_where_that_can_be(events: list[Event], open_seconds: float) -> None:
    assert told_of(answered(CREATED, WRITTEN), None, *events).open_durations == (("normal", open_seconds),)


def test_an_event_alone_resolves_nothing() -> None:
    seen = told_of(case(), case(), resolve(NOW))
    assert (seen.resolved, seen.case_ids) == ((), frozenset())


@pytest.mark.parametrize(
    ("meanwhile", "events", "replies"),
    [
        ([(10, US), (100, US), (160, AWS)], [], [(AWS, 150)]),
        ([(10, US), (100, US), (160, AWS)], [resolve(NOW + 60)], [(AWS, 60)]),
        ([(10, US), (30, AWS), (100, US), (160, AWS)], [resolve(NOW + 60)], [(AWS, 20), (AWS, 60)]),
    ],
)
def test_a_resolution_that_an_event_tells_ends_the_turn_before_the_reopening(
    meanwhile: list[tuple[float, Author]], events: list[Event], replies: list[tuple[Author, float]]
) -> None:
    told = [Communication(CREATED, US), Communication(WRITTEN, AWS)]
    seen = told_of(case_of(*told), case_of(*told, *written(*meanwhile), status="reopened"), *events)
    assert [(author, seconds) for _, author, seconds in seen.replies] == replies
    assert seen.written == tuple(author for _, author in meanwhile)
