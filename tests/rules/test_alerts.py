"""Every alert fires when it should, stays silent when it should, and says exactly what is written down here."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.rules.situations import SITUATIONS, Situation
from tests.support.promql import unknown
from tests.support.tools import ROOT, find_tool

RULES = ROOT / "helm/aws-support-exporter/files/rules"
ALERTS = RULES / "alerts.yaml"
TEXTS = Path(__file__).parent / "alerts.golden.yaml"
SEVERITIES = {"critical", "warning", "info"}

Alert = dict[str, Any]


def alerts() -> list[Alert]:
    """Return the shipped alerts, as written."""
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


@pytest.fixture(params=["promtool", "newer/promtool"])
def promtool(request: pytest.FixtureRequest) -> str:
    found = find_tool(request.param)
    if found is None:
        pytest.skip(f"{request.param} is not here: get it with `make tools`")
    return str(found)


def run(promtool: str, situations: list[Situation], texts: Mapping[str, Alert], folder: Path) -> str:
    """Return what promtool says of the situations; nothing but SUCCESS when all is as it should be."""
    tests = [
        {
            "interval": f"{situation.step}m",
            "input_series": [{"series": name, "values": values} for name, values in situation.series.items()],
            "alert_rule_test": [
                {
                    "eval_time": f"{situation.minute}m",
                    "alertname": situation.alert,
                    "exp_alerts": [
                        {
                            "exp_labels": texts[situation.alert]["labels"],
                            "exp_annotations": texts[situation.alert]["annotations"],
                        }
                    ]
                    if situation.fires and situation.alert in texts
                    else [],
                }
            ],
        }
        for situation in situations
    ]
    files = []
    for step in sorted({situation.step for situation in situations}):
        files.append(folder / f"{step}m.yaml")
        chosen = [test for test in tests if test["interval"] == f"{step}m"]
        files[-1].write_text(yaml.safe_dump({"rule_files": [str(ALERTS)], "evaluation_interval": f"{step}m", "tests": chosen}))
    ended = subprocess.run([promtool, "test", "rules", *files], capture_output=True, text=True, timeout=50, check=False)
    return ended.stdout + ended.stderr


def test_rules_are_what_prometheus_takes(promtool: str) -> None:
    files = sorted(RULES.glob("*.yaml"))
    command = [promtool, "check", "rules", "--lint=all", "--lint-fatal", *map(str, files)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_alert_fires_with_its_text_and_stays_silent_without_cause(
    promtool: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if request.config.getoption("--rewrite-golden"):
        TEXTS.write_text(yaml.safe_dump(_told(run(promtool, list(SITUATIONS), {}, tmp_path)), width=120))
    texts = yaml.safe_load(TEXTS.read_text())
    assert set(texts) == {alert["alert"] for alert in alerts()}
    said = run(promtool, list(SITUATIONS), texts, tmp_path)
    assert "FAILED" not in said, said
    assert "SUCCESS" in said, said


def test_each_alert_is_shown_to_fire_and_to_be_silent() -> None:
    shown = {(situation.alert, situation.fires) for situation in SITUATIONS}
    assert shown == {(alert["alert"], fires) for alert in alerts() for fires in (True, False)}


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_says_what_to_do_and_names_only_what_is_exported(alert: Alert) -> None:
    assert unknown(alert["expr"]) == []
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    assert set(alert["labels"]) == {"severity"}
    assert alert["labels"]["severity"] in SEVERITIES
    assert "for" in alert
    assert alert["annotations"]["runbook_url"].endswith(f"/docs/runbooks.md#{alert['alert'].lower()}")
    assert "severity=" not in alert["expr"], "the severity of an alert would hide a label of that name"


def test_only_what_cannot_wait_wakes_somebody() -> None:
    critical = {alert["alert"] for alert in alerts() if alert["labels"]["severity"] == "critical"}
    assert critical == {"AwsSupportFirstResponseOverdue", "AwsSupportExporterAbsent"}


def test_each_alert_has_its_section_in_the_runbooks() -> None:
    text = (ROOT / "docs/runbooks.md").read_text()
    assert re.findall(r"^## (\w+)$", text, re.MULTILINE) == [alert["alert"] for alert in alerts()]


@pytest.mark.parametrize("document", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda path: path.name)
def test_documents_ask_only_for_what_is_exported(document: Path) -> None:
    for expression in re.findall(r"```promql\n(.*?)```", document.read_text(), re.DOTALL):
        assert unknown(expression) == [], expression


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("sum(aws_support_cases)", ["aws_support_cases"]),
        ('aws_support_open_cases{severity="low"}', ["severity"]),
        ("sum by (severity) (aws_support_open_cases)", ["severity"]),
        ("aws_support_first_response_seconds", ["aws_support_first_response_seconds"]),
        ("up == 0 and on (shard) aws_support_exporter_build_info", ["shard"]),
        ("histogram_quantile(0.9, sum by (le) (rate(aws_support_first_response_seconds_bucket[1d])))", []),
    ],
)
def test_what_is_exported_by_nobody_is_told(expression: str, names: list[str]) -> None:
    assert unknown(expression) == names


def _told(output: str) -> dict[str, Alert]:
    """Return labels and annotations of every alert that promtool says fired unexpectedly."""
    told = {}
    for labels, annotations in re.findall(r"Labels:\{(.*)\}\s+Annotations:\{(.*)\}", output):
        parts = [
            {name: json.loads(value) for name, value in re.findall(r'(\w+)=("(?:[^"\\]|\\.)*")', text)}
            for text in (labels, annotations)
        ]
        name = parts[0].pop("alertname")
        told[name] = {"labels": parts[0], "annotations": parts[1]}
    return told
