"""Every alert fires when it should, stays silent when it should, and says exactly what is written down here."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.metrics.catalog import CATALOG
from tests.rules.situations import EACH_ALERT, LOOK_BACK, SITUATIONS, Situation
from tests.support.prometheus import Promtool
from tests.support.promql import OF_THE_RULES, unknown
from tests.support.tools import ROOT

RULES = ROOT / "helm/aws-support-exporter/files/rules"
ALERTS = RULES / "alerts.yaml"
TEXTS = Path(__file__).parent / "alerts.golden.yaml"
ROWS = re.findall(
    r"^\| \[(\w+)]\(#(\w+)\) \| (\w+) \| (\w+) \| (\w*) \|$", (ROOT / "docs/runbooks.md").read_text(), re.MULTILINE
)
KEPT = {name: int(kept.removesuffix("m") or 0) for name, _, _, _, kept in ROWS}
"""For how many minutes each alert keeps firing, as the runbooks say."""
CONSOLES = {
    "us-east-1": "support.console.aws.amazon.com",
    "cn-north-1": "console.amazonaws.cn",
    "us-gov-west-1": "console.amazonaws-us-gov.com",
}
SEVERITIES = {"critical", "warning", "info"}
NEVER_TOLD = {"severity", "label_team"}
"""Labels that texts leave out: which of an account's labels matter is for the chart to say."""

Alert = dict[str, Any]


def alerts() -> list[Alert]:
    """Return the shipped alerts, as written."""
    return [
        rule
        for file in sorted(RULES.iterdir())
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]


def run(
    promtool: Promtool, rules: Sequence[Alert], situations: Sequence[Situation], texts: Mapping[str, Alert], folder: Path
) -> str:
    """Return what promtool says against the situations, each with its alert alone: nothing when all is as it should be."""
    return run_alone(promtool, rules, [(situation.alert, as_test(situation, texts)) for situation in situations], folder)


def run_alone(
    promtool: Promtool, rules: Sequence[Alert], of_alerts: Sequence[tuple[str, Mapping[str, Any]]], folder: Path
) -> str:
    """Return what promtool says against tests, each of an alert alone."""
    files = []
    for alert in rules:
        tests = [test for name, test in of_alerts if name == alert["alert"]]
        if not tests:
            continue
        rule_file = folder / f"{alert['alert']}.rules.yaml"
        rule_file.write_text(yaml.safe_dump({"groups": [{"name": "one", "rules": [alert]}]}))
        files.append(folder / f"{alert['alert']}.yaml")
        files[-1].write_text(yaml.safe_dump({"rule_files": [str(rule_file)], "evaluation_interval": "1m", "tests": tests}))
    return promtool.complaints("test", "rules", *files)


def as_test(situation: Situation, texts: Mapping[str, Alert]) -> dict[str, Any]:
    """Return a situation as promtool has it: the alert is looked at, and where its cause ends, for how long it keeps firing."""
    text = texts.get(situation.text)
    firing = [{"exp_labels": text["labels"], "exp_annotations": text["annotations"]}] if text else []
    looked_at = [(situation.minute, situation.fires)]
    if situation.ends and texts:
        kept = situation.minute + KEPT[situation.alert]
        looked_at += [(kept, True), (kept + 1, False)]
    return {
        "interval": "1m",
        "input_series": [
            {"series": name, "values": cut(values, situation.minute) if situation.ends else values}
            for name, values in situation.series.items()
        ],
        "alert_rule_test": [
            {"eval_time": f"{minute}m", "alertname": situation.alert, "exp_alerts": firing if fires else []}
            for minute, fires in looked_at
        ],
    }


def cut(values: str, minute: int) -> str:
    """Return a series that ends after that minute."""
    return " ".join((*each_minute(values)[: minute + 1], "stale"))


def each_minute(values: str) -> list[str]:
    """Return what promtool's notation of a series stands for, minute by minute."""
    written: list[str] = []
    for token in values.split():
        found = re.fullmatch(r"(_|-?\d+)(?:\+(\d+))?x(\d+)", token)
        if found is None:
            written.append(token)
        elif found[1] == "_":
            written += ["_"] * int(found[3])
        else:
            written += [str(int(found[1]) + index * int(found[2] or 0)) for index in range(int(found[3]) + 1)]
    return written


def test_rules_are_what_prometheus_takes(promtool: Promtool) -> None:
    files = sorted(RULES.glob("*.yaml"))
    assert promtool.complaints("check", "rules", "--lint=all", "--lint-fatal", *files) == ""


def test_every_alert_fires_with_its_text_and_stays_silent_without_cause(
    promtool: Promtool, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if request.config.getoption("--rewrite-golden"):
        told = {each.text: _told(run(promtool, alerts(), [each], {}, tmp_path)) for each in reversed(SITUATIONS) if each.fires}
        TEXTS.write_text(yaml.safe_dump(told, width=120))
    texts = yaml.safe_load(TEXTS.read_text())
    assert set(texts) == {situation.text for situation in SITUATIONS if situation.fires}
    assert run(promtool, alerts(), SITUATIONS, texts, tmp_path) == ""


def test_each_alert_is_shown_to_fire_to_be_silent_and_to_end() -> None:
    shown = {(situation.alert, situation.fires) for situation in EACH_ALERT}
    assert shown == {(alert["alert"], fires) for alert in alerts() for fires in (True, False)}
    assert {each.alert for each in EACH_ALERT if each.ends} == KEPT.keys() - LOOK_BACK


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_says_what_to_do_and_names_only_what_is_exported(alert: Alert) -> None:
    assert unknown(alert["expr"]) == []
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    assert set(alert["labels"]) == {"severity"}
    assert alert["labels"]["severity"] in SEVERITIES
    assert "for" in alert
    assert alert["annotations"]["runbook_url"].endswith(f"/docs/runbooks.md#{alert['alert'].lower()}")


def test_rules_record_what_is_exported_under_names_that_are_known() -> None:
    recorded = [
        rule
        for file in RULES.iterdir()
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
        if "record" in rule
    ]

    assert {rule["record"] for rule in recorded} == OF_THE_RULES.keys()
    assert [rule["record"] for rule in recorded if unknown(rule["expr"])] == []


def test_no_label_of_an_alert_hides_one_of_a_metric() -> None:
    exported = {label for metric in CATALOG.values() for label in (*metric.labels, *metric.optional)}
    assert not exported & {"alertname", *(label for alert in alerts() for label in alert["labels"])}


@pytest.mark.parametrize("text", yaml.safe_load(TEXTS.read_text()).items(), ids=lambda text: text[0])
def test_a_text_names_what_it_is_about_and_links_to_it(text: tuple[str, Alert]) -> None:
    labels, told = text[1]["labels"], " ".join(text[1]["annotations"].values())
    assert [label for label, value in labels.items() if value not in told and label not in NEVER_TOLD] == []
    if "region" in labels:
        assert f"https://{CONSOLES[labels['region']]}/support/home#/case/" in told


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_the_queries_behind_a_text_name_only_what_is_exported(alert: Alert) -> None:
    queries = re.findall(r'"(\w+[^"]*aws_support[^"]*)"', alert["annotations"]["description"])
    assert len(queries) == alert["annotations"]["description"].count("query")
    for query in queries:
        assert unknown(re.sub(r"%\[\d]q", '"x"', query)) == []


def test_only_what_cannot_wait_wakes_somebody() -> None:
    critical = {alert["alert"] for alert in alerts() if alert["labels"]["severity"] == "critical"}
    assert critical == {"AwsSupportFirstResponseOverdue", "AwsSupportMostAccountsUnread", "AwsSupportExporterAbsent"}


def _told(output: str) -> Alert:
    """Return labels and annotations of the alert that promtool says fired unexpectedly."""
    (found,) = re.findall(r"Labels:\{(.*)\}\s+Annotations:\{(.*)\}", output)
    labels, annotations = (
        {name: json.loads(value) for name, value in re.findall(r'(\w+)=("(?:[^"\\]|\\.)*")', text)} for text in found
    )
    del labels["alertname"]
    return {"labels": labels, "annotations": annotations}
