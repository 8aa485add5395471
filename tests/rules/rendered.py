"""The chart's alerts, and what promtool says of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from tests.rules.test_alerts import Alert
from tests.support.chart import Helm4, named
from tests.support.prometheus import Promtool


def rendered(**values: object) -> list[Alert]:
    """Return the alerts of the chart."""
    objects = Helm4().render({"skipApiCheck": True, "prometheusRule": {"enabled": True, **values}})
    groups = named(objects, "PrometheusRule")["spec"]["groups"]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def complaints(promtool: Promtool, rules: Sequence[Alert], tests: Sequence[Mapping[str, object]], folder: Path) -> str:
    """Return what promtool says against some tests of all rules together."""
    rule_file, test_file = folder / "rules.yaml", folder / "tests.yaml"
    rule_file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": list(rules)}]}))
    test_file.write_text(yaml.safe_dump({"rule_files": [str(rule_file)], "evaluation_interval": "1m", "tests": list(tests)}))
    return promtool.complaints("test", "rules", test_file)
