"""What events add to readings: when a case was resolved, and whether AWS told of a change."""

import pytest

from exporter.cases.changes import baseline, changes
from exporter.cases.events import Event
from exporter.cases.model import Author, Communication, Reading
from tests.support.cases import NOW, TARGETS, answered, case, case_of

ACCOUNT = "111122223333"
CREATED, WRITTEN, TAKEN = NOW - 5000, NOW - 4900, NOW + 300


def event(name: str, at: float | None, case_id: str = "case-1") -> Event:
    return Event(ACCOUNT, name, case_id=case_id, at=at)


@pytest.mark.parametrize(
    ("events", "open_seconds"),
    [
        ([], NOW - CREATED),
        ([event("ResolveCase", NOW + 50)], 5050),
        ([event("ResolveCase", NOW - 50)], 4950),
        ([event("ResolveCase", NOW + 50), event("ResolveCase", NOW + 9)], 5050),
        ([event("ResolveCase", None)], NOW - CREATED),
        ([event("ReopenCase", NOW + 50)], NOW - CREATED),
        ([event("ResolveCase", NOW + 50, "case-2")], NOW - CREATED),
        ([event("ResolveCase", NOW - 500)], NOW - CREATED),
        ([event("ResolveCase", CREATED - 2)], NOW - CREATED),
        ([event("ResolveCase", TAKEN + 9e9)], TAKEN - CREATED),
    ],
)
def test_a_case_was_open_until_its_event_where_that_can_be(events: list[Event], open_seconds: float) -> None:
    before, after = Reading(NOW, (answered(CREATED, WRITTEN),)), Reading(TAKEN, ())
    seen = changes(before, after, baseline(before, TARGETS).watched, TARGETS, events)
    assert seen.open_durations == (("normal", open_seconds),)


def test_an_event_alone_resolves_nothing() -> None:
    before = Reading(NOW, (case(),))
    after = Reading(TAKEN, (case(),))
    seen = changes(before, after, baseline(before, TARGETS).watched, TARGETS, [event("ResolveCase", NOW)])
    assert (seen.resolved, seen.case_ids) == ((), frozenset())


US, AWS = Author.CUSTOMER, Author.AWS


@pytest.mark.parametrize(
    ("meanwhile", "events", "replies"),
    [
        ([(US, 10), (US, 100), (AWS, 160)], [], [(AWS, 150)]),
        ([(US, 10), (US, 100), (AWS, 160)], [event("ResolveCase", NOW + 60)], [(AWS, 60)]),
        ([(US, 10), (US, 100), (AWS, 160)], [event("ReopenCase", NOW + 100)], [(AWS, 150)]),
        ([(US, 10), (AWS, 30), (US, 100), (AWS, 160)], [], [(AWS, 20), (US, 70), (AWS, 60)]),
        ([(US, 10), (AWS, 30), (US, 100), (AWS, 160)], [event("ResolveCase", NOW + 60)], [(AWS, 20), (AWS, 60)]),
    ],
)
def test_a_resolution_that_an_event_tells_ends_the_turn_before_the_reopening(
    meanwhile: list[tuple[Author, float]], events: list[Event], replies: list[tuple[Author, float]]
) -> None:
    told = [Communication(CREATED, US), Communication(WRITTEN, AWS)]
    before = Reading(NOW, (case_of(*told),))
    written = [*told, *(Communication(NOW + after, author) for author, after in meanwhile)]
    after = Reading(TAKEN, (case_of(*written, status="reopened"),))
    seen = changes(before, after, baseline(before, TARGETS).watched, TARGETS, events)
    assert [(author, seconds) for _, author, seconds in seen.replies] == replies
    assert seen.written == tuple(author for author, _ in meanwhile)


def test_each_case_that_changed_is_named_once() -> None:
    gone, stays, new = answered(CREATED, WRITTEN), case("case-2"), case("case-3", created=NOW + 10)
    before, after = Reading(NOW, (gone, stays)), Reading(TAKEN, (stays, new))
    seen = changes(before, after, baseline(before, TARGETS).watched, TARGETS)
    assert seen.case_ids == {"case-1", "case-3"}
