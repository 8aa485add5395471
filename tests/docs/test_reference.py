"""What the documents say of the metrics is what the catalogue says."""

import re
from collections.abc import Callable

import pytest

from docs import reference
from exporter.cases.changes import Changes
from exporter.cases.model import Account, Case, Reading, Reason
from exporter.cases.policy import Policy
from exporter.cases.status import AccountStatus, Poll
from exporter.metrics.families import account_lines
from tests.support.cases import NOW, case
from tests.support.tools import ROOT


@pytest.mark.parametrize(
    ("document", "name", "content"),
    [("metrics", "metrics", reference.tables), ("troubleshooting", "failures", reference.failures)],
)
def test_a_document_shows_the_catalogue_as_it_is(document: str, name: str, content: Callable[[], str]) -> None:
    text = (ROOT / f"docs/{document}.md").read_text()
    assert reference.replace_between(text, name, content()) == text, "write it anew with: make docs"
    assert reference.replace_between(text, name, "new\n") != text


def test_every_reason_is_explained() -> None:
    section = (ROOT / "docs/metrics.md").read_text().partition("### Reasons")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)`", section, re.MULTILINE) == [reason.value for reason in Reason]
    titles = re.findall(r"^### (.*)", (ROOT / "docs/troubleshooting.md").read_text(), re.MULTILINE)
    assert {f"`{reason.value}`" for reason in Reason} <= set(titles)


def test_the_number_of_series_is_as_the_document_counts_them() -> None:
    table = (ROOT / "docs/metrics.md").read_text().partition("## How many series")[2]
    told = [int(number) for number in re.findall(r"^\| [^|]+ \| (\d+) \|", table, re.MULTILINE)][:7]

    def series(*cases: Case) -> int:
        read = AccountStatus(Account("1", "a", "us-east-1", "aws")).after_success(
            Reading(NOW, cases), Poll(NOW, 1.0), Changes()
        )
        lines = account_lines(read, Policy(60.0, case_limit=len(cases) or None), NOW)
        return sum(family.count(b"\n") for family in lines.families) + len(lines.cases.ages)

    assert series() == told[0]
    assert series(case()) == sum(told) + 1  # aws_support_case_series_dropped
