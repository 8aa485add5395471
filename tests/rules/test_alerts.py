"""Every alert fires when it should, stays silent when it should, and says exactly what is written down here."""

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.rules.harness import RULES, TEXTS, Alert, alerts, run, texts
from tests.rules.situations import SITUATIONS
from tests.support.prometheus import RECORDING, Promtool
from tests.support.promql import unknown


def test_rules_are_what_prometheus_takes(promtool: Promtool) -> None:
    assert promtool.complaints("check", "rules", "--lint=all", "--lint-fatal", *sorted(RULES.glob("*.yaml"))) == ""


def test_every_alert_fires_with_its_text_and_stays_silent_without_cause(
    promtool: Promtool, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if request.config.getoption("--rewrite-golden"):
        told = {each.text: _told(run(promtool, alerts(), [each], {}, tmp_path)) for each in reversed(SITUATIONS) if each.fires}
        TEXTS.write_text(yaml.safe_dump(told, width=120))

    assert set(texts()) == {situation.text for situation in SITUATIONS if situation.fires}
    assert run(promtool, alerts(), SITUATIONS, texts(), tmp_path) == ""


def test_a_gauge_is_recorded_before_prometheus_takes_it_for_stale() -> None:
    groups = yaml.safe_load(RECORDING.read_text())["groups"]
    gauges = {group["interval"] for group in groups for rule in group["rules"] if not rule["record"].endswith(":increase1h")}

    assert gauges == {"3m"}


def test_each_alert_is_shown_to_fire_and_to_be_silent() -> None:
    shown = {(situation.alert, situation.fires) for situation in SITUATIONS}

    assert shown == {(alert["alert"], fires) for alert in alerts() for fires in (True, False)}


def test_alerts_name_only_what_is_exported() -> None:
    assert {alert["alert"]: unknown(alert["expr"]) for alert in alerts() if unknown(alert["expr"])} == {}


def _told(output: str) -> Alert:
    """Return labels and annotations of the alert that promtool says fired unexpectedly."""
    (found,) = re.findall(r"Labels:\{(.*)\}\s+Annotations:\{(.*)\}", output)
    labels, annotations = (
        {name: json.loads(value) for name, value in re.findall(r'(\w+)=("(?:[^"\\]|\\.)*")', text)} for text in found
    )
    del labels["alertname"]
    return {"labels": labels, "annotations": annotations}
