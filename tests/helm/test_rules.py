"""Each shipped alert can be changed by its name."""

import re
from pathlib import Path

import pytest
import yaml

from tests.support.chart import CHART, NAMESPACE, Engine, Object, RenderError, Values, copy_of_chart, named

QUIET, DOWN, ABSENT = "AwsSupportCaseQuiet", "AwsSupportAccountDown", "AwsSupportAbsent"


def groups(engine: Engine, values: Values, chart: Path) -> list[Object]:
    objects = engine.render({"skipApiCheck": True, "prometheusRule": {"enabled": True, **values}}, chart)
    found: list[Object] = named(objects, "PrometheusRule")["spec"]["groups"]
    return found


def alerts(engine: Engine, values: Values, chart: Path) -> dict[str, Object]:
    return {rule["alert"]: rule for group in groups(engine, values, chart) for rule in group["rules"] if "alert" in rule}


def test_without_changes_the_rules_are_those_of_the_files(engine: Engine) -> None:
    files = [yaml.safe_load(path.read_text()) for path in sorted((CHART / "files/rules").iterdir())]
    expected = [group for file in files for group in file["groups"]]
    for rule in expected[-1]["rules"]:
        if rule["expr"].startswith("absent("):  # it has no series with a namespace
            rule["labels"]["namespace"] = NAMESPACE
    assert groups(engine, {}, CHART) == expected


def test_an_alert_is_changed_or_left_out_by_its_name_and_no_other(engine: Engine, chart: Path) -> None:
    before = alerts(engine, {}, chart)
    after = alerts(engine, {"overrides": {QUIET: {"for": "30m", "severity": "critical"}, ABSENT: {"enabled": False}}}, chart)
    assert after == {QUIET: {**before[QUIET], "for": "30m", "labels": {"severity": "critical"}}, DOWN: before[DOWN]}
    none = {name: {"enabled": False} for name in before}
    assert [group["name"] for group in groups(engine, {"overrides": none}, chart)] == ["aws-support.recording"]


@pytest.mark.parametrize(
    ("expression", "threshold", "expected"),
    [
        ("a > 3600", 60, "a > 60"),
        ('a{b="> 5"}\n  >= 3600\n', 0, 'a{b="> 5"}\n  >= 0\n'),
        ("a < 1 and b <= 0.5", 0.25, "a < 1 and b <= 0.25"),
        ("a == bool 1e3", 1_000_000, "a == bool 1000000"),
        ("a != -1", -2.5, "a != -2.5"),
        ("a>1", 2, "a>2"),
    ],
)
def test_a_threshold_replaces_the_number_that_ends_the_expression(
    engine: Engine, tmp_path: Path, expression: str, threshold: float, expected: str
) -> None:
    rules = yaml.safe_dump({"groups": [{"name": "g", "rules": [{"alert": "A", "expr": expression}]}]})
    chart = copy_of_chart(tmp_path, {"files/rules/alerts.yaml": rules})
    assert alerts(engine, {"overrides": {"A": {"threshold": threshold}}}, chart)["A"]["expr"] == expected


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({ABSENT: {"threshold": 1}}, f"prometheusRule.overrides.{ABSENT}.threshold: this alert has no threshold"),
        ({"Quiet": {}}, f"prometheusRule.overrides.Quiet: no such alert; the alerts are {ABSENT}, {DOWN}, {QUIET}"),
    ],
)
def test_a_change_that_fits_no_alert_is_refused(engine: Engine, chart: Path, rules: Values, message: str) -> None:
    with pytest.raises(RenderError, match=re.escape(message)):
        groups(engine, {"overrides": rules}, chart)


@pytest.mark.parametrize(("base", "between"), [("https://wiki.example.com/x", "#"), ("https://wiki.example.com/x/", "")])
def test_runbooks_are_where_the_user_keeps_them(engine: Engine, chart: Path, base: str, between: str) -> None:
    found = alerts(engine, {"runbookUrl": base}, chart)
    assert found[QUIET]["annotations"]["runbook_url"] == f"{base}{between}awssupportcasequiet"
    assert found[ABSENT]["annotations"]["runbook_url"] == f"{base}{between}awssupportabsent"


def test_labels_and_annotations_for_every_alert_reach_no_recording_rule(engine: Engine, chart: Path) -> None:
    values = {"additionalRuleLabels": {"team": "cloud"}, "additionalRuleAnnotations": {"dashboard": "overview"}}
    found = alerts(engine, values, chart).values()
    assert {rule["labels"]["team"] for rule in found} == {"cloud"}
    assert {rule["annotations"]["dashboard"] for rule in found} == {"overview"}
    recording = groups(engine, values, chart)[1]["rules"]
    assert not any("team" in rule.get("labels", {}) for rule in recording)
