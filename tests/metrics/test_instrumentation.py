import pytest

from exporter.cases.changes import Changes
from exporter.cases.events import Event, Ignored
from exporter.cases.model import Author, Reason
from exporter.metrics.exposition import encode_page
from exporter.metrics.instrumentation import Instrumentation
from tests.support.page import plain


@pytest.fixture
def instrumentation() -> Instrumentation:
    return Instrumentation([600.0, 86_400.0])


def values(instrumentation: Instrumentation, start: str) -> dict[str, float]:
    """Return the values of all series that begin with a name, by the rest of their line's beginning."""
    lines = plain(encode_page(instrumentation.encode())).splitlines()
    pairs = (line.rpartition(" ") for line in lines if line.startswith(start))
    return {series.removeprefix(start): float(value) for series, _, value in pairs}


def response_buckets(instrumentation: Instrumentation, severity_code: str) -> dict[str, float]:
    """Return the cumulative counts of first responses, by upper bound."""
    found = values(instrumentation, f'aws_support_first_response_seconds_bucket{{severity_code="{severity_code}",le="')
    return {series.removesuffix('"}'): count for series, count in found.items()}


def test_requests_are_counted_by_operation_and_failures_by_reason(instrumentation: Instrumentation) -> None:
    instrumentation.request_ended("DescribeCases", 0.15, None)
    instrumentation.request_ended("DescribeCases", 30.0, Reason.TIMEOUT)
    instrumentation.request_ended("AssumeRole", 0.05, None)
    instrumentation.request_ended("ReceiveMessage", 15.0, None)

    assert values(instrumentation, "aws_support_api_requests_total") == {
        '{operation="DescribeCases"}': 2,
        '{operation="AssumeRole"}': 1,
        '{operation="ReceiveMessage"}': 1,
    }
    assert values(instrumentation, "aws_support_api_errors_total") == {'{operation="DescribeCases",reason="timeout"}': 1}
    assert values(instrumentation, "aws_support_api_request_duration_seconds_sum") == {
        '{operation="DescribeCases"}': 30.15,
        '{operation="AssumeRole"}': 0.05,
    }, "a long poll is not slow"
    start = 'aws_support_api_request_duration_seconds_bucket{operation="AssumeRole",le="'
    assert values(instrumentation, start)['0.05"}'] == 1


def test_a_first_response_is_in_the_bucket_of_its_target_when_it_came_in_time(instrumentation: Instrumentation) -> None:
    for seconds in (300.0, 900.0, 900.1, 1e9):
        instrumentation.changes_seen(Changes(first_responses=(("critical", seconds),)))

    found = response_buckets(instrumentation, "critical")
    assert (found["300.0"], found["900.0"], found["1800.0"], found["604800.0"], found["+Inf"]) == (1, 2, 3, 3, 4)
    assert values(instrumentation, 'aws_support_first_response_seconds_count{severity_code="critical"}') == {"": 4}
    total = values(instrumentation, 'aws_support_first_response_seconds_sum{severity_code="critical"}')
    assert total == {"": pytest.approx(1e9 + 2100.1)}


def test_severities_are_there_before_anything_happened(instrumentation: Instrumentation) -> None:
    for severity_code in ("low", "normal", "high", "urgent", "critical"):
        assert set(response_buckets(instrumentation, severity_code).values()) == {0.0}
        for name in ("case_open_duration", "reply"):
            found = values(instrumentation, f"aws_support_{name}_seconds_count{{")
            assert {count for series, count in found.items() if f'severity_code="{severity_code}"' in series} == {0}


def test_every_plans_targets_and_the_configured_ones_are_buckets(instrumentation: Instrumentation) -> None:
    targets = [300, 600, 900, 1800, 3600, 4 * 3600, 12 * 3600, 24 * 3600]
    assert {float(target) for target in targets} <= {float(bound) for bound in response_buckets(instrumentation, "low")}


def test_a_reply_is_counted_by_severity_and_author(instrumentation: Instrumentation) -> None:
    instrumentation.changes_seen(Changes(replies=(("high", Author.AWS, 60.0), ("high", Author.CUSTOMER, 61.0))))
    found = values(instrumentation, 'aws_support_reply_seconds_bucket{severity_code="high",author="')
    assert {author: found[f'{author}",le="60.0"}}'] for author in Author} == {"aws": 1, "customer": 0}


def test_how_long_a_case_was_open_is_counted_by_severity(instrumentation: Instrumentation) -> None:
    instrumentation.changes_seen(Changes(open_durations=(("high", 3600.0), ("high", 86_400.0))))

    found = values(instrumentation, 'aws_support_case_open_duration_seconds_bucket{severity_code="high",le="')
    assert found['3600.0"}'] == 1
    assert found['86400.0"}'] == 2


def test_nothing_is_shown_of_events_until_they_are_expected(instrumentation: Instrumentation) -> None:
    instrumentation.changes_seen(Changes(case_ids=frozenset({"1"})))
    for start in ("aws_support_event", "aws_support_changes_seen"):
        assert values(instrumentation, start) == {}
    instrumentation.expect_events()
    instrumentation.changes_seen(Changes(case_ids=frozenset({"1", "2", "3"})), {"2", "4"})
    assert values(instrumentation, "aws_support_changes_seen_total") == {'{by="event"}': 1, '{by="poll"}': 2}
    for content in (Event("1", "ResolveCase"), Event("1", "AddCommunicationToCase", "aws"), Event("1"), *Ignored):
        instrumentation.message_received(content)
    received = values(instrumentation, "aws_support_events_received_total")
    assert {series for series, count in received.items() if count} == {
        '{event_name="ResolveCase",origin=""}',
        '{event_name="AddCommunicationToCase",origin="aws"}',
        '{event_name="other",origin=""}',
    }
    assert values(instrumentation, "aws_support_events_ignored_total") == {f'{{reason="{reason}"}}': 1 for reason in Ignored}
    instrumentation.event_shown(1.5)
    assert values(instrumentation, "aws_support_event_delay_seconds_sum") == {"": 1.5}


def test_without_a_queue_there_is_nothing_about_events(instrumentation: Instrumentation) -> None:
    instrumentation.event_shown(1.0)
    assert values(instrumentation, "aws_support_event") == {}
