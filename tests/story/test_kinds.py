"""Kinds of cases and of listings, told over the wire: what is counted after each step, and whose turn it is."""

from collections.abc import Callable

import pytest

from exporter.simulator.corruptions import Omission, WrongTypes
from exporter.simulator.faults import Fault
from exporter.simulator.faults import Page as Pages
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import Error, Throttled
from exporter.simulator.server import Simulator
from tests.resilience.conftest import StartRig
from tests.story.conftest import HOUR, A, Story
from tests.support.page import Page

COUNTS = {
    "open": ("account_open_cases", {}),
    "on AWS": ("open_cases", {"waiting_on": "aws"}),
    "on us": ("open_cases", {"waiting_on": "customer"}),
    "unanswered": ("unanswered_cases", {}),
    "overdue": ("first_response_overdue_cases", {}),
    "met": ("first_responses_total", {"outcome": "met"}),
    "missed": ("first_responses_total", {"outcome": "missed"}),
    "first responses": ("first_response_seconds_count", {}),
    "opened": ("cases_opened_total", {"opened_by": "customer"}),
    "opened by AWS": ("cases_opened_total", {"opened_by": "aws"}),
    "resolved": ("cases_resolved_total", {}),
    "reopened": ("cases_reopened_total", {}),
    "AWS replied": ("reply_seconds_count", {"author": "aws"}),
    "we replied": ("reply_seconds_count", {"author": "customer"}),
}


def told(page: Page) -> str:
    """Return what a page counts, zeros left out."""
    totals = {kind: page.total(f"aws_support_{name}", **labels) for kind, (name, labels) in COUNTS.items()}
    return ", ".join(kind if total == 1 else f"{kind} {total:g}" for kind, total in totals.items() if total) or "nothing"


def opened(
    severity_code: str = "high", *, hours_ago: float = 0.0, service_code: str = "service-eks"
) -> Callable[[Story], object]:
    return lambda story: story.account.add_case(
        body="help", severity_code=severity_code, created_at=story.account.now() - hours_ago * HOUR, service_code=service_code
    )


def opened_by_aws(story: Story) -> None:
    story.account.add_case(severity_code="critical")
    story.aws("pending-customer-action")


def answered(story: Story) -> None:
    story.aws("pending-customer-action")


def left_out(times: int | None = None) -> Callable[[Story], object]:
    """Leave the case out of so many answers: those to lookups by its id are among them."""
    return lambda story: story.simulator.faults.add(Fault(Omission(story.case.case_id), "DescribeCases", times=times))


def silent(story: Story) -> None:
    """Let AWS say nothing of communications, whoever asks."""
    story.simulator.faults.add(Fault(WrongTypes(2, ("recentCommunications",)), "DescribeCases"))
    story.simulator.faults.add(Fault(Error(500, "InternalServerError"), "DescribeCommunications"))


def as_listed(story: Story) -> None:
    story.simulator.faults.clear()


def looked_up(story: Story) -> None:
    """Let AWS say what was written when it is asked for it alone."""
    story.simulator.faults.clear()
    story.simulator.faults.add(Fault(WrongTypes(2, ("recentCommunications",)), "DescribeCases"))


def resolved(story: Story) -> None:
    story.case.resolve()


def both(*happen: Callable[[Story], object]) -> Callable[[Story], object]:
    return lambda story: [each(story) for each in happen]


def nothing(_: Story) -> None:
    pass


Told = tuple[float, Callable[[Story], object] | None, str]
"""The hours that pass after what happens, and what is counted then."""

STORIES: dict[str, dict[str, Told]] = {
    "AWS opens it": {
        "opened": (20, opened_by_aws, "open, on us, opened by AWS"),
        "we reply": (1, lambda story: story.customer("customer-action-completed"), "open, on AWS, opened by AWS, we replied"),
        "AWS replies": (1, answered, "open, on us, opened by AWS, AWS replied, we replied"),
        "resolved": (1, resolved, "opened by AWS, resolved, AWS replied, we replied"),
    },
    "AWS says nothing of an old case's communications": {
        "silent": (1, both(opened("critical", hours_ago=720), silent), "open, on AWS, reopened"),
        "restart": (1, None, "open, on AWS"),
        "looked up": (1, looked_up, "open, on AWS, unanswered, overdue"),
        "AWS": (1, answered, "open, on us, first responses"),
    },
    "AWS says nothing of a new case's communications": {
        "opened": (1, both(opened("critical"), silent), "open, on AWS, opened"),
        "AWS": (1, answered, "open, on us, opened"),
        "looked up": (1, looked_up, "open, on us, missed, first responses, opened"),
        "as listed": (1, as_listed, "open, on us, missed, first responses, opened"),
    },
    "left out of one listing, and not found by its id": {
        "opened": (1, opened(), "open, on AWS, unanswered, opened"),
        "left out": (1, left_out(2), "open, on AWS, unanswered, opened"),
        "there": (1, nothing, "open, on AWS, unanswered, opened"),
        "late": (3, nothing, "open, on AWS, unanswered, overdue, missed, opened"),
    },
    "left out of two listings, and not found by its id": {
        "opened": (1, opened(), "open, on AWS, unanswered, opened"),
        "left out": (1, left_out(), "open, on AWS, unanswered, opened"),
        "again": (1, nothing, "opened, resolved"),
        "there": (1, as_listed, "open, on AWS, unanswered, opened, resolved, reopened"),
        "late": (3, nothing, "open, on AWS, unanswered, opened, resolved, reopened"),
    },
    "resolved, as AWS says when asked": {
        "opened": (1, opened(), "open, on AWS, unanswered, opened"),
        "resolved": (1, resolved, "opened, resolved"),
    },
    "answered and resolved between two readings": {
        "opened": (1, opened(), "open, on AWS, unanswered, opened"),
        "resolved": (1, both(answered, resolved), "met, first responses, opened, resolved"),
    },
    "resolved long before it is seen to be reopened": {
        "found": (1, opened("critical", hours_ago=720), "open, on AWS, unanswered, reopened"),
        "AWS": (1, answered, "open, on us, reopened"),
        "resolved": (1, resolved, "resolved, reopened"),
    },
    "quota increase": {
        "opened": (72, opened("normal", service_code="service-limit-increase"), "open, on AWS, unanswered, opened"),
        "AWS": (1, answered, "open, on us, first responses, opened"),
    },
}


@pytest.mark.parametrize("name", STORIES)
def test_what_is_counted(name: str, story: Story) -> None:
    steps = STORIES[name]
    pages = story.tell({title: (hours, happens) for title, (hours, happens, _) in steps.items()})
    assert {title: told(pages[title]) for title in steps} == {title: expected for title, (_, _, expected) in steps.items()}


def test_the_past_is_no_event_however_many_polls_it_takes_to_learn_it(
    simulator: Simulator, fleet: Fleet, rig: StartRig
) -> None:
    account, opened_at = fleet.add_account(account_id=A), fleet.clock() - 24 * HOUR
    for number in range(15):  # of which ten are looked up in a poll
        case = account.add_case(severity_code="critical", created_at=opened_at)
        if number < 10:
            case.add_communication(created_at=opened_at + (60.0, HOUR)[number % 2])
        for _ in range(7):  # more than come with a case
            case.add_communication("Any news?", submitted_by="Customer")
    running = rig(A)
    running.round()
    for _ in range(3):
        page = running.after(480)
    assert told(page) == "open 15, on AWS 15, unanswered 5, overdue 5"
    assert simulator.log.counts()["DescribeCommunications"] == 15, "each case once"


def test_a_reading_that_fails_on_a_later_page_changes_nothing(simulator: Simulator, fleet: Fleet, rig: StartRig) -> None:
    account = fleet.add_account(account_id=A)
    for _ in range(150):
        account.add_case(severity_code="low")
    running = rig(A)
    before = told(running.round())
    broken = simulator.faults.add(Fault(Throttled(), operation="DescribeCases", page=Pages.LATER))
    account.cases[0].resolve()
    account.add_case(severity_code="low")
    failed = running.after(480)
    assert (failed.up(), told(failed)) == ({A: 0}, before)
    broken.remove()
    assert told(running.after(480)) == f"{before}, opened, resolved"
