"""Each query of docs/metrics.md finds what its sentence says, and nothing else: asked of Prometheus's own engine."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.tools import ROOT, find_tool

QUERIES = {
    title.partition(" (")[0]: query
    for title, query in re.findall(
        r"(?:^|\n)([^\n]+):\n\n```promql\n(.*?)```", (ROOT / "docs/metrics.md").read_text(), re.DOTALL
    )
}
HOURS = 30 * 24
NOW = HOURS * 3600
"""When the queries are asked; the series below begin 30 days before, and have a value for each hour."""


def always(value: float) -> str:
    return f"{value}x{HOURS}"


def grown(by: float, *, hours_ago: int) -> str:
    """Return the values of a counter that grew once."""
    return f"0x{HOURS - hours_ago - 1} {by}x{hours_ago}"


GROUP = 'status="opened",severity_code="low",service_code="service-eks"'
WORLDS: dict[str, tuple[dict[str, str], dict[str, float]]] = {
    "Open cases by severity across the organization": (
        {
            'aws_support_account_open_cases{account_id="1",severity_code="low"}': always(2),
            'aws_support_account_open_cases{account_id="2",severity_code="low"}': always(3),
            'aws_support_account_open_cases{account_id="2",severity_code="urgent"}': always(0),
        },
        {'{severity_code="low"}': 5, '{severity_code="urgent"}': 0},
    ),
    "Cases that have waited on us for more than a day": (
        {
            f'aws_support_{name}{{account_id="{account}",last_author="{author}",{GROUP}}}': always(value)
            for account, author, count, age in (("1", "aws", 2, 90000), ("1", "customer", 4, 99000), ("2", "aws", 1, 80000))
            for name, value in (("open_cases", count), ("latest_communication_age_seconds", age))
        },
        {f'{{account_id="1",last_author="aws",{GROUP}}}': 2},
    ),
    "Critical cases that AWS has not answered yet": (
        {
            'aws_support_unanswered_cases{account_name="a",severity_code="critical"}': always(1),
            'aws_support_unanswered_cases{account_name="b",severity_code="critical"}': always(0),
            'aws_support_unanswered_cases{account_name="c",severity_code="low"}': always(7),
        },
        {'{account_name="a"}': 1},
    ),
    "First response, 90th percentile over 30 days, by severity": (
        {
            f'aws_support_first_response_seconds_bucket{{instance="{instance}",le="{le}",severity_code="high"}}': values
            for instance in ("a", "b")
            for le, values in (
                ("900.0", grown(8, hours_ago=200)),
                ("3600.0", grown(10, hours_ago=200)),
                ("+Inf", grown(10, hours_ago=200)),
            )
        },
        {'{severity_code="high"}': 900 + 2700 / 2},
    ),
    "Net flow of a week": (
        {
            'aws_support_cases_opened_total{account_id="1",severity_code="low"}': grown(5, hours_ago=30),
            'aws_support_cases_opened_total{account_id="2",severity_code="low"}': grown(9, hours_ago=200),
            'aws_support_cases_reopened_total{account_id="1",severity_code="low"}': grown(1, hours_ago=20),
            'aws_support_cases_resolved_total{account_id="1",severity_code="low"}': grown(2, hours_ago=10),
        },
        {"{}": 4},
    ),
    "Accounts with a support plan that have not been polled successfully for an hour, or never since the exporter started": (
        {
            **{f'aws_support_account_info{{account_id="{account}",label_team="x"}}': always(1) for account in "1234"},
            'aws_support_account_last_success_timestamp_seconds{account_id="1"}': always(NOW - 60),
            'aws_support_account_last_success_timestamp_seconds{account_id="2"}': always(NOW - 7200),
            'aws_support_account_supported{account_id="1"}': always(1),
            'aws_support_account_supported{account_id="2"}': always(1),
            'aws_support_account_supported{account_id="4"}': always(0),
        },
        {'{account_id="2",label_team="x"}': 1, '{account_id="3",label_team="x"}': 1},
    ),
}


@pytest.fixture(params=["promtool", "newer/promtool"])
def promtool(request: pytest.FixtureRequest) -> str:
    found = find_tool(request.param)
    if found is None:
        pytest.skip(f"{request.param} is not here: get it with `make tools`")
    return str(found)


def test_every_query_has_its_world() -> None:
    assert QUERIES.keys() == WORLDS.keys()


def test_every_query_finds_what_its_sentence_says(promtool: str, tmp_path: Path) -> None:
    tests = [
        {
            "interval": "1h",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "promql_expr_test": [
                {
                    # Rounded, as increase() guesses what was before the first and after the last value.
                    "expr": f"round({QUERIES[title]})",
                    "eval_time": f"{HOURS}h",
                    "exp_samples": [{"labels": labels, "value": value} for labels, value in expected.items()],
                }
            ],
        }
        for title, (series, expected) in WORLDS.items()
    ]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"tests": tests}))
    ended = subprocess.run([promtool, "test", "rules", file], capture_output=True, text=True, timeout=50, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
