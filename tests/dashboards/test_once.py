"""Each case and each event counts once, whatever exporters export it; of many accounts few are listed."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from tests.support.grafana import FILES, Dashboard, View
from tests.support.prometheus import RECORDING, Promtool

OVERVIEW, HEALTH = (Dashboard.load(next(path for path in FILES if name in path.name)) for name in ("overview", "health"))
IN_A, IN_B = (f'cluster="{cluster}",namespace="monitoring",job="j"' for cluster in "ab")
POD_1, POD_2, POD_3 = (f'{IN_A},instance="10.0.0.{pod}:10047",pod="{pod}"' for pod in (1, 2, 3))


def series(metric: str, of: str, labels: str = "", account: int = 1) -> str:
    return f'aws_support_{metric}{{{of},account_id="{account:012}",account_name="account-{account}"{labels}}}'


def info(of: str, account: int = 1) -> str:
    return series("account_info", of, ',plan="enterprise"', account)


def open_cases(of: str, severity_code: str, account: int = 1) -> str:
    group = ',service_code="s",status="opened",last_author="aws",waiting_on="aws"'
    return series("open_cases", of, f'{group},severity_code="{severity_code}"', account)


def missed(of: str) -> str:
    return series("first_responses_total", of, ',severity_code="critical",outcome="missed"')


MISSED_CRITICAL = f'{IN_A},account_id="{1:012}",severity_code="critical",outcome="missed"'


def responses(le: str) -> str:
    return f'aws_support_first_response_seconds_bucket{{{POD_1},severity_code="critical",le="{le}"}}'


def shard(of: str, ordinal: int, accounts: int) -> dict[str, str]:
    at = f'{of},instance="s-{ordinal}"'
    return {
        f'aws_support_exporter_shard{{{at},ordinal="{ordinal}",total="3"}}': "1x100",
        f'aws_support_accounts{{{at},state="ok"}}': f"{accounts}x100",
        f"aws_support_exporter_config_last_reload_success_timestamp_seconds{{{at}}}": "1x100",
    }


def panel(dashboard: Dashboard, title: str, ref_id: str = "A") -> str:
    return next(each.expr for each in dashboard.targets() if (each.panel, each.ref_id) == (title, ref_id))


FORTY_ACCOUNTS = dict.fromkeys((info(IN_A, account) for account in range(40)), "1x60")
FORTY_ACCOUNTS |= dict.fromkeys((open_cases(IN_A, "low", account) for account in range(40)), "1x60")
for account in range(40):
    FORTY_ACCOUNTS[series("account_last_success_timestamp_seconds", IN_A, "", account)] = "0x60"
    FORTY_ACCOUNTS[series("account_poll_errors_total", IN_A, ',reason="timeout"', account)] = "0+1x60"
RESPONSES = panel(OVERVIEW, "First responses")
CRITICAL, CRITICAL_OF_PLAN = '{severity_code="critical"}', '{severity_code="critical",plan="enterprise"}'
WORLDS: list[tuple[Mapping[str, str], str, int, Mapping[str, float]]] = [
    # Two clusters poll the same account.
    (
        {open_cases(of, severity): "4x60" for of in (IN_A, IN_B) for severity in ("low", "high")} | {info(IN_A): "1x60"},
        *(panel(OVERVIEW, "Open cases"), 5, {"{}": 8}),
    ),
    # Shards of two clusters are called the same; one is missing.
    (
        shard(IN_A, 0, 5) | shard(IN_A, 1, 2) | shard(IN_A, 2, 1) | shard(IN_B, 0, 7) | shard(IN_B, 2, 1),
        *(panel(HEALTH, "Accounts by state"), 5, {'{state="ok"}': 16}),
    ),
    # A rollout: the first pod has counted three, the second one since it began; they overlap, and both see one of them.
    (
        {missed(POD_1): "0x100 1x100 2x101 3x10 stale", missed(POD_2): "_x300 0x4 1x300 2x300"}
        | {info(POD_1): "1x2000", info(POD_2): "1x2000"},
        *(RESPONSES, 160, {CRITICAL_OF_PLAN: 4}),
    ),
    # Three replicas, of which one ends and one is new.
    (
        {missed(POD_1): "0x100 1x100 2x101 3x10 stale", missed(POD_2): "0x100 1x100 2x101 3x500", missed(POD_3): "_x320 0x600"}
        | {info(POD_1): "1x2000"},
        *(RESPONSES, 160, {CRITICAL_OF_PLAN: 3}),
    ),
    # A day has 24 hours on the full hour, too.
    (
        {missed(POD_1): "0+1x400", info(POD_1): "1x400"},
        *(panel(OVERVIEW, "Missed first-response targets per day"), 48, {'{a="0",severity_code="critical"}': 144}),
    ),
    # What is recorded every ten minutes, or twice, is counted once an hour.
    (
        {
            f"account_severity_outcome:aws_support_first_responses:increase1h{{{MISSED_CRITICAL}}}": "1x400",
            info(POD_1): "1x400",
        },
        *(panel(OVERVIEW, "Missed first-response targets per day"), 48, {'{a="0",severity_code="critical"}': 24}),
    ),
    # The next pod goes on counting where the first one ended.
    (
        {missed(POD_1): "0x30 2x170 stale", missed(POD_2): "_x202 5x700", info(POD_1): "1x2000"},
        *(RESPONSES, 160, {CRITICAL_OF_PLAN: 5}),
    ),
    # The next pod has another label of its version.
    (
        {missed(f'{POD_1},version="1"'): "0x30 4x170 stale", missed(f'{POD_2},version="2"'): "_x200 0x60 3x700"}
        | {info(POD_1): "1x2000"},
        *(RESPONSES, 160, {CRITICAL_OF_PLAN: 7}),
    ),
    # An account gets a new name, and misses a target in the same hour.
    (
        {missed(POD_1): "5x100 stale", missed(POD_1).replace("account-1", "new"): "_x101 6x800", info(POD_1): "1x2000"},
        *(RESPONSES, 140, {CRITICAL_OF_PLAN: 1}),
    ),
    # One of two replicas, which has counted more, is not scraped for a quarter of an hour.
    (
        {missed(POD_1): "40x29 _x2 40x800", missed(POD_2): "1x900", info(POD_1): "1x2000"},
        *(RESPONSES, 140, {CRITICAL_OF_PLAN: 0}),
    ),
    # The exporter has been gone for a day and a half: graphs have what was before; of owners, nothing rather than zero.
    (
        {series("account_open_cases", POD_1, ',severity_code="low"'): "4x200 stale", info(POD_1): "1x200 stale"},
        *(f"max_over_time(({panel(OVERVIEW, 'Open cases by severity')})[3d:1h])", 72, {'{a="4",severity_code="low"}': 4}),
    ),
    (
        {series("unanswered_cases", POD_1, ',severity_code="low"'): "1x200 stale", info(POD_1): "1x200 stale"},
        *(f"max_over_time(({panel(OVERVIEW, 'Open cases of these owners')})[3d:1h])", 72, {}),
    ),
    # The median of ten responses, all of them within five to fifteen minutes.
    (
        {responses("300.0"): "0x1300", responses("900.0"): "0x300 10x1000", responses("+Inf"): "0x300 10x1000"},
        *(panel(OVERVIEW, "Resolved cases and medians", "B"), 168, {CRITICAL: 600}),
    ),
    (FORTY_ACCOUNTS, f"count({panel(OVERVIEW, 'Accounts with the most open cases')})", 5, {"{}": 10}),
    (FORTY_ACCOUNTS, f"count({panel(HEALTH, 'Accounts with the most failures')})", 5, {"{}": 15}),
    (FORTY_ACCOUNTS, f"count({panel(HEALTH, 'Accounts with the oldest poll')})", 5, {"{}": 15}),
]


def test_what_panels_find(promtool: Promtool, tmp_path: Path) -> None:
    view = View({"job": "j", "label": "label_team"})
    tests = [
        {
            "interval": "10m",
            "input_series": [{"series": name, "values": values} for name, values in scraped.items()],
            "promql_expr_test": [
                {
                    "expr": f"round({OVERVIEW.filled(expr, view)})",
                    "eval_time": f"{hour}h",
                    "exp_samples": [{"labels": labels, "value": value} for labels, value in found.items()],
                }
            ],
        }
        for scraped, expr, hour, found in WORLDS
    ]
    file = tmp_path / "tests.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RECORDING)], "evaluation_interval": "1h", "tests": tests}))

    assert promtool.complaints("test", "rules", file) == ""
