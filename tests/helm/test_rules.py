"""Each shipped alert can be changed by its name."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.chart import CHART, Engine, Object, RenderError, Values, copy_of_chart, named

QUIET, DOWN, ABSENT = "AwsSupportCaseQuiet", "AwsSupportAccountDown", "AwsSupportAbsent"


def groups(engine: Engine, values: Values, chart: Path) -> list[Object]:
    rule = {"enabled": True, "skipApiCheck": True, **values}
    found: list[Object] = named(engine.render({"prometheusRule": rule}, chart), "PrometheusRule")["spec"]["groups"]
    return found


def alerts(engine: Engine, values: Values, chart: Path) -> dict[str, Object]:
    return {rule["alert"]: rule for group in groups(engine, values, chart) for rule in group["rules"] if "alert" in rule}


@pytest.mark.parametrize("shipped_ones", [True, False])
def test_without_changes_the_rules_are_those_of_the_files(engine: Engine, chart: Path, *, shipped_ones: bool) -> None:
    chart = CHART if shipped_ones else chart
    files = [yaml.safe_load(path.read_text()) for path in sorted((chart / "files/rules").iterdir())]
    shipped = [group for file in files for group in file["groups"]]
    for group in shipped:
        for rule in group["rules"]:
            if "alert" in rule:
                rule.setdefault("labels", {})
                rule.setdefault("annotations", {})
    assert groups(engine, {}, chart) == shipped


@pytest.mark.parametrize(
    ("change", "key", "expected"),
    [
        ({"for": "30m"}, "for", "30m"),
        ({"severity": "critical"}, "labels", {"severity": "critical"}),
    ],
)
def test_an_alert_is_changed_by_its_name_and_no_other(
    engine: Engine, chart: Path, change: dict[str, Any], key: str, expected: object
) -> None:
    before, after = alerts(engine, {}, chart), alerts(engine, {"rules": {QUIET: change}}, chart)
    assert after[QUIET][key] == expected
    assert {**before[QUIET], key: None} == {**after[QUIET], key: None}
    assert before[DOWN] == after[DOWN]


def test_an_alert_is_left_out(engine: Engine, chart: Path) -> None:
    assert alerts(engine, {"rules": {QUIET: {"enabled": False}}}, chart).keys() == {DOWN, ABSENT}
    assert alerts(engine, {"rules": {QUIET: {"enabled": True}}}, chart).keys() == {QUIET, DOWN, ABSENT}


def test_a_group_without_rules_is_left_out(engine: Engine, chart: Path) -> None:
    none = {name: {"enabled": False} for name in (QUIET, DOWN, ABSENT)}
    assert [group["name"] for group in groups(engine, {"rules": none}, chart)] == ["aws-support.recording"]


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
    assert alerts(engine, {"rules": {"A": {"threshold": threshold}}}, chart)["A"]["expr"] == expected


def test_a_threshold_where_there_is_none_is_refused(engine: Engine, chart: Path) -> None:
    with pytest.raises(RenderError, match=rf"prometheusRule\.rules\.{ABSENT}\.threshold: this alert has no threshold"):
        groups(engine, {"rules": {ABSENT: {"threshold": 1}}}, chart)


def test_a_name_that_no_alert_has_is_refused_with_those_there_are(engine: Engine, chart: Path) -> None:
    message = rf"prometheusRule\.rules\.Quiet: no such alert; the alerts are {ABSENT}, {DOWN}, {QUIET}"
    with pytest.raises(RenderError, match=message):
        groups(engine, {"rules": {"Quiet": {"enabled": False}}}, chart)


@pytest.mark.parametrize(
    ("base", "quiet", "absent"),
    [
        ("https://wiki.example.com/support", "https://wiki.example.com/support#awssupportcasequiet", "#awssupportabsent"),
        ("https://wiki.example.com/support/", "https://wiki.example.com/support/awssupportcasequiet", "/awssupportabsent"),
    ],
)
def test_runbooks_are_where_the_user_keeps_them(engine: Engine, chart: Path, base: str, quiet: str, absent: str) -> None:
    found = alerts(engine, {"runbookUrl": base}, chart)
    assert found[QUIET]["annotations"]["runbook_url"] == quiet
    assert found[ABSENT]["annotations"]["runbook_url"].endswith(absent)


def test_labels_and_annotations_for_every_alert_reach_no_recording_rule(engine: Engine, chart: Path) -> None:
    values = {"additionalRuleLabels": {"team": "cloud"}, "additionalRuleAnnotations": {"dashboard": "overview"}}
    found = alerts(engine, values, chart).values()
    assert {rule["labels"]["team"] for rule in found} == {"cloud"}
    assert {rule["annotations"]["dashboard"] for rule in found} == {"overview"}
    recording = groups(engine, values, chart)[1]["rules"]
    assert not any("team" in rule.get("labels", {}) for rule in recording)
