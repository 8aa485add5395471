"""Answers of DescribeCases in, a page out, byte for byte; `--rewrite-golden` writes the pages anew."""

import json
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as strictly_parsed

from exporter.aws.parse import cases_page
from exporter.cases.aggregate import open_cases
from exporter.cases.changes import baseline, changes
from exporter.cases.model import Account, Reading, Reason
from exporter.cases.policy import Policy
from exporter.cases.status import AccountStatus, Poll
from exporter.cases.targets import DEFAULT
from exporter.metrics.exposition import TextFormat
from exporter.metrics.instrumentation import Instrumentation
from exporter.metrics.renderer import Renderer
from tests.support.page import plain

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
NOW = 1_769_620_000.0
SUFFIXES = {TextFormat.PROMETHEUS: ".prom", TextFormat.OPENMETRICS: ".openmetrics"}


def status(entry: dict[str, Any], instrumentation: Instrumentation) -> AccountStatus:
    labels = tuple(sorted(entry.get("labels", {}).items()))
    account = Account(entry["id"], entry["name"], "us-east-1", "aws", entry.get("organization", ""), labels)
    known = AccountStatus(account)
    for read in [*entry.get("earlier", ()), entry]:
        if "answer" in read:
            read_at = NOW - read.get("read_ago", 60)
            page = cases_page(json.dumps(read["answer"]).encode(), keep_subject=entry.get("subject", False))
            reading = Reading(read_at, open_cases(page.items))
            seen = changes(known.reading, reading, known.watched, DEFAULT) if known.reading else baseline(reading, DEFAULT)
            instrumentation.changes_seen(seen)
            known = known.after_success(reading, Poll(read_at, 0.25), seen)
    if "reason" in entry:
        reason = Reason(entry["reason"])
        known = known.after_failure(reason, Poll(NOW - 10, 1.5, reason))
    return known


@pytest.mark.parametrize("text_format", TextFormat, ids=lambda text_format: text_format.name.lower())
@pytest.mark.parametrize("source", sorted(GOLDEN.glob("*.json")), ids=lambda source: source.stem)
def test_a_fleet_makes_this_page(source: Path, text_format: TextFormat, pytestconfig: pytest.Config) -> None:
    fleet = json.loads(source.read_text())
    policy = Policy(1800.0, fleet.get("case_limit"), subjects=True)
    instrumentation = Instrumentation(())
    statuses = [status(entry, instrumentation) for entry in fleet["accounts"]]
    page = plain(Renderer(instrumentation.encode).render(statuses, policy, [], NOW), text_format)
    golden = source.with_suffix(SUFFIXES[text_format])
    if pytestconfig.getoption("rewrite_golden"):
        golden.write_text(page)
    assert page == golden.read_text(), "if that is meant: make test PYTEST_ARGS=--rewrite-golden"
    if text_format is TextFormat.OPENMETRICS:
        assert list(strictly_parsed(page))  # type: ignore[no-untyped-call]  # prometheus_client leaves it untyped
