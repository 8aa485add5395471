"""Each case and each event counts once, whatever clusters, replicas and rollouts export, and medians need events."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from docs.dashboards import queries
from tests.support.grafana import FILES, Dashboard, View
from tests.support.prometheus import Promtool

OVERVIEW, HEALTH = (Dashboard.load(next(path for path in FILES if name in path.name)) for name in ("overview", "health"))
ALL = View({"job": "j", "label": "label_team"})
CLUSTERS = tuple(f'cluster="{cluster}",namespace="monitoring",job="j",instance="x.monitoring.svc:10047"' for cluster in "ab")
PODS = tuple(f'cluster="a",namespace="monitoring",job="j",instance="10.0.0.{pod}:10047",pod="{pod}"' for pod in (1, 2, 3))
OF, GROUP = 'account_id="1",account_name="a"', 'service_code="s",status="opened",last_author="aws",waiting_on="aws"'
WEEK = "604800s"


class World(NamedTuple):
    series: Mapping[str, str]
    """A sample each ten minutes."""
    expr: str
    hour: int
    found: Mapping[str, float]


def info(of: str) -> dict[str, str]:
    return {f'aws_support_account_info{{{of},{OF},plan="enterprise"}}': "1x2000"}


def open_cases(of: str, severity_code: str) -> str:
    return f'aws_support_open_cases{{{of},{OF},{GROUP},severity_code="{severity_code}"}}'


def settled(of: str, outcome: str, severity_code: str = "critical") -> str:
    return f'aws_support_first_responses_total{{{of},{OF},severity_code="{severity_code}",outcome="{outcome}"}}'


def responses(*counts: int) -> dict[str, str]:
    """Return a histogram of responses within 5, 15 and 30 minutes, and at all."""
    name = f'aws_support_first_response_seconds_bucket{{{CLUSTERS[0]},severity_code="critical",le="%s"}}'
    return {name % le: f"0x300 {count}x1000" for le, count in zip(("300.0", "900.0", "1800.0", "+Inf"), counts, strict=True)}


def of_shards(of: str, accounts: Mapping[int, int]) -> dict[str, str]:
    series = {}
    for ordinal, count in accounts.items():
        at = f'{of},instance="s-{ordinal}"'
        series[f'aws_support_exporter_shard{{{at},ordinal="{ordinal}",total="3"}}'] = "1x100"
        series[f'aws_support_accounts{{{at},state="ok"}}'] = f"{count}x100"
        series[f"aws_support_exporter_config_last_reload_success_timestamp_seconds{{{at}}}"] = "1x100"
    return series


def panel(dashboard: Dashboard, title: str, ref_id: str = "A") -> str:
    return next(each.expr for each in dashboard.targets() if (each.panel, each.ref_id) == (title, ref_id))


MEDIAN = queries.median("aws_support_first_response_seconds", "severity_code", WEEK, 'job="j"')
TWO_CLUSTERS = {open_cases(of, severity): "4x60" for of in CLUSTERS for severity in ("low", "high")} | info(CLUSTERS[0])
# The first pod has counted three, the second one since it began; they overlap, and both see one of them.
ROLLOUT = {
    settled(PODS[0], "missed"): "0x100 1x100 2x101 3x10 stale",
    settled(PODS[1], "missed"): "_x300 0x4 1x300 2x300",
    settled(PODS[0], "met"): "0x312 stale",
    settled(PODS[1], "met"): "_x300 0x1000",
    **info(PODS[0]),
    **info(PODS[1]),
}
WORLDS = {
    "two clusters poll the same account": World(TWO_CLUSTERS, panel(OVERVIEW, "Open cases"), 5, {"{}": 8}),
    "shards of two clusters are called the same": World(
        {
            name: values
            for cluster, accounts in (("a", {0: 5, 1: 2, 2: 1}), ("b", {0: 7, 2: 1}))
            for name, values in of_shards(f'cluster="{cluster}",namespace="monitoring",job="j"', accounts).items()
        },
        panel(HEALTH, "Accounts by state"),
        5,
        {'{state="ok"}': 16},
    ),
    "late by half a minute is late, not twice as late": World(responses(0, 0, 1, 1), MEDIAN, 168, {}),
    "the median of ten": World(responses(0, 10, 10, 10), MEDIAN, 168, {'{severity_code="critical"}': 600}),
    "a rollout, events before, while and after both pods live": World(
        ROLLOUT,
        panel(OVERVIEW, "First responses", "A"),
        160,
        {'{severity_code="critical",plan="enterprise"}': 4},
    ),
    "replicas of which one is restarted": World(
        {
            settled(PODS[0], "missed"): "0x100 1x100 2x101 3x10 stale",
            settled(PODS[1], "missed"): "0x100 1x100 2x101 3x500",
            settled(PODS[2], "missed"): "_x320 0x600",
            **info(PODS[0]),
        },
        panel(OVERVIEW, "First responses", "A"),
        160,
        {'{severity_code="critical",plan="enterprise"}': 3},
    ),
    "three of four in time": World(
        {settled(PODS[0], "missed"): "0x300 1x900", settled(PODS[0], "met"): "0x100 1x100 2x100 3x900", **info(PODS[0])},
        panel(OVERVIEW, "First responses", "B"),
        160,
        {'{severity_code="critical",plan="enterprise"}': 3},
    ),
}


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_what_a_panel_finds(world: World, promtool: Promtool, tmp_path: Path) -> None:
    found = [{"labels": labels, "value": value} for labels, value in world.found.items()]
    expr = f"round({OVERVIEW.filled(world.expr, ALL)})"
    test = {
        "interval": "10m",
        "input_series": [{"series": name, "values": values} for name, values in world.series.items()],
        "promql_expr_test": [{"expr": expr, "eval_time": f"{world.hour}h", "exp_samples": found}],
    }
    file = tmp_path / "tests.yaml"
    file.write_text(yaml.safe_dump({"tests": [test]}))

    assert promtool.complaints("test", "rules", file) == ""
