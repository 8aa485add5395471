"""What is asked for and exported by nobody is found, in whatever part of an expression it stands."""

import pytest

from exporter.metrics.encode import TextFormat
from exporter.metrics.live import LiveMetrics
from tests.support.promql import OF_THE_PROCESS, unknown

OPEN, SEEN = "aws_support_open_cases", "aws_support_first_response_seconds"


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("sum(aws_support_cases)", ["aws_support_cases"]),
        ('aws_support_open_cases{severity="low"}', ["severity"]),
        ('aws_support_open_cases{severity_code="low" or severity="high"}', ["severity"]),
        (f"sum by (severity) ({OPEN})", ["severity"]),
        (f"sum without (severity) ({OPEN})", ["severity"]),
        (f"topk(scalar(aws_support_cases), {OPEN})", ["aws_support_cases"]),
        (f"sum(rate(aws_support_cases[5m])) / -sum({OPEN})", ["aws_support_cases"]),
        (f"max_over_time(({OPEN} + aws_support_cases)[1h:5m])", ["aws_support_cases"]),
        ("up == 0 and on (shard) aws_support_exporter_build_info", ["shard"]),
        ("aws_support_account_up * on (account_id) group_left (team) aws_support_account_info", ["team"]),
        ("aws_support_account_up / ignoring (team) aws_support_account_supported", ["team"]),
        (SEEN, [SEEN]),
        (f"{SEEN}_total", [f"{SEEN}_total"]),
        (f'{SEEN}_count{{le="60"}}', ["le"]),
        ("process_resident_memory", ["process_resident_memory"]),
        ('{__name__=~"aws.*"}', ["None"]),
    ],
)
def test_what_is_exported_by_nobody_is_told(expression: str, names: list[str]) -> None:
    assert unknown(expression) == names


@pytest.mark.parametrize(
    "expression",
    [
        f"histogram_quantile(0.9, sum by (le) (rate({SEEN}_bucket[1d])))",
        f"{SEEN}_sum / {SEEN}_count",
        f"sum by (severity_code, namespace) ({OPEN})",
        "aws_support_account_up * on (account_id) group_left (organization, label_team) aws_support_account_info",
        'aws_support_account_info{label_team="core"}',
        f'sum by (where) (label_replace({OPEN}, "where", "$1", "region", "(.*)"))',
        'count by (version) (count_values("version", aws_support_exporter_build_info))',
        'ALERTS{alertname="AwsSupportCaseQuiet", severity="info"} and on () vector(1)',
        'rate(python_gc_collections_total{generation="2"}[5m])',
        "1 + time()",
    ],
)
def test_what_is_exported_is_not_told(expression: str) -> None:
    assert unknown(expression) == []


def test_what_rules_record_is_known_by_its_name() -> None:
    assert unknown("sum by (severity_code) (severity:cases:sum)") == ["severity:cases:sum", "severity_code"]
    assert unknown("sum by (severity_code) (severity:cases:sum)", frozenset({"severity:cases:sum"})) == []


def test_what_is_no_promql_is_refused() -> None:
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        unknown("sum(")


def test_metrics_of_the_process_are_those_of_a_running_one() -> None:
    lines = LiveMetrics().encode(TextFormat.PROMETHEUS).decode().splitlines()
    assert {line.partition("{")[0].partition(" ")[0] for line in lines if not line.startswith("#")} == OF_THE_PROCESS.keys()
