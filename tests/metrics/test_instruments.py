import pytest

from exporter.cases.changes import Changes
from exporter.cases.model import Reason
from exporter.metrics.instruments import Instruments


@pytest.fixture
def instruments() -> Instruments:
    return Instruments({"critical": 900.0, "low": 86_400.0})


def values(instruments: Instruments, start: str) -> dict[str, float]:
    """Return the values of all series that begin with a name, by the rest of their line's beginning."""
    lines = b"".join(lines for _, lines in instruments.families()).decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if line.startswith(start))
    return {series.removeprefix(start): float(value) for series, _, value in pairs}


def response_buckets(instruments: Instruments, severity_code: str) -> dict[str, float]:
    """Return the cumulative counts of first responses, by upper bound."""
    end = f'",severity_code="{severity_code}"}}'
    found = values(instruments, 'aws_support_first_response_seconds_bucket{le="')
    return {series.removesuffix(end): count for series, count in found.items() if series.endswith(end)}


def test_requests_are_counted_by_operation_and_failures_by_reason(instruments: Instruments) -> None:
    instruments.request_ended("DescribeCases", 0.15, None)
    instruments.request_ended("DescribeCases", 30.0, Reason.TIMEOUT)
    instruments.request_ended("AssumeRole", 0.05, None)

    assert values(instruments, "aws_support_api_requests_total") == {
        '{operation="DescribeCases"}': 2,
        '{operation="AssumeRole"}': 1,
    }
    assert values(instruments, "aws_support_api_errors_total") == {'{operation="DescribeCases",reason="timeout"}': 1}
    assert values(instruments, "aws_support_api_request_duration_seconds_sum") == {
        '{operation="DescribeCases"}': 30.15,
        '{operation="AssumeRole"}': 0.05,
    }
    start = 'aws_support_api_request_duration_seconds_bucket{le="'
    assert values(instruments, start)['0.05",operation="AssumeRole"}'] == 1


def test_a_first_response_is_in_the_bucket_of_its_target_when_it_came_in_time(instruments: Instruments) -> None:
    for seconds in (300.0, 900.0, 900.1, 1e9):
        instruments.changes_seen(Changes(first_responses=(("critical", seconds),)))

    found = response_buckets(instruments, "critical")
    assert (found["300.0"], found["900.0"], found["1800.0"], found["604800.0"], found["+Inf"]) == (1, 2, 3, 3, 4)
    assert values(instruments, 'aws_support_first_response_seconds_count{severity_code="critical"}') == {"": 4}
    total = values(instruments, 'aws_support_first_response_seconds_sum{severity_code="critical"}')
    assert total == {"": pytest.approx(1e9 + 2100.1)}


def test_severities_are_there_before_anything_happened(instruments: Instruments) -> None:
    for severity_code in ("low", "normal", "high", "urgent", "critical"):
        assert set(response_buckets(instruments, severity_code).values()) == {0}
        assert values(instruments, f'aws_support_case_open_duration_seconds_count{{severity_code="{severity_code}"}}') == {
            "": 0
        }


def test_an_answer_from_before_its_case_by_a_clock_that_is_ahead_takes_nothing_from_the_sum(instruments: Instruments) -> None:
    instruments.changes_seen(Changes(first_responses=(("low", 60.0), ("low", -60.0))))

    assert values(instruments, 'aws_support_first_response_seconds_sum{severity_code="low"}') == {"": 60}
    assert response_buckets(instruments, "low")["300.0"] == 2


def test_another_target_adds_a_bucket_and_takes_nothing_away(instruments: Instruments) -> None:
    instruments.changes_seen(Changes(first_responses=(("critical", 60.0), ("critical", 700.0))))
    before = response_buckets(instruments, "critical")
    instruments.aim_at({"critical": 600.0})
    after = response_buckets(instruments, "critical")
    instruments.changes_seen(Changes(first_responses=(("critical", 600.0),)))

    assert after.pop("600.0") == 1, "it begins with what is in the one below: less than it could be, never more"
    assert after == before
    assert response_buckets(instruments, "critical")["600.0"] == 2
    assert list(after) == sorted(after, key=float)


def test_how_long_a_case_was_open_is_counted_by_severity(instruments: Instruments) -> None:
    instruments.changes_seen(Changes(open_durations=(("high", 3600.0), ("high", 86_400.0))))

    start = 'aws_support_case_open_duration_seconds_bucket{le="'
    found = values(instruments, start)
    assert found['3600.0",severity_code="high"}'] == 1
    assert found['86400.0",severity_code="high"}'] == 2
