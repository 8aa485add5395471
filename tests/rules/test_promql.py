"""What is asked for and exported by nobody is found, in whatever part of an expression it stands."""

import pytest

from tests.support.promql import unknown

OPEN, SEEN = "aws_support_open_cases", "aws_support_first_response_seconds"


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ('aws_support_open_cases{severity_code="low" or severity="high"}', ["severity"]),
        (f"sum without (severity) ({OPEN})", ["severity"]),
        (f"topk(scalar(aws_support_cases), {OPEN})", ["aws_support_cases"]),
        (f"sum(rate(aws_support_cases[5m])) / -sum({OPEN})", ["aws_support_cases"]),
        (f"max_over_time(({OPEN} + aws_support_cases)[1h:5m])", ["aws_support_cases"]),
        ("up == 0 and on (shard) aws_support_exporter_build_info", ["shard"]),
        ("aws_support_account_up * on (account_id) group_left (team) aws_support_account_info", ["team"]),
        (SEEN, [SEEN]),
        (f'{SEEN}_count{{le="60"}}', ["le"]),
        ("process_resident_memory", ["process_resident_memory"]),
        ('{__name__=~"aws.*"}', ["None"]),
        (f"histogram_quantile(0.9, sum by (le) (rate({SEEN}_bucket[1d])))", []),
        ("aws_support_account_up * on (account_id) group_left (label_team) aws_support_account_info", []),
        (f'sum by (where) (label_replace({OPEN}, "where", "$1", "region", "(.*)"))', []),
        ('count by (version) (count_values("version", aws_support_exporter_build_info))', []),
        ('rate(python_gc_collections_total{generation="2"}[5m]) and on () vector(1 + time())', []),
    ],
)
def test_what_is_exported_by_nobody_is_told(expression: str, names: list[str]) -> None:
    assert unknown(expression) == names


def test_what_is_no_promql_is_refused() -> None:
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        unknown("sum(")
