from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.cases.changes import MISSED, SETTLED, Changes, Tally, baseline, changes
from exporter.cases.model import Author, Case, Communication, Reading
from tests.support.cases import NOW, TARGETS, answered, case, fleets, histories

INTERVAL = 300.0


def ids(cases: Sequence[Case]) -> list[str]:
    return [one.case_id for one in cases]


def follow(*readings: Sequence[Case], step: float = INTERVAL) -> list[Changes]:
    """Return what is seen to change over successive readings, the baseline first."""
    taken = [Reading(NOW + step * number, tuple(cases)) for number, cases in enumerate(readings)]
    seen = [baseline(taken[0], TARGETS)]
    for before, after in pairwise(taken):
        seen.append(changes(before, after, seen[-1].watched, TARGETS))
    return seen


def unknown(known: Case) -> Case:
    """Return a case of which it is not known yet when AWS responded first."""
    return replace(known, first_aws_known=False)


def test_the_first_reading_is_no_event() -> None:
    (first,) = follow([case(created=0.0), answered(0.0, NOW, "case-2")])
    assert Tally().plus(first) == Tally()
    assert first.first_responses == ()


ONCE = answered(NOW - 5000, NOW - 4900)
AGAIN = replace(ONCE, status="reopened")


@pytest.mark.parametrize(
    ("readings", "opened", "resolved", "reopened", "open_seconds"),
    [
        pytest.param([None, answered(NOW + 10, NOW + 70), None], [1], [2], [], [290.0], id="new, then gone"),
        pytest.param([None, case(created=NOW - 60)], [1], [], [], [], id="new, and shows up late"),
        pytest.param([None, case(created=NOW - 299)], [1], [], [], [], id="new, by a clock as far ahead as AWS bears"),
        pytest.param([None, case(created=NOW - 420)], [1], [], [], [], id="as late as a new one may show up"),
        pytest.param([None, case(created=NOW - 421)], [], [], [1], [], id="too late to be new"),
        pytest.param([None, case(created=NOW - 86400)], [], [], [1], [], id="was there before"),
        pytest.param([None, case(status="reopened", created=NOW + INTERVAL)], [], [], [1], [], id="says that it is reopened"),
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
MAYBE_LATER = unknown(answered(NOW - 60, NOW + 240))
EARLY_AND_LATE = replace(reply(NOW - 10, NOW + 100), latest=Communication(NOW + 90000, Author.AWS))
FOLLOWED_UP = replace(answered(NOW - 100, NOW + 200), latest=Communication(NOW + 500, Author.CUSTOMER))
REOPENED_RECENTLY = critical(status="reopened", created=NOW - 100)
REOPENED_MEANWHILE = replace(answered(NOW - 100, NOW + 200), status="reopened")
JUDGED: dict[str, tuple[list[Case | None], list[int], dict[int, float]]] = {
    "answered, then followed up": ([case(created=NOW - 100), answered(NOW - 100, NOW + 200), FOLLOWED_UP], [], {1: 300}),
    "never answered": ([WAITING] * 3, [1], {}),
    "never answered, then late": ([WAITING, WAITING, reply(NOW - 700, NOW + 400)], [1], {2: 1100}),
    "answered late between two readings": ([critical(created=NOW - 710), reply(NOW - 710, NOW + 250)], [1], {1: 960}),
    "answered in time, read after the target": ([critical(created=NOW - 710), reply(NOW - 710, NOW + 100)], [], {1: 810}),
    "answered at the very moment of the target": ([None, reply(NOW, NOW + 900)], [], {1: 900}),
    "answered after the target": ([None, reply(NOW, NOW + 900.001)], [1], {1: 900.001}),
    "answered in time, with a late follow-up": (
        [critical(created=NOW - 10), reply(NOW - 10, NOW + 100), EARLY_AND_LATE],
        [],
        {1: 110},
    ),
    "raised to a severity whose target has passed": ([case(created=NOW - 5000), critical(created=NOW - 5000)], [1], {}),
    "raised after an answer": ([answered(NOW - 20000, NOW - 5000), reply(NOW - 20000, NOW - 5000)], [], {}),
    "not looked up yet": ([NOT_LOOKED_UP] * 2, [], {}),
    **{
        f"learnt late to be {title} before the first reading": ([NOT_LOOKED_UP, NOT_LOOKED_UP, found, found], [], {})
        for title, found in {
            "answered in time": reply(LONG_AGO, LONG_AGO + 60),
            "answered late": reply(LONG_AGO, NOW - 1000),
            "unanswered": critical(created=LONG_AGO),
        }.items()
    },
    **{
        f"learnt late to be first answered {title}": (
            [critical(created=NOW), *[unknown(reply(NOW, NOW + 9000))], *[reply(NOW, NOW + after)] * 2],
            breached,
            {2: after},
        )
        for title, after, breached in (("in time", 60.0, []), ("late", 5000.0, [2]))
    },
    "target passes while not looked up": ([unknown(WAITING), unknown(WAITING), WAITING, WAITING], [2], {}),
    "learnt late to be unanswered": (
        [unknown(case(created=NOW - 60)), case(created=NOW - 60), answered(NOW - 60, NOW + 540)],
        [],
        {2: 600},
    ),
    **{
        f"{title}, looked up after {count}": ([before, *[MAYBE_LATER] * count, LOOKED_UP, LOOKED_UP], [], {1 + count: 180})
        for title, before in (("new", None), ("unanswered", case(created=NOW - 60)))
        for count in (1, 3)
    },
    "answered before it was reopened, looked up later": (
        [case(created=NOW - 100), unknown(REOPENED_MEANWHILE), *[replace(REOPENED_MEANWHILE, first_aws=NOW + 150)] * 2],
        [],
        {2: 250},
    ),
    "resolved and reopened meanwhile": ([case(created=NOW - 100), REOPENED_MEANWHILE, REOPENED_MEANWHILE], [], {1: 300}),
    **{
        f"{title}, reopened, then {status} and answered": (
            [
                before,
                case(status="reopened", created=LONG_AGO),
                case(status=status, created=LONG_AGO),
                *[replace(answered(LONG_AGO, NOW + 500), status=status)] * 2,
            ],
            [],
            {},
        )
        for title, before in (
            ("resolved", None),
            ("unanswered", case(created=LONG_AGO)),
            ("not looked up", unknown(case(created=LONG_AGO))),
        )
        for status in ("reopened", "work-in-progress")
    },
    "reopened before the first reading": (
        [case(status="reopened", created=LONG_AGO), case(created=LONG_AGO), answered(LONG_AGO, NOW + 500)],
        [],
        {},
    ),
    "reopened, and its target passes": ([None, *[critical(status="reopened", created=LONG_AGO)] * 8], [], {}),
    "reopened while open, and its target passes": ([critical(created=NOW - 100), *[REOPENED_RECENTLY] * 8], [], {}),
    "reopened at first, and its target passes": ([critical(status="reopened", created=LONG_AGO)] * 8, [], {}),
}


@pytest.mark.parametrize(("readings", "missed", "responses"), JUDGED.values(), ids=JUDGED)
def test_a_first_response_is_judged_once(readings: list[Case | None], missed: list[int], responses: dict[int, float]) -> None:
    seen = follow(*([one] if one else [] for one in readings))
    assert [n for n, one in enumerate(seen) for _, outcome in one.outcomes if outcome == MISSED] == missed
    found = [(n, seconds) for n, one in enumerate(seen) for _, seconds in one.first_responses]
    assert [n for n, _ in found] == list(responses)
    assert [seconds for _, seconds in found] == pytest.approx(list(responses.values()), abs=1e-6)


def test_changes_tell_the_case_and_its_severity() -> None:
    _, seen = follow([], [critical("case-1", created=NOW), reply(NOW, NOW + 1000, "case-2")], step=1200)
    assert (ids(seen.opened), seen.outcomes) == (["case-1", "case-2"], (("critical", "missed"),) * 2)
    assert seen.first_responses == (("critical", 1000.0),)


def test_times_are_never_negative_where_aws_s_clock_is_ahead() -> None:
    ahead = NOW + 10_000
    _, second, third = follow([], [answered(ahead, ahead - 5)], [])
    assert second.first_responses == (("normal", 0.0),)
    assert third.open_durations == (("normal", 0.0),)


def test_a_tally_without_changes_stays_the_same_object() -> None:
    tally = Tally().plus(Changes(opened=(case(),)))
    assert tally.plus(Changes(watched={"case-1": SETTLED})) is tally
    assert dict(tally.counts) == {("opened", "normal", "customer"): 1}


@given(histories())
def test_what_came_less_what_went_is_the_change_in_number(history: tuple[list[Case], list[Case]]) -> None:
    before, after = history
    _, seen = follow(before, after)
    assert len(seen.opened) + len(seen.reopened) - len(seen.resolved) == len(after) - len(before)
    assert {*ids(seen.opened)} & {*ids(seen.reopened)} == set()
    assert all(seconds >= 0 for _, seconds in (*seen.first_responses, *seen.open_durations))


@given(fleets)
def test_nothing_happens_twice(cases: list[Case]) -> None:
    _, _, again = follow(cases, cases, cases, step=0.0)
    assert (again.opened, again.resolved, again.reopened, again.outcomes, again.written, again.replies) == (
        (),
        (),
        (),
        (),
        (),
        (),
    )


@given(fleets, st.floats(0, 1e6))
def test_cases_that_are_the_same_objects_change_as_equal_ones_do(cases: list[Case], step: float) -> None:
    """Most polls find nothing new, and that is noticed by identity."""
    before = Reading(NOW, tuple(cases))
    watched = baseline(before, TARGETS).watched
    same, equal = (changes(before, Reading(NOW + step, found), watched, TARGETS) for found in (before.cases, tuple(cases)))
    assert same == equal
