"""What is told of the past of a case is what the exporter would have counted, had it watched."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.cases.changes import MET, MISSED, OPENED, OUTCOME, WRITTEN, Changes, Tally, baseline, changes
from exporter.cases.history import ANSWERED, REPLIED, Milestone, milestones
from exporter.cases.model import RESOLVED, Author, Case, Communication, Reading
from exporter.cases.targets import SupportPlan, Targets
from tests.support.cases import NOW, case, case_of

AWS, US = Author.AWS, Author.CUSTOMER
TARGETS = Targets(SupportPlan.ENTERPRISE, (("normal", 7.25), ("high", 3.25)))
"""Between two polls, so that no case is resolved just when its target passes."""
POLLS = [NOW + half / 2 for half in range(80)]


def written(*said: tuple[float, Author]) -> tuple[Communication, ...]:
    return tuple(Communication(NOW + at, author) for at, author in said)


def told(one: Case, targets: Targets = TARGETS) -> list[tuple[object, ...]]:
    return sorted((milestone.at - NOW, *milestone.counted, milestone.seconds) for milestone in milestones(one, targets))


@pytest.mark.parametrize(
    ("said", "status", "expected"),
    [
        pytest.param([(1, US), (5, AWS)], "opened", [(5, OUTCOME, "normal", MET, None)], id="met"),
        pytest.param([(1, US), (9, AWS)], "opened", [(8.25, OUTCOME, "normal", MISSED, None)], id="answered late"),
        pytest.param([(1, US)], "opened", [(8.25, OUTCOME, "normal", MISSED, None)], id="not answered"),
        pytest.param([(1, US), (5, US)], "resolved", [], id="resolved within the target, unanswered"),
        pytest.param([(1, US), (9, US)], "resolved", [(8.25, OUTCOME, "normal", MISSED, None)], id="resolved after it"),
        pytest.param([(1, AWS), (30, US)], "opened", [], id="opened by AWS"),
    ],
)
def test_a_target_is_met_by_the_answer_or_missed_when_it_passes(
    said: list[tuple[float, Author]], status: str, expected: list[object]
) -> None:
    assert [each for each in told(case_of(*written(*said), status=status)) if each[1] == OUTCOME] == expected


def test_all_that_happened_to_a_case() -> None:
    one = case_of(*written((1, US), (3, AWS), (4, AWS), (6, US), (7, AWS)), status=RESOLVED)
    assert told(one) == sorted(
        [
            (1, OPENED, "normal", US, None),
            (3, ANSWERED, "normal", 2.0),
            (3, OUTCOME, "normal", MET, None),
            (6, REPLIED, "normal", US, 3.0),
            (7, REPLIED, "normal", AWS, 1.0),
            (7, RESOLVED, "normal", 6.0),
        ],
        key=lambda each: each[:2],
    )


def test_opening_and_resolution_are_all_that_is_told_of_a_case_without_all_of_its_communications() -> None:
    one = replace(case_of(*written((1, US), (5, AWS)), status=RESOLVED), first_aws_known=False)
    assert told(one) == [(1, OPENED, "normal", US, None), (5, RESOLVED, "normal", 4.0)]


def test_a_case_that_nobody_knows_the_opening_of_has_no_past() -> None:
    assert list(milestones(case(created=None), TARGETS)) == []


def test_a_case_without_communications_was_resolved_when_it_was_opened() -> None:
    assert told(case(created=NOW, status=RESOLVED)) == [(0, OPENED, "normal", US, None), (0, RESOLVED, "normal", 0.0)]


@st.composite
def pasts(draw: st.DrawFn) -> Case:
    moments = draw(st.lists(st.integers(1, 35), min_size=1, max_size=7))
    said = written(*((at, draw(st.sampled_from(Author))) for at in moments))
    ends = len(set(moments)) > 1 and draw(st.booleans())  # a poll saw it open
    severity_code = draw(st.sampled_from(["normal", "high", "low"]))
    return case_of(*said, case_id=draw(st.uuids()).hex, status=RESOLVED if ends else "opened", severity_code=severity_code)


def seen(past: Case, at: float) -> Case | None:
    """Return a case as it was at some time."""
    said = [one for one in past.communications if one.created <= at]
    if not said:
        return None
    status = past.status if len(said) == len(past.communications) else "opened"
    return case_of(*said, case_id=past.case_id, status=status, severity_code=past.severity_code)


@given(st.lists(pasts(), max_size=4, unique_by=lambda one: one.case_id))
def test_the_past_adds_up_to_what_the_exporter_counts_while_it_watches(cases: list[Case]) -> None:
    tally, watched, measured = Tally(), Changes().watched, Counter[tuple[object, ...]]()
    before = Reading(NOW, ())
    watched = baseline(before, TARGETS).watched
    for at in POLLS[1:]:
        now = sorted((each for one in cases if (each := seen(one, at))), key=lambda each: each.case_id)
        after = Reading(at, tuple(each for each in now if each.is_open), tuple(each for each in now if not each.is_open))
        found = changes(before, after, watched, TARGETS)
        tally, watched, before = tally.plus(found), found.watched, after
        measured.update((ANSWERED, *each) for each in found.first_responses)
        measured.update((RESOLVED, *each) for each in found.open_durations)
        measured.update((REPLIED, *each) for each in found.replies)
    happened = [milestone for one in cases for milestone in milestones(one, TARGETS) if milestone.at < POLLS[-1]]
    assert counted(happened) == Counter({what: count for what, count in tally.counts.items() if what[0] != WRITTEN})
    assert Counter((*one.counted, one.seconds) for one in happened if one.seconds is not None) == measured


def counted(happened: list[Milestone]) -> Counter[tuple[str, ...]]:
    return Counter(milestone.counted for milestone in happened if milestone.counted[0] in {OPENED, RESOLVED, OUTCOME})
