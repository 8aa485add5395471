from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.cases.changes import APPEARS_WITHIN, Changes, FirstResponse, Tally, baseline, changes
from exporter.cases.model import Author, Case, Communication, Reading
from tests.support.cases import NOW, answered, case, fleets, histories

TARGETS = {"critical": 900.0, "high": 14400.0, "normal": 43200.0}
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


def test_the_first_reading_is_no_event() -> None:
    (first,) = follow([case(created=0.0), answered(0.0, NOW, "case-2")])
    assert Tally().plus(first) == Tally()
    assert first.first_responses == ()


def test_a_new_case_is_opened_and_one_that_is_gone_resolved() -> None:
    _, second, third = follow([], [case(created=NOW + 10)], [])
    assert ids(second.opened) == ["case-1"]
    assert ids(third.resolved) == ["case-1"]
    assert third.open_durations == (("normal", 2 * INTERVAL - 10),)


@pytest.mark.parametrize(
    "back",
    [case(created=NOW - 86400), case(status="reopened", created=NOW + INTERVAL)],
    ids=["was there before", "says so itself"],
)
def test_a_case_that_comes_back_is_reopened_and_not_opened(back: Case) -> None:
    *_, last = follow([], [back])
    assert (ids(last.reopened), ids(last.opened)) == (["case-1"], [])


def test_a_case_that_was_away_between_two_readings_is_resolved_and_reopened() -> None:
    before = answered(NOW - 5000, NOW - 4900)
    _, seen, again = follow([before], *[[replace(before, status="reopened")]] * 2)
    assert (ids(seen.resolved), ids(seen.reopened), ids(seen.opened)) == (["case-1"], ["case-1"], [])
    assert seen.open_durations == (("normal", 5000 + INTERVAL),)
    assert (again.resolved, again.reopened) == ((), ())


def test_a_case_that_shows_up_late_is_still_opened() -> None:
    *_, last = follow([], [case(created=NOW - 60)])
    assert ids(last.opened) == ["case-1"]


def test_a_first_response_is_observed_once() -> None:
    opened = NOW - 100
    reply = answered(opened, NOW + 200)
    follow_up = case(created=opened, latest=Communication(NOW + 500, Author.CUSTOMER), first_aws=NOW + 200)
    _, second, third = follow([case(created=opened)], [reply], [follow_up])
    assert second.first_responses == (("normal", 300.0),)
    assert third.first_responses == ()


def test_a_case_that_was_never_answered_is_breached_once() -> None:
    waiting = case(severity_code="critical", created=NOW - 700)
    seen = follow([waiting], [waiting], [waiting])
    assert [ids(one.breached) for one in seen] == [[], ["case-1"], []]


def test_a_late_first_answer_that_is_the_newest_message_is_a_breach() -> None:
    opened = NOW - 10
    seen = follow(
        [case(severity_code="critical", created=opened)], [answered(opened, NOW + 1000, severity_code="critical")], step=1200
    )
    assert ids(seen[1].breached) == ["case-1"]
    assert seen[1].first_responses == (("critical", 1010.0),)


def test_an_answer_in_time_that_is_read_after_the_target_is_no_breach() -> None:
    opened = NOW - 10
    unanswered = case(severity_code="critical", created=opened)
    seen = follow([unanswered], [answered(opened, NOW + 800, severity_code="critical")], step=1200)
    assert (seen[1].breached, seen[1].first_responses) == ((), (("critical", 810.0),))


@pytest.mark.parametrize(("moment", "breached"), [(900.0, []), (900.001, ["case-1"])])
def test_an_answer_at_the_very_moment_of_the_target_is_in_time(moment: float, breached: list[str]) -> None:
    seen = follow([], [answered(NOW, NOW + moment, severity_code="critical")], step=1200)
    assert ids(seen[1].breached) == breached


def test_a_new_case_is_opened_though_the_clock_is_as_far_ahead_as_aws_bears() -> None:
    ahead = 300.0
    *_, last = follow([], [case(created=NOW - ahead + 1)])
    assert (ids(last.opened), ids(last.reopened)) == (["case-1"], [])


@pytest.mark.parametrize(("before", "event"), [(APPEARS_WITHIN, "opened"), (APPEARS_WITHIN + 1, "reopened")])
def test_how_late_a_case_may_show_up_has_a_bound(before: float, event: str) -> None:
    *_, last = follow([], [case(created=NOW - before)])
    assert [name for name in ("opened", "reopened") if getattr(last, name)] == [event]


def test_a_case_without_an_answer_hides_no_first_response_of_another() -> None:
    *_, last = follow([], [case("case-1", created=NOW), answered(NOW, NOW + 60, "case-2")])
    assert last.first_responses == (("normal", 60.0),)


def test_times_are_never_negative_where_aws_s_clock_is_ahead() -> None:
    ahead = NOW + 10_000
    _, second, third = follow([], [answered(ahead, ahead - 5)], [])
    assert second.first_responses == (("normal", 0.0),)
    assert third.open_durations == (("normal", 0.0),)


def test_a_breach_is_not_counted_again_when_the_answer_comes() -> None:
    waiting = case(severity_code="critical", created=NOW - 700)
    reply = answered(NOW - 700, NOW + 400, severity_code="critical")
    seen = follow([waiting], [waiting], [reply])
    assert [ids(one.breached) for one in seen] == [[], ["case-1"], []]
    assert seen[2].first_responses == (("critical", 1100.0),)


def test_an_early_first_answer_with_a_late_follow_up_is_no_breach() -> None:
    opened = NOW - 10
    early = answered(opened, NOW + 100, severity_code="critical")
    late = case(severity_code="critical", created=opened, latest=Communication(NOW + 90000, Author.AWS), first_aws=NOW + 100)
    seen = follow([case(severity_code="critical", created=opened)], [early], [late])
    assert [ids(one.breached) for one in seen] == [[], [], []]


def test_the_target_of_the_severity_now_counts_for_an_unanswered_case() -> None:
    opened = NOW - 5000
    seen = follow([case(created=opened)], [case(severity_code="critical", created=opened)])
    assert ids(seen[1].breached) == ["case-1"]


def test_a_severity_raised_after_a_timely_answer_is_no_breach() -> None:
    opened = NOW - 20000
    timely = answered(opened, NOW - 5000)
    raised = answered(opened, NOW - 5000, severity_code="critical")
    seen = follow([timely], [raised])
    assert ids(seen[1].breached) == []


@pytest.mark.parametrize(
    "before", [[], [case(severity_code="critical", created=NOW - 100)], None], ids=["gone", "open", "first"]
)
def test_a_reopened_case_is_not_judged_by_its_first_opening(before: list[Case] | None) -> None:
    back = case(status="reopened", severity_code="critical", created=NOW - 100 if before else NOW - 1e6)
    recent = replace(back, created=NOW - 100)
    seen = follow(*([] if before is None else [before]), *[[recent if before is None else back]] * 8)
    assert [one for each in seen for one in ids(each.breached)] == []
    (late,) = follow([case(severity_code="critical", created=NOW - 100)], [recent], step=50_000.0)[1:]
    assert ids(late.breached) == []


def test_a_first_response_before_a_reopening_is_observed_though_its_time_is_looked_up_later() -> None:
    perhaps = replace(answered(NOW - 100, NOW + 200), status="reopened", first_aws_known=False)
    known = replace(perhaps, first_aws=NOW + 150, first_aws_known=True)
    seen = follow([case(created=NOW - 100)], [perhaps], [known], [known])
    assert [one.first_responses for one in seen] == [(), (), (("normal", 250.0),), ()]


@pytest.mark.parametrize("status", ["reopened", "work-in-progress"])
@pytest.mark.parametrize(
    "before",
    [[], [case(created=NOW - 1e6)], [case(created=NOW - 1e6, first_aws_known=False)]],
    ids=["resolved", "unanswered", "not looked up"],
)
def test_an_answer_after_a_reopening_is_no_first_response_whatever_the_status_says_by_then(
    before: list[Case], status: str
) -> None:
    back = case(status="reopened", created=NOW - 1e6)
    moved = replace(back, status=status)
    reply = replace(answered(NOW - 1e6, NOW + 500), status=status)
    seen = follow(before, [back], [moved], [reply], [reply])
    assert [one.first_responses for one in seen] == [()] * 5


def test_a_case_that_was_reopened_before_the_first_reading_has_no_first_response_to_come() -> None:
    reopened = case(status="reopened", created=NOW - 1e6)
    seen = follow([reopened], [replace(reopened, status="opened")], [answered(NOW - 1e6, NOW + 500)])
    assert [one.first_responses for one in seen] == [()] * 3


def test_an_answer_to_a_case_that_was_resolved_and_reopened_meanwhile_is_its_first_response() -> None:
    reply = replace(answered(NOW - 100, NOW + 200), status="reopened")
    *_, seen, again = follow([case(created=NOW - 100)], [reply], [reply])
    assert (seen.first_responses, again.first_responses) == ((("normal", 300.0),), ())


@pytest.mark.parametrize("put_off", [1, 3])
@pytest.mark.parametrize("before", [[], [case(created=NOW - 60)]], ids=["new", "unanswered"])
def test_a_first_response_whose_time_is_looked_up_late_is_observed_once(before: list[Case], put_off: int) -> None:
    perhaps = replace(answered(NOW - 60, NOW + 240), first_aws_known=False)
    known = replace(perhaps, first_aws=NOW + 120, first_aws_known=True)
    seen = follow(before, *[[perhaps]] * put_off, [known], [known])
    assert [one.first_responses for one in seen] == [()] * (1 + put_off) + [(("normal", 180.0),), ()]


def test_a_case_that_turns_out_to_be_unanswered_has_its_first_response_to_come() -> None:
    not_looked_up = case(created=NOW - 60, first_aws_known=False)
    seen = follow([not_looked_up], [case(created=NOW - 60)], [answered(NOW - 60, NOW + 540)])
    assert [one.first_responses for one in seen] == [(), (), (("normal", 600.0),)]


def test_a_case_whose_first_response_is_not_known_yet_is_not_judged() -> None:
    unknown = case(severity_code="critical", created=NOW - 1e6, first_aws_known=False)
    seen = follow([unknown], [unknown])
    assert ids(seen[1].breached) == []


@pytest.mark.parametrize(
    "turns_out",
    [
        answered(NOW - 1e6, NOW - 1e6 + 60, severity_code="critical"),
        answered(NOW - 1e6, NOW - 1000, severity_code="critical"),
        case(severity_code="critical", created=NOW - 1e6),
    ],
    ids=["answered in time", "answered late", "never answered"],
)
def test_what_is_learnt_late_of_the_time_before_the_first_reading_is_no_event(turns_out: Case) -> None:
    not_looked_up = case(severity_code="critical", created=NOW - 1e6, first_aws_known=False)
    seen = follow([not_looked_up], [not_looked_up], [turns_out], [turns_out])
    assert [(ids(one.breached), one.first_responses) for one in seen] == [([], ())] * 4


@pytest.mark.parametrize(("first", "breached"), [(NOW + 60, []), (NOW + 5000, ["case-1"])], ids=["in time", "late"])
def test_an_answer_that_may_not_be_the_first_is_judged_once_the_first_is_known(first: float, breached: list[str]) -> None:
    perhaps = replace(answered(NOW, NOW + 9000, severity_code="critical"), first_aws_known=False)
    known = replace(perhaps, first_aws=first, first_aws_known=True)
    seen = follow([case(severity_code="critical", created=NOW)], [perhaps], [known], [known], step=10.0)
    assert [ids(one.breached) for one in seen] == [[], [], breached, []]
    assert seen[1].first_responses == ()


def test_a_target_that_passes_while_the_first_response_is_not_known_is_a_breach_once_it_is() -> None:
    not_looked_up = case(severity_code="critical", created=NOW - 700, first_aws_known=False)
    waiting = case(severity_code="critical", created=NOW - 700)
    seen = follow([not_looked_up], [not_looked_up], [waiting], [waiting])
    assert [ids(one.breached) for one in seen] == [[], [], ["case-1"], []]


def test_a_tally_without_changes_stays_the_same_object() -> None:
    tally = Tally().plus(Changes(opened=(case(),)))
    assert tally.plus(Changes(watched={"case-1": FirstResponse.SETTLED})) is tally
    assert dict(tally.opened) == {"normal": 1}


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
    assert (again.opened, again.resolved, again.reopened, again.breached, again.first_responses) == ((), (), (), (), ())


@given(fleets, st.floats(0, 1e6))
def test_cases_that_are_the_same_objects_change_as_equal_ones_do(cases: list[Case], step: float) -> None:
    """Most polls find nothing new, and that is noticed by identity."""
    before = Reading(NOW, tuple(cases))
    watched = baseline(before, TARGETS).watched
    same, equal = (changes(before, Reading(NOW + step, found), watched, TARGETS) for found in (before.cases, tuple(cases)))
    assert same == equal
