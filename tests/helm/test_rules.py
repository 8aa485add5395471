"""Each shipped alert can be changed by its name."""

import re
from pathlib import Path

import pytest
import yaml

from tests.support.chart import CHART, NAMESPACE, Helm4, Object, RenderError, Values, copy_of_chart, named

QUIET, DOWN, ABSENT = "AwsSupportCaseQuiet", "AwsSupportAccountDown", "AwsSupportAbsent"


def groups(helm4: Helm4, values: Values, chart: Path) -> list[Object]:
    objects = helm4.render({"skipApiCheck": True, "prometheusRule": {"enabled": True, **values}}, chart)
    found: list[Object] = named(objects, "PrometheusRule")["spec"]["groups"]
    return found


def alerts(helm4: Helm4, values: Values, chart: Path) -> dict[str, Object]:
    return {rule["alert"]: rule for group in groups(helm4, values, chart) for rule in group["rules"] if "alert" in rule}


def test_without_changes_the_rules_are_those_of_the_files(helm4: Helm4) -> None:
    files = [yaml.safe_load(path.read_text()) for path in sorted((CHART / "files/rules").iterdir())]
    expected = [group for file in files for group in file["groups"]]
    for rule in (rule for group in expected for rule in group["rules"]):
        if rule["expr"].startswith("absent("):  # it has no series with a namespace
            rule["labels"]["namespace"] = NAMESPACE
    assert groups(helm4, {}, CHART) == expected


def test_an_alert_is_changed_or_left_out_by_its_name_and_no_other(helm4: Helm4, chart: Path) -> None:
    before = alerts(helm4, {}, chart)
    after = alerts(helm4, {"overrides": {QUIET: {"for": "30m", "severity": "critical"}, ABSENT: {"enabled": False}}}, chart)
    assert after == {QUIET: {**before[QUIET], "for": "30m", "labels": {"severity": "critical"}}, DOWN: before[DOWN]}
    none = {name: {"enabled": False} for name in before}
    assert [group["name"] for group in groups(helm4, {"overrides": none}, chart)] == ["aws-support.recording"]


def test_a_threshold_replaces_the_number_that_ends_the_expression(helm4: Helm4, tmp_path: Path) -> None:
    cases = [
        ("a > 3600", 60, "a > 60"),
        ('a{b="> 5"}\n  >= 3600\n', 0, 'a{b="> 5"}\n  >= 0\n'),
        ("a < 1 and b <= 0.5", 0.25, "a < 1 and b <= 0.25"),
        ("a == bool 1e3", 1_000_000, "a == bool 1000000"),
        ("a!=-1", -2.5, "a!=-2.5"),
    ]
    rules = [{"alert": f"A{number}", "expr": expression} for number, (expression, _, _) in enumerate(cases)]
    chart = copy_of_chart(tmp_path, {"files/rules/alerts.yaml": yaml.safe_dump({"groups": [{"name": "g", "rules": rules}]})})
    overrides = {f"A{number}": {"threshold": threshold} for number, (_, threshold, _) in enumerate(cases)}
    found = [rule["expr"] for rule in alerts(helm4, {"overrides": overrides}, chart).values()]
    assert found == [expected for *_, expected in cases]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({ABSENT: {"threshold": 1}}, f"prometheusRule.overrides.{ABSENT}.threshold: this alert has no threshold"),
        ({"Quiet": {}}, f"prometheusRule.overrides.Quiet: no such alert; the alerts are {ABSENT}, {DOWN}, {QUIET}"),
    ],
)
def test_a_change_that_fits_no_alert_is_refused(helm4: Helm4, chart: Path, rules: Values, message: str) -> None:
    with pytest.raises(RenderError, match=re.escape(message)):
        groups(helm4, {"overrides": rules}, chart)


@pytest.mark.parametrize(("base", "between"), [("https://wiki.example.com/x", "#"), ("https://wiki.example.com/x/", "")])
def test_runbooks_are_where_the_user_keeps_them(helm4: Helm4, chart: Path, base: str, between: str) -> None:
    found = alerts(helm4, {"runbookUrl": base}, chart)
    urls = [found[name]["annotations"]["runbook_url"] for name in (QUIET, ABSENT)]
    assert urls == [f"{base}{between}awssupportcasequiet", f"{base}{between}awssupportabsent"]


def test_labels_and_annotations_for_every_alert_reach_no_recording_rule(helm4: Helm4, chart: Path) -> None:
    values = {"additionalRuleLabels": {"team": "cloud"}, "additionalRuleAnnotations": {"dashboard": "overview"}}
    found, recording = groups(helm4, values, chart)
    assert [rule["labels"]["team"] for rule in found["rules"]] == ["cloud"] * 3
    assert [rule["annotations"]["dashboard"] for rule in found["rules"]] == ["overview"] * 3
    assert [rule.keys() & {"labels", "annotations"} for rule in recording["rules"]] == [set()]
