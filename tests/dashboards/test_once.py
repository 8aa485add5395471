"""Each case and each event counts once, whatever exporters export it; of many accounts few are listed."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import yaml

from tests.support.grafana import FILES, Dashboard, View
from tests.support.prometheus import Promtool

OVERVIEW, HEALTH = (Dashboard.load(next(path for path in FILES if name in path.name)) for name in ("overview", "health"))
IN_A, IN_B = (f'cluster="{cluster}",namespace="monitoring",job="j"' for cluster in "ab")
PODS = tuple(f'{IN_A},instance="10.0.0.{pod}:10047",pod="{pod}"' for pod in (1, 2, 3))


class World(NamedTuple):
    series: Mapping[str, str]
    """A sample each ten minutes."""
    expr: str
    hour: int
    found: Mapping[str, float]


def series(metric: str, of: str, labels: str, account: int = 1) -> str:
    return f'aws_support_{metric}{{{of},account_id="{account:012}",account_name="account-{account}"{labels}}}'


def info(of: str, account: int = 1) -> dict[str, str]:
    return {series("account_info", of, ',plan="enterprise"', account): "1x2000"}


def open_cases(of: str, severity_code: str, account: int = 1) -> str:
    group = ',service_code="s",status="opened",last_author="aws",waiting_on="aws"'
    return series("open_cases", of, f'{group},severity_code="{severity_code}"', account)


def missed(of: str) -> str:
    return series("first_responses_total", of, ',severity_code="critical",outcome="missed"')


def shard(of: str, ordinal: int, accounts: int) -> dict[str, str]:
    at = f'{of},instance="s-{ordinal}"'
    return {
        f'aws_support_exporter_shard{{{at},ordinal="{ordinal}",total="3"}}': "1x100",
        f'aws_support_accounts{{{at},state="ok"}}': f"{accounts}x100",
        f"aws_support_exporter_config_last_reload_success_timestamp_seconds{{{at}}}": "1x100",
    }


def panel(dashboard: Dashboard, title: str, ref_id: str = "A") -> str:
    return next(each.expr for each in dashboard.targets() if (each.panel, each.ref_id) == (title, ref_id))


FORTY_ACCOUNTS = {
    name: values
    for account in range(40)
    for name, values in {
        **info(IN_A, account),
        open_cases(IN_A, "low", account): "1x60",
        series("account_last_success_timestamp_seconds", IN_A, "", account): "0x60",
        series("account_poll_errors_total", IN_A, ',reason="timeout"', account): "0+1x60",
    }.items()
}
WORLDS = [
    # Two clusters poll the same account.
    World(
        {open_cases(of, severity): "4x60" for of in (IN_A, IN_B) for severity in ("low", "high")} | info(IN_A),
        panel(OVERVIEW, "Open cases"),
        5,
        {"{}": 8},
    ),
    # Shards of two clusters are called the same; one is missing.
    World(
        shard(IN_A, 0, 5) | shard(IN_A, 1, 2) | shard(IN_A, 2, 1) | shard(IN_B, 0, 7) | shard(IN_B, 2, 1),
        panel(HEALTH, "Accounts by state"),
        5,
        {'{state="ok"}': 16},
    ),
    # A rollout: the first pod has counted three, the second one since it began; they overlap, and both see one of them.
    World(
        {
            missed(PODS[0]): "0x100 1x100 2x101 3x10 stale",
            missed(PODS[1]): "_x300 0x4 1x300 2x300",
            **info(PODS[0]),
            **info(PODS[1]),
        },
        panel(OVERVIEW, "First responses"),
        160,
        {'{severity_code="critical",plan="enterprise"}': 4},
    ),
    # Three replicas, of which one ends and one is new.
    World(
        {
            missed(PODS[0]): "0x100 1x100 2x101 3x10 stale",
            missed(PODS[1]): "0x100 1x100 2x101 3x500",
            missed(PODS[2]): "_x320 0x600",
            **info(PODS[0]),
        },
        panel(OVERVIEW, "First responses"),
        160,
        {'{severity_code="critical",plan="enterprise"}': 3},
    ),
    # The median of ten responses, all of them within five to fifteen minutes.
    World(
        {
            f'aws_support_first_response_seconds_bucket{{{PODS[0]},severity_code="critical",le="{le}"}}': f"0x300 {count}x1000"
            for le, count in (("300.0", 0), ("900.0", 10), ("+Inf", 10))
        },
        panel(OVERVIEW, "Resolved cases and medians", "B"),
        168,
        {'{severity_code="critical"}': 600},
    ),
    *(
        World(FORTY_ACCOUNTS, f"count({panel(dashboard, title)})", 5, {"{}": count})
        for dashboard, title, count in (
            (OVERVIEW, "Accounts with the most open cases", 10),
            (HEALTH, "Accounts with the most failures", 15),
            (HEALTH, "Accounts with the oldest poll", 15),
        )
    ),
]


def test_what_panels_find(promtool: Promtool, tmp_path: Path) -> None:
    view = View({"job": "j", "label": "label_team"})
    tests = [
        {
            "interval": "10m",
            "input_series": [{"series": name, "values": values} for name, values in world.series.items()],
            "promql_expr_test": [
                {
                    "expr": f"round({OVERVIEW.filled(world.expr, view)})",
                    "eval_time": f"{world.hour}h",
                    "exp_samples": [{"labels": labels, "value": value} for labels, value in world.found.items()],
                }
            ],
        }
        for world in WORLDS
    ]
    file = tmp_path / "tests.yaml"
    file.write_text(yaml.safe_dump({"tests": tests}))

    assert promtool.complaints("test", "rules", file) == ""
