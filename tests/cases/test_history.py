"""What is told of the past of a case is what the exporter would have counted, had it watched."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from exporter.cases.changes import MET, MISSED, OPENED, OUTCOME, WRITTEN, Tally, baseline, changes
from exporter.cases.history import ANSWERED, REPLIED, milestones
from exporter.cases.model import RESOLVED, Author, Case, Reading
from exporter.cases.targets import SupportPlan, Targets
from tests.support.cases import NOW, case, case_of, written

AWS, US = Author.AWS, Author.CUSTOMER
TARGETS = Targets(SupportPlan.ENTERPRISE, (("normal", 7.25), ("high", 3.25)))
"""Between two polls, so that no case is resolved just when its target passes."""

Told = list[tuple[object, ...]]


def told(one: Case) -> Told:
    return [(milestone.at - NOW, *milestone.counted, milestone.seconds) for milestone in milestones(one, TARGETS)]


def test_all_that_happened_to_a_case() -> None:
    one = case_of(*written((1, US), (3, AWS), (4, AWS), (6, US), (7, AWS)), status=RESOLVED)
    happened = [
        (1, OPENED, "normal", US, None),
        (7, RESOLVED, "normal", 6.0),
        (6, REPLIED, "normal", US, 3.0),
        (7, REPLIED, "normal", AWS, 1.0),
        (3, ANSWERED, "normal", 2.0),
        (3, OUTCOME, "normal", MET, None),
    ]
    assert told(one) == happened
    assert told(replace(one, first_aws_known=False)) == happened[:2], "as far as it is known"
    assert (8.25, OUTCOME, "normal", MET, None) in told(case_of(*written((1, US), (8.25, AWS)))), "at the very moment"


def test_a_target_that_passes_is_missed_but_for_a_case_of_aws() -> None:
    assert told(case_of(*written((1, US)))) == [(1, OPENED, "normal", US, None), (8.25, OUTCOME, "normal", MISSED, None)]
    assert told(case_of(*written((1, AWS)))) == [(1, OPENED, "normal", AWS, None)]


def test_a_case_of_which_no_communication_is_known_was_resolved_when_it_was_opened() -> None:
    assert told(case(created=NOW, status=RESOLVED)) == [(0, OPENED, "normal", US, None), (0, RESOLVED, "normal", 0.0)]
    assert told(case(created=None)) == []


@st.composite
def pasts(draw: st.DrawFn) -> Case:
    moments = draw(st.lists(st.integers(1, 15), min_size=1, max_size=6))
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


@given(st.lists(pasts(), max_size=3, unique_by=lambda one: one.case_id))
def test_the_past_adds_up_to_what_the_exporter_counts_while_it_watches(cases: list[Case]) -> None:
    readings = [Reading(NOW, ())]
    for at in (NOW + half / 2 for half in range(1, 50)):
        now = sorted((each for one in cases if (each := seen(one, at))), key=lambda each: each.case_id)
        readings.append(
            Reading(at, tuple(each for each in now if each.is_open), tuple(each for each in now if not each.is_open))
        )
    tally, measured, watched = Tally(), Counter[tuple[object, ...]](), baseline(readings[0], TARGETS).watched
    for before, after in pairwise(readings):
        found = changes(before, after, watched, TARGETS)
        tally, watched = tally.plus(found), found.watched
        for kind, times in ((ANSWERED, found.first_responses), (RESOLVED, found.open_durations), (REPLIED, found.replies)):
            measured.update((kind, *each) for each in times)
    happened = [one for past in cases for one in milestones(past, TARGETS) if one.at < readings[-1].taken_at]
    counted = Counter(one.counted for one in happened if one.counted[0] in {OPENED, RESOLVED, OUTCOME})
    assert counted == Counter({what: count for what, count in tally.counts.items() if what[0] != WRITTEN})
    assert Counter((*one.counted, one.seconds) for one in happened if one.seconds is not None) == measured
