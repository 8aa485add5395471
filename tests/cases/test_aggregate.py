from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.cases import aggregate
from exporter.cases.changes import FirstResponse, Tally, changes
from exporter.cases.model import SEVERITY_CODES, Author, Case, Reading
from tests.support.cases import NOW, TARGETS, answered, case, fleets


@pytest.mark.parametrize(
    ("times", "quiet_since"),
    [((200.0, 100.0), 100.0), ((100.0, 200.0), 100.0), ((None, 100.0, 200.0), 100.0), ((200.0, None), 200.0), ((None,), None)],
)
def test_a_group_is_as_quiet_as_its_quietest_case_of_which_a_time_is_known(
    times: tuple[float | None, ...], quiet_since: float | None
) -> None:
    (group,) = aggregate.group_cases([case(str(number), created=at) for number, at in enumerate(times)]).values()
    assert (group.count, group.quiet_since) == (len(times), quiet_since)


def test_all_documented_severities_are_counted_first_mildest_first() -> None:
    counts = aggregate.count_by_severity(case(severity_code=code) for code in ("odd", "low", "even", "odd"))
    documented = [("low", 1), ("normal", 0), ("high", 0), ("urgent", 0), ("critical", 0)]
    assert list(counts.items()) == [*documented, ("even", 1), ("odd", 2)]


def test_of_two_cases_with_one_id_one_is_kept_and_resolved_ones_are_left_out() -> None:
    kept = aggregate.open_cases([case("b"), case("a"), case("a"), case("c", status="resolved")])
    assert [kept_case.case_id for kept_case in kept] == ["a", "b"]


LATE = case(severity_code="critical", created=0.0)


@pytest.mark.parametrize(
    ("shown", "watched", "due"),
    [
        (LATE, None, 900.0),
        (case(created=NOW), None, NOW + 43200),
        (LATE, FirstResponse(judged=True, awaited=True), 900.0),
        pytest.param(LATE, FirstResponse(judged=True, awaited=False), None, id="reopened"),
        pytest.param(answered(NOW - 5000, NOW - 10, severity_code="critical"), None, None, id="answered late"),
        pytest.param(case(severity_code="unheard-of", created=0.0), None, None, id="no target"),
        pytest.param(case(severity_code="critical", created=None), None, None, id="no opening time"),
        pytest.param(replace(LATE, first_aws_known=False), None, None, id="not known yet"),
        pytest.param(replace(LATE, opened_by=Author.AWS), None, None, id="opened by AWS"),
    ],
)
def test_a_first_response_is_due_when_a_target_has_passed_since_the_opening_of_what_waits_for_one(
    shown: Case, watched: FirstResponse | None, due: float | None
) -> None:
    found = aggregate.due([shown], TARGETS, {shown.case_id: watched} if watched else {})
    assert found == ({} if due is None else {shown.case_id: due})


def number(tally: Tally, kind: str) -> int:
    return sum(count for event, count in tally.counts.items() if event[0] == kind)


some = st.sets(st.sampled_from("abcd"))


@given(st.lists(st.tuples(some, some, st.booleans()), max_size=9))
def test_what_came_less_what_went_is_the_change_in_number_whatever_listings_leave_out(
    history: list[tuple[set[str], set[str], bool]],
) -> None:
    """In each step cases are open, some of which a listing leaves out, and AWS may tell of those, and of resolved ones."""
    before, watched = Reading(NOW, ()), dict[str, FirstResponse]()
    missed, tally = frozenset[str](), Tally()
    for step, (present, omitted, tells) in enumerate(history, start=1):
        now = NOW + 300.0 * step
        known = {one.case_id: one for one in before.cases}
        listed = tuple(known.get(name) or case(name, created=now) for name in sorted(present - omitted))
        missing = aggregate.missing_cases(before.cases, listed)
        truth = {one.case_id: one if one.case_id in present else replace(one, status="resolved") for one in missing if tells}
        cases, resolved, missed = aggregate.with_missing(listed, missing, truth, missed)
        assert not tells or {one.case_id for one in cases} == (present - omitted) | (present & {*known})
        after = Reading(now, cases, resolved)
        seen = changes(before, after, watched, TARGETS)
        before, watched, tally = after, dict(seen.watched), tally.plus(seen)
        assert number(tally, "opened") + number(tally, "reopened") - number(tally, "resolved") == len(cases)


@given(fleets)
def test_every_breakdown_adds_up_to_the_number_of_open_cases(cases: list[Case]) -> None:
    kept = aggregate.open_cases(cases)
    assert sum(group.count for group in aggregate.group_cases(kept).values()) == len(kept)
    counts = aggregate.count_by_severity(kept)
    assert sum(counts.values()) == len(kept)
    assert set(SEVERITY_CODES) <= counts.keys()
    assert aggregate.due(kept, TARGETS, {}).keys() <= {each.case_id for each in kept if each.is_unanswered}
