"""The life of a case, told over the wire: every metric after every step."""

from pathlib import Path

import pytest

from exporter.metrics.catalog import CASE_METRICS, INSTRUMENTS
from exporter.simulator.case import AWS_AUTHOR
from exporter.simulator.corruptions import Omission
from exporter.simulator.faults import Fault
from tests.story.conftest import Steps, Story
from tests.support.clock import START
from tests.support.page import Page

TOLD_APART = ("status", "severity_code", "last_author", "waiting_on", "opened_by", "author", "outcome")
CASES = "metrics: {cases: {enabled: true}}\n"
US = "Customer"

GOLDEN = Path(__file__).with_name("case_life.txt")


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


def table(pages: dict[str, Page]) -> str:
    """Return every series that is not always zero: a row each, with a column for each step and a dot where there is none."""
    columns = [series(page) for page in pages.values()]
    names = sorted({name for column in columns for name, value in column.items() if value})
    rows = [("", *pages), *((name, *(f"{column[name]:g}" if name in column else "." for column in columns)) for name in names)]
    widths = [max(len(row[index]) for row in rows) for index in range(len(pages) + 1)]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        ).rstrip()
        for row in rows
    )


def seven(story: Story) -> None:
    """Let both sides write, ten minutes apart, and the customer last."""
    now = story.case.now()
    for number, author in enumerate((US, US, AWS_AUTHOR, US, AWS_AUTHOR, AWS_AUTHOR, US)):
        story.case.add_communication(submitted_by=author, created_at=now + number * 600)
    story.case.status = "customer-action-completed"


def raised(story: Story) -> None:
    story.case.severity_code = "high"


def reopened(story: Story) -> None:
    """Let the customer reopen the case a minute after the exporter has read the account."""
    story.case.add_communication(submitted_by=US, created_at=story.case.now() + 60)
    story.case.reopen()


def left_out(story: Story) -> None:
    story.simulator.faults.add(Fault(Omission(story.case.case_id), "DescribeCases", times=1))


LIFE: Steps = {
    "opened": (1, lambda story: story.account.add_case(body="help", created_at=story.account.now())),
    "raised": (1, raised),
    "late": (3, lambda _: None),
    "interim": (1, lambda story: story.aws("work-in-progress")),
    "seven": (2, seven),
    "left out": (1, left_out),
    "there": (1, lambda _: None),
    "restart": (1, None),
    "answered": (1, lambda story: story.aws("pending-customer-action")),
    "resolved": (1, lambda story: story.case.resolve()),
    "reopened": (1, reopened),
    "AWS": (1, lambda story: story.aws("pending-customer-action")),
}


def test_every_metric_follows_a_case_through_its_life(story: Story, request: pytest.FixtureRequest) -> None:
    told = table(story.tell(LIFE, CASES)) + "\n"
    if request.config.getoption("--rewrite-golden"):
        GOLDEN.write_text(told)
    assert told == GOLDEN.read_text()
