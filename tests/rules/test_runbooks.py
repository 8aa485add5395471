"""The runbooks know every alert, and tell of it what the rules and the chart really do."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from exporter.metrics.catalog import CATALOG
from tests.rules.test_alerts import ROWS, alerts
from tests.support.chart import Helm4, named
from tests.support.promql import OF_THE_PROCESS, unknown
from tests.support.tools import ROOT

RUNBOOKS = ROOT / "docs/runbooks.md"
DOCUMENTS = [ROOT / "README.md", ROOT / "helm/aws-support-exporter/README.md", *sorted((ROOT / "docs").glob("*.md"))]
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", RUNBOOKS.read_text(), re.MULTILINE | re.DOTALL))
ROUTES = re.findall(r"```yaml\n(route:\n.*?)```", RUNBOOKS.read_text(), re.DOTALL)
PARTS = ["Means", "Look", "Do", "Threshold"]
ENDS_IN_A_NUMBER = re.compile(r"[<>]=?\s*([\d.]+)$")

Alert = dict[str, Any]


def threshold(alert: Alert) -> str | None:
    found = ENDS_IN_A_NUMBER.search(alert["expr"])
    return found and found[1]


def test_each_alert_has_its_section_in_the_order_of_the_rules() -> None:
    assert list(SECTIONS) == [alert["alert"] for alert in alerts()]


def test_the_overview_says_how_severe_each_alert_is_and_when_it_fires() -> None:
    assert [
        (alert["alert"], alert["alert"].lower(), alert["labels"]["severity"], alert["for"], alert.get("keep_firing_for", ""))
        for alert in alerts()
    ] == ROWS


def test_alertmanager_takes_the_routes(amtool: Path, tmp_path: Path) -> None:
    known = {alert["alert"] for alert in alerts()}
    for routes in ROUTES:
        config = tmp_path / "alertmanager.yaml"
        config.write_text(routes)
        ended = subprocess.run([amtool, "check-config", config], capture_output=True, text=True, timeout=30, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert set(re.findall(r"AwsSupport\w+", routes)) <= known


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


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_a_section_says_all_that_somebody_who_is_called_needs(alert: Alert) -> None:
    assert re.findall(r"^\*\*(\w+)\.\*\*", SECTIONS[alert["alert"]], re.MULTILINE) == PARTS


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_a_section_names_the_threshold_that_the_alert_has(alert: Alert) -> None:
    told = SECTIONS[alert["alert"]].partition("**Threshold.** ")[2]
    number = threshold(alert)
    assert told.startswith("None") if number is None else re.search(rf"(?<![\d.]){re.escape(number)}(?![\d.]*\d)", told)


def test_the_chart_sets_every_threshold_that_there_is() -> None:
    changed = {alert["alert"]: {"threshold": 77} for alert in alerts() if threshold(alert) is not None}
    values = {"skipApiCheck": True, "prometheusRule": {"enabled": True, "overrides": changed}}
    groups = named(Helm4().render(values), "PrometheusRule")["spec"]["groups"]
    expressions = {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"] if "alert" in rule}
    assert expressions == {
        alert["alert"]: ENDS_IN_A_NUMBER.sub(lambda found: found[0].removesuffix(found[1]) + "77", alert["expr"])
        for alert in alerts()
    }
    assert len(changed) == 16


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_documents_ask_only_for_what_is_exported(document: Path) -> None:
    for expression in re.findall(r"```promql\n(.*?)```", document.read_text(), re.DOTALL):
        assert unknown(expression) == [], expression


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_documents_name_only_metrics_that_there_are(document: Path) -> None:
    histograms = {f"{name}_{part}" for name in CATALOG for part in ("bucket", "count", "sum")}
    named_ones = set(re.findall(r"\b(?:aws_support|process|python)_\w+\b(?!\*)", document.read_text()))
    others = {"aws_support_exporter", "aws_support_first_responses"}  # the latter in the name of a recording rule
    assert named_ones - CATALOG.keys() - OF_THE_PROCESS.keys() - histograms - others == set()
