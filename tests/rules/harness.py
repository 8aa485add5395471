"""The alerts as they are shipped and as the chart renders them, and what promtool says of them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.rules.situations import Situation
from tests.support.chart import Helm4, named
from tests.support.prometheus import Promtool
from tests.support.tools import ROOT

RULES = ROOT / "helm/aws-support-exporter/files/rules"
TEXTS = Path(__file__).parent / "alerts.golden.yaml"

Alert = dict[str, Any]


def alerts() -> list[Alert]:
    """Return the shipped alerts, as written."""
    groups = [group for file in sorted(RULES.iterdir()) for group in yaml.safe_load(file.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def rendered(**values: object) -> list[Alert]:
    """Return the alerts of the chart."""
    objects = Helm4().render({"skipApiCheck": True, "prometheusRule": {"enabled": True, **values}})
    groups = named(objects, "PrometheusRule")["spec"]["groups"]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def texts() -> dict[str, Alert]:
    """Return labels and annotations of the alerts, as they were seen before."""
    found: dict[str, Alert] = yaml.safe_load(TEXTS.read_text())
    return found


def run(
    promtool: Promtool, rules: Sequence[Alert], situations: Iterable[Situation], told: Mapping[str, Alert], folder: Path
) -> str:
    """Return what promtool says against the situations, each with its alert alone: nothing when all is as it should be."""
    tests: dict[tuple[str, str], list[object]] = {}
    for each in situations:
        text = told.get(each.text)
        firing = [{"exp_labels": text["labels"], "exp_annotations": text["annotations"]}] if each.fires and text else []
        looked_at = {"eval_time": f"{each.minute}m", "alertname": each.alert, "exp_alerts": firing}
        interval = "5m" if each.minute > 1000 else "1m"  # to save time
        tests.setdefault((each.alert, interval), []).append(world(each.series, alert_rule_test=[looked_at]))
    by_name = {rule["alert"]: rule for rule in rules}
    files = [written([by_name[name]], of_alert, folder, name, interval) for (name, interval), of_alert in tests.items()]
    return promtool.complaints("test", "rules", *files)


def complaints(promtool: Promtool, rules: Sequence[Alert], test: object, folder: Path, *, interval: str = "1m") -> str:
    """Return what promtool says against a test of rules together, evaluated in an interval."""
    return promtool.complaints("test", "rules", written(rules, [test], folder, "all", interval))


def world(series: Mapping[str, str], **tests: object) -> dict[str, object]:
    """Return a test as promtool has it, of series with a value each minute."""
    return {"interval": "1m", "input_series": [{"series": name, "values": values} for name, values in series.items()], **tests}


def expect(expr: str, minute: int, found: Mapping[str, float]) -> dict[str, object]:
    """Return what promtool is to find of an expression: values by labels."""
    samples = [{"labels": labels, "value": value} for labels, value in found.items()]
    return {"expr": expr, "eval_time": f"{minute}m", "exp_samples": samples}


def written(rules: Sequence[Alert], tests: Sequence[object], folder: Path, name: str, interval: str = "1m") -> Path:
    """Return promtool's file of tests of some rules."""
    rule_file, test_file = folder / f"{name}-{interval}.rules.yaml", folder / f"{name}-{interval}.yaml"
    rule_file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": list(rules)}]}))
    test_file.write_text(
        yaml.safe_dump({"rule_files": [str(rule_file)], "evaluation_interval": interval, "tests": list(tests)})
    )
    return test_file


def each_minute(values: str) -> list[str]:
    """Return what promtool's notation of a series stands for, minute by minute."""
    minutes: list[str] = []
    for token in values.split():
        found = re.fullmatch(r"(_|-?\d+)(?:\+(\d+))?x(\d+)", token)
        if found is None:
            minutes.append(token)
        elif found[1] == "_":
            minutes += ["_"] * int(found[3])
        else:
            minutes += [str(int(found[1]) + index * int(found[2] or 0)) for index in range(int(found[3]) + 1)]
    return minutes
