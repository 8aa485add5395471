"""Lives of cases, told over the wire: what is counted after each step, and whose turn it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter.metrics.catalog import CASE_METRICS, INSTRUMENTS
from exporter.simulator.account import Account
from exporter.simulator.case import AWS_AUTHOR, Case
from exporter.simulator.corruptions import Omission, WrongTypes
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.faults import Page as Pages
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import Error, Throttled
from exporter.simulator.server import Simulator
from tests.resilience.conftest import StartRig
from tests.support.clock import START
from tests.support.page import Page

A = "111122223333"
HOUR = 3600.0
GOLDEN = Path(__file__).with_name("case_life.txt")
TOLD_APART = ("status", "severity_code", "last_author", "waiting_on", "opened_by", "author", "outcome")
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


@dataclass(frozen=True, slots=True)
class Story:
    """What happens to an account's only case over hours."""

    simulator: Simulator
    account: Account
    start: StartRig

    @property
    def case(self) -> Case:
        return self.account.cases[0]

    def write(self, author: str, status: str = "") -> None:
        self.case.add_communication(submitted_by=author)
        self.case.status = status or self.case.status

    def fault(self, kind: Kind, operation: str = "DescribeCases", times: int | None = None) -> None:
        self.simulator.faults.add(Fault(kind, operation, times=times))

    def tell(self, steps: "Sequence[Step]", rest: str = "") -> list[Page]:
        """Return the page before and after each step: something happens, hours pass, and the account is read."""
        running = self.start(A, rest=rest, poll="interval: 10s, max_staleness: 30d")
        pages = [running.round()]
        for happens, hours in steps:
            if happens is restart:
                running = self.start(A, rest=rest, poll="interval: 10s, max_staleness: 30d")
            happens(self)
            pages.append(running.after(hours * HOUR))
        return pages


Happens = Callable[[Story], object]
Step = tuple[Happens, float]
"""What happens, and the hours that pass."""


@pytest.fixture
def story(simulator: Simulator, fleet: Fleet, rig: StartRig) -> Story:
    return Story(simulator, fleet.add_account(account_id=A), rig)


def nothing(_: Story) -> None:
    pass


def restart(_: Story) -> None:
    """Let another exporter begin, which knows nothing."""


def opened(severity_code: str = "high", *, hours_ago: float = 0.0, service_code: str = "service-eks") -> Happens:
    return lambda story: story.account.add_case(
        body="help", severity_code=severity_code, created_at=story.account.now() - hours_ago * HOUR, service_code=service_code
    )


def answered(story: Story) -> None:
    story.write(AWS_AUTHOR, "pending-customer-action")


def opened_by_aws(story: Story) -> None:
    story.account.add_case(severity_code="critical")
    answered(story)


def interim(story: Story) -> None:
    story.write(AWS_AUTHOR, "work-in-progress")


def we_replied(story: Story) -> None:
    story.write("Customer", "customer-action-completed")


def seven(story: Story) -> None:
    """Let both sides write, ten minutes apart, and the customer last."""
    now = story.case.now()
    for number, author in enumerate(("Customer", "Customer", AWS_AUTHOR, "Customer", AWS_AUTHOR, AWS_AUTHOR, "Customer")):
        story.case.add_communication(submitted_by=author, created_at=now + number * 600)
    story.case.status = "customer-action-completed"


def raised(story: Story) -> None:
    story.case.severity_code = "high"


def resolved(story: Story) -> None:
    story.case.resolve()


def reopened(story: Story) -> None:
    """Let the customer reopen the case a minute after the exporter has read the account."""
    story.case.add_communication(submitted_by="Customer", created_at=story.case.now() + 60)
    story.case.reopen()


def left_out(times: int | None = None) -> Happens:
    """Leave the case out of so many answers: those to lookups by its id are among them."""
    return lambda story: story.fault(Omission(story.case.case_id), times=times)


def looked_up(story: Story) -> None:
    """Let AWS say what was written only when it is asked for it alone."""
    story.simulator.faults.clear()
    story.fault(WrongTypes(2, ("recentCommunications",)))


def silent(story: Story) -> None:
    """Let AWS say nothing of communications, whoever asks."""
    looked_up(story)
    story.fault(Error(500, "InternalServerError"), "DescribeCommunications")


def as_listed(story: Story) -> None:
    story.simulator.faults.clear()


def both(*happen: Happens) -> Happens:
    return lambda story: [each(story) for each in happen]


STORIES: dict[str, list[tuple[Happens, float, str]]] = {
    "AWS opens it": [
        (opened_by_aws, 20, "open, on us, opened by AWS"),
        (we_replied, 1, "open, on AWS, opened by AWS, we replied"),
        (answered, 1, "open, on us, opened by AWS, AWS replied, we replied"),
        (resolved, 1, "opened by AWS, resolved, AWS replied, we replied"),
    ],
    "AWS says nothing of an old case's communications": [
        (both(opened("critical", hours_ago=720), silent), 1, "open, on AWS, reopened"),
        (restart, 1, "open, on AWS"),
        (looked_up, 1, "open, on AWS, unanswered, overdue"),
        (answered, 1, "open, on us, first responses"),
    ],
    "AWS says nothing of a new case's communications": [
        (both(opened("critical"), silent), 1, "open, on AWS, opened"),
        (answered, 1, "open, on us, opened"),
        (looked_up, 1, "open, on us, missed, first responses, opened"),
        (as_listed, 1, "open, on us, missed, first responses, opened"),
    ],
    "left out of one listing, and not found by its id": [
        (opened(), 1, "open, on AWS, unanswered, opened"),
        (left_out(2), 1, "open, on AWS, unanswered, opened"),
        (nothing, 1, "open, on AWS, unanswered, opened"),
        (nothing, 3, "open, on AWS, unanswered, overdue, missed, opened"),
    ],
    "left out of two listings, and not found by its id": [
        (opened(), 1, "open, on AWS, unanswered, opened"),
        (left_out(), 1, "open, on AWS, unanswered, opened"),
        (nothing, 1, "opened, resolved"),
        (as_listed, 1, "open, on AWS, unanswered, opened, resolved, reopened"),
        (nothing, 3, "open, on AWS, unanswered, opened, resolved, reopened"),
    ],
    "resolved, as AWS says when asked": [
        (opened(), 1, "open, on AWS, unanswered, opened"),
        (resolved, 1, "opened, resolved"),
    ],
    "answered and resolved between two readings": [
        (opened(), 1, "open, on AWS, unanswered, opened"),
        (both(answered, resolved), 1, "met, first responses, opened, resolved"),
    ],
    "resolved long before it is seen to be reopened": [
        (opened("critical", hours_ago=720), 1, "open, on AWS, unanswered, reopened"),
        (answered, 1, "open, on us, reopened"),
        (resolved, 1, "resolved, reopened"),
    ],
    "quota increase": [
        (opened("normal", service_code="service-limit-increase"), 72, "open, on AWS, unanswered, opened"),
        (answered, 1, "open, on us, first responses, opened"),
    ],
}


@pytest.mark.parametrize("name", STORIES)
def test_what_is_counted(name: str, story: Story) -> None:
    pages = story.tell([(happens, hours) for happens, hours, _ in STORIES[name]])
    assert [told(page) for page in pages[1:]] == [expected for _, _, expected in STORIES[name]]


def series(page: Page) -> dict[str, float]:
    """Return every series about cases by name and what tells it apart; times count from the story's start."""
    told: dict[str, float] = {}
    wanted = {metric.name for metric in (*CASE_METRICS, *INSTRUMENTS)}
    for name, labels, value in page.samples:
        if {name, name.removesuffix("_count"), name.removesuffix("_sum")} & wanted and "operation" not in labels:
            apart = ",".join(labels[label] for label in TOLD_APART if label in labels)
            title = f"{name.removeprefix('aws_support_')} {apart}".strip()
            told[title] = value - START if "timestamp" in name else value
    return told


LIFE: dict[str, Step] = {
    "opened": (opened("normal"), 1),
    "raised": (raised, 1),
    "late": (nothing, 3),
    "interim": (interim, 1),
    "seven": (seven, 2),
    "left out": (left_out(1), 1),
    "there": (nothing, 1),
    "restart": (restart, 1),
    "answered": (answered, 1),
    "resolved": (resolved, 1),
    "reopened": (reopened, 1),
    "AWS": (answered, 1),
}


def test_every_metric_follows_a_case_through_its_life(story: Story, request: pytest.FixtureRequest) -> None:
    """Of every series that is not always zero there is a row, with a column for each step and a dot where there is none."""
    columns = [series(page) for page in story.tell(list(LIFE.values()), "metrics: {cases: {enabled: true}}\n")]
    names = sorted({name for column in columns for name, value in column.items() if value})
    rows = [["", "before", *LIFE]]
    rows += [[name, *(f"{column[name]:g}" if name in column else "." for column in columns)] for name in names]
    (first, *widths) = (max(map(len, column)) for column in zip(*rows, strict=True))
    told = "".join(
        "  ".join([row[0].ljust(first), *(cell.rjust(width) for cell, width in zip(row[1:], widths, strict=True))]) + "\n"
        for row in rows
    )
    if request.config.getoption("--rewrite-golden"):
        GOLDEN.write_text(told)
    assert told == GOLDEN.read_text()


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
