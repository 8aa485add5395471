"""The runbooks know every alert, and tell of it what the rules really do."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from exporter.metrics.catalog import CATALOG
from tests.rules.harness import alerts
from tests.support.promql import OF_THE_PROCESS, OF_THE_RULES, unknown
from tests.support.tools import ROOT

TEXT = (ROOT / "docs/runbooks.md").read_text()
DOCUMENTS = [ROOT / "README.md", ROOT / "helm/aws-support-exporter/README.md", *sorted((ROOT / "docs").glob("*.md"))]
ROUTES = re.findall(r"```yaml\n(route:\n.*?)```", TEXT, re.DOTALL)


def test_the_overview_says_how_severe_each_alert_is_and_when_it_fires() -> None:
    rows = re.findall(r"^\| \[(\w+)]\(#(\w+)\) \| (\w+) \| (\w+) \| (\w*) \|$", TEXT, re.MULTILINE)

    assert rows == [
        (alert["alert"], alert["alert"].lower(), alert["labels"]["severity"], alert["for"], alert.get("keep_firing_for", ""))
        for alert in alerts()
    ]


def test_each_alert_has_a_section_with_all_that_is_needed_and_its_threshold() -> None:
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))

    assert list(sections) == [alert["alert"] for alert in alerts()]
    for alert in alerts():
        section, number = sections[alert["alert"]], re.search(r"[<>]=?\s*([\d.]+)$", alert["expr"])
        told = section.partition("**Threshold.** ")[2]
        assert re.findall(r"^\*\*(\w+)\.\*\*", section, re.MULTILINE) == ["Means", "Look", "Do", "Threshold"]
        assert re.search(rf"(?<![\d.]){re.escape(number[1])}(?![\d.]*\d)", told) if number else told.startswith("None"), alert


def test_routes_name_only_alerts_that_there_are() -> None:
    assert {name for routes in ROUTES for name in re.findall(r"AwsSupport\w+", routes)} <= {each["alert"] for each in alerts()}


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["label_team=payments", "organizational_unit=Root/Workloads/Data"], "payments"),
        (["organizational_unit=Root/Workloads/Data"], "data-platform"),
        (["organizational_unit=Root/Workloads/Data/Lake"], "data-platform"),
        (["organizational_unit=Root/Workloads/Database"], "cloud-team"),
        ([], "cloud-team"),
    ],
)
def test_an_alert_reaches_the_team_that_its_labels_name(
    amtool: Path, tmp_path: Path, labels: Sequence[str], receiver: str
) -> None:
    config = tmp_path / "alertmanager.yaml"
    config.write_text(ROUTES[1])
    command = [str(amtool), "config", "routes", "test", f"--config.file={config}", "alertname=AwsSupportCaseQuiet", *labels]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.stdout.split() == [receiver], ended.stderr


def test_documents_name_only_metrics_that_there_are() -> None:
    histograms = {f"{name}_{part}" for name in CATALOG for part in ("bucket", "count", "sum")}
    known = CATALOG.keys() | OF_THE_PROCESS.keys() | histograms | {"aws_support_exporter"}
    for document in DOCUMENTS:
        text = re.sub("|".join(OF_THE_RULES), "", document.read_text())
        assert set(re.findall(r"\b(?:aws_support|process|python)_\w+\b(?!\*)", text)) <= known, document
        assert [query for query in re.findall(r"```promql\n(.*?)```", text, re.DOTALL) if unknown(query)] == [], document
