"""Two pods of one exporter alert as one does: replicas, and the old and the new one of a rollout."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.rules.situations import SITUATIONS, Situation
from tests.rules.test_alerts import TEXTS, alerts, each_minute, run
from tests.support.prometheus import Promtool

OVERLAP = 2
"""For how many minutes the old pod stays beside the new one."""
EXPECTED = yaml.safe_load(TEXTS.read_text())
OF_A_POD = {text.partition(",")[0] for text, alert in EXPECTED.items() if "instance" in alert["labels"]}
"""What is wrong with a pod is said of each."""
OF_A_POD |= {"AwsSupportExporterMissing", "AwsSupportFirstResponsesOftenMissed"}
"""The first one counts pods; the second one has what a rule records, which no pod exports: test_incidents.py has both."""


def of_pod(series: str, pod: str) -> str:
    """Return a series as a pod has it, of several exporters where there are several already."""
    if "instance=" not in series:
        series = series.replace("{", '{instance="",', 1)
    return series.replace('instance="', f'instance="{pod}', 1)


def replicas(situation: Situation) -> Situation:
    """Return what Prometheus has where a second pod says the same."""
    return replace(situation, series={of_pod(name, pod): values for pod in "ab" for name, values in situation.series.items()})


def rollout(situation: Situation) -> Situation:
    """Return what Prometheus has where a second pod follows halfway, and the first one ends a little later."""
    half = situation.minute // 2
    both: dict[str, str] = {}
    for name, values in situation.series.items():
        points = each_minute(values)
        both[of_pod(name, "a")] = " ".join((*points[: half + OVERLAP], "stale"))
        both[of_pod(name, "b")] = " ".join((*["_"] * half, *points[half:]))
    return replace(situation, series=both)


@pytest.mark.parametrize("pods", [pytest.param(replicas, marks=pytest.mark.slow), rollout])
def test_two_pods_alert_as_one_does(promtool: Promtool, tmp_path: Path, pods: Callable[[Situation], Situation]) -> None:
    shared = [situation for situation in SITUATIONS if situation.alert not in OF_A_POD]
    assert {situation.alert for situation in shared} == {alert["alert"] for alert in alerts()} - OF_A_POD
    assert run(promtool, alerts(), [*map(pods, shared)], EXPECTED, tmp_path) == ""
