import pytest

from exporter.cases.changes import Changes
from exporter.cases.events import Event, Ignored
from exporter.cases.model import Author, Reason
from exporter.metrics.exposition import encode_page
from exporter.metrics.instrumentation import Instrumentation
from tests.support.page import plain


@pytest.fixture
def instrumentation() -> Instrumentation:
    return Instrumentation([600.0])


def values(instrumentation: Instrumentation, start: str) -> dict[str, float]:
    """Return the values of all series that begin with a name, by the rest of their line's beginning."""
    lines = plain(encode_page(instrumentation.encode())).splitlines()
    pairs = (line.removeprefix("aws_support_").rpartition(" ") for line in lines)
    return {series.removeprefix(start): float(value) for series, _, value in pairs if series.startswith(start)}


def test_requests_are_counted_by_operation_and_failures_by_reason(instrumentation: Instrumentation) -> None:
    instrumentation.request_ended("DescribeCases", 0.15, None)
    instrumentation.request_ended("DescribeCases", 30.0, Reason.TIMEOUT)
    instrumentation.request_ended("AssumeRole", 0.05, None)
    instrumentation.request_ended("ReceiveMessage", 15.0, None)

    assert values(instrumentation, "api_requests_total") == {
        '{operation="DescribeCases"}': 2,
        '{operation="AssumeRole"}': 1,
        '{operation="ReceiveMessage"}': 1,
    }
    assert values(instrumentation, "api_errors_total") == {'{operation="DescribeCases",reason="timeout"}': 1}
    assert values(instrumentation, "api_request_duration_seconds_sum") == {
        '{operation="DescribeCases"}': 30.15,
        '{operation="AssumeRole"}': 0.05,
    }, "a long poll is not slow"
    assert values(instrumentation, "api_request_duration_seconds_bucket")['{operation="AssumeRole",le="0.05"}'] == 1


def test_a_first_response_is_in_the_bucket_of_its_target_when_it_came_in_time(instrumentation: Instrumentation) -> None:
    """Every plan's targets are buckets, and configured ones, such as ten minutes."""
    for seconds in (300.0, 900.0, 900.1, 1e9):
        instrumentation.changes_seen(Changes(first_responses=(("critical", seconds),)))
    found = values(instrumentation, 'first_response_seconds_bucket{severity_code="critical",le="')
    targets = (300, 600, 900, 1800, 3600, 4 * 3600, 12 * 3600, 24 * 3600)
    assert [found[f'{float(target)}"}}'] for target in targets] == [1, 1, 2, 3, 3, 3, 3, 3]
    assert found['+Inf"}'] == 4
    assert values(instrumentation, 'first_response_seconds_sum{severity_code="critical"}')[""] == pytest.approx(1e9 + 2100.1)


def test_a_reply_is_counted_by_severity_and_author(instrumentation: Instrumentation) -> None:
    instrumentation.changes_seen(Changes(replies=(("high", Author.AWS, 60.0), ("high", Author.CUSTOMER, 61.0))))
    found = values(instrumentation, 'reply_seconds_bucket{severity_code="high",author="')
    assert [found[f'{author}",le="60.0"}}'] for author in ("aws", "customer")] == [1, 0]


def test_nothing_is_shown_of_events_until_they_are_expected(instrumentation: Instrumentation) -> None:
    instrumentation.changes_seen(Changes(case_ids=frozenset({"1"})))
    instrumentation.event_shown(1.0)
    for start in ("event", "changes_seen"):
        assert values(instrumentation, start) == {}
    instrumentation.expect_events()
    instrumentation.changes_seen(Changes(case_ids=frozenset({"1", "2", "3"})), {"2", "4"})
    assert values(instrumentation, "changes_seen_total") == {'{by="event"}': 1, '{by="poll"}': 2}
    for content in (Event("1", "ResolveCase"), Event("1", "AddCommunicationToCase", "aws"), Event("1"), *Ignored):
        instrumentation.message_received(content)
    assert values(instrumentation, "events_received_total") == {
        '{event_name="CreateCase",origin=""}': 0,
        '{event_name="AddCommunicationToCase",origin="aws"}': 1,
        '{event_name="AddCommunicationToCase",origin="customer"}': 0,
        '{event_name="ResolveCase",origin=""}': 1,
        '{event_name="ReopenCase",origin=""}': 0,
        '{event_name="other",origin=""}': 1,
    }
    assert values(instrumentation, "events_ignored_total") == {f'{{reason="{reason}"}}': 1 for reason in Ignored}
    instrumentation.event_shown(1.5)
    assert values(instrumentation, "event_delay_seconds_sum") == {"": 1.5}
