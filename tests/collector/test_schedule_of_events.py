from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collector.schedule import EVENT_SPACING, SECOND_LOOK, EventPolls

SECONDS = st.floats(0.0, 600.0).map(lambda seconds: round(seconds, 3))
ENDLESS = 10_000.0


def begun(events: list[float], polls: list[float], duration: float) -> tuple[list[float], list[float]]:
    """Return when polls begin that events ask for, and all others, of an account that takes so long to be polled."""
    state, free, asked, others = EventPolls(), 0.0, [], []
    left = sorted([(at, True) for at in events] + [(at, False) for at in polls])
    while left or state.due < ENDLESS:
        due = max(state.due, free)
        if left and left[0][0] <= due:
            now, is_event = left.pop(0)
            if is_event:
                state = state.asked(now)
            elif now >= free:
                others.append(now)
                state, free = state.begun(now), now + duration
        else:
            asked.append(due)
            state, free = state.begun(due), due + duration
    return asked, others


@given(st.lists(SECONDS, max_size=30), st.lists(SECONDS, max_size=10), st.floats(0.0, 20.0))
def test_every_event_is_read_soon_and_once_more_and_none_more_often_than_every_five_seconds(
    events: list[float], polls: list[float], duration: float
) -> None:
    asked, others = begun(events, polls, duration)
    every = sorted((*asked, *others))
    assert all(later - earlier >= EVENT_SPACING - 1e-6 for earlier, later in pairwise(asked))
    for event in events:
        first = min(at for at in every if at >= event)
        assert first <= event + max(EVENT_SPACING, duration) + 1e-6
        assert any(first + SECOND_LOOK - 1e-6 <= at for at in every), "it is looked at once more"
    assert len(asked) <= 2 * len(events)


@pytest.mark.parametrize(
    ("events", "asked"),
    [
        ([], []),
        ([10], [10, 70]),
        ([10, 10, 10], [10, 70]),
        ([10, 11, 14.9], [10, 15, 75]),
        ([10, 15], [10, 15, 75]),
        ([10, 69], [10, 69, 129]),
        ([10, 71], [10, 70, 75, 135]),
        (list(range(10, 21)), [10, 15, 20, 80]),
    ],
)
def test_polls_that_events_ask_for(events: list[float], asked: list[float]) -> None:
    assert begun(events, [], 0.1)[0] == pytest.approx(asked)


def test_a_poll_that_is_due_anyway_serves_the_events_before_it() -> None:
    assert begun([10, 12], [13], 0.1) == ([10, 73], [13])
