"""The catalogue: every metric once, with its name, type, HELP and labels.

Families, documentation and the check of a rendered page are made from it. A new metric is a new entry here and a value
in `exporter.metrics.families`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from types import MappingProxyType


class Kind(StrEnum):
    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


_UNITS = ("seconds", "bytes")


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """One entry of the catalogue; each exists once, and is only ever equal to itself."""

    name: str  # as queried; a counter's ends in `_total`
    kind: Kind
    labels: tuple[str, ...]
    help: str
    presence: str = "always"  # when it has samples, for the documentation
    optional: tuple[str, ...] = ()  # labels that it has only when they are configured

    @property
    def family(self) -> str:
        """The name of the family in OpenMetrics: a counter's has no `_total`."""
        return self.name.removesuffix("_total") if self.kind is Kind.COUNTER else self.name


def unit_of(family: str) -> str:
    """Return the unit that the name of a family ends in; empty for counts and booleans."""
    return next((unit for unit in _UNITS if family.endswith(f"_{unit}")), "")


def _metric(
    kind: Kind, name: str, labels: tuple[str, ...], text: str, presence: str = "always", optional: tuple[str, ...] = ()
) -> Metric:
    return Metric(f"aws_support_{name}", kind, labels, text, presence, optional)


_gauge, _counter, _histogram = (partial(_metric, kind) for kind in (Kind.GAUGE, Kind.COUNTER, Kind.HISTOGRAM))

ACCOUNT = ("account_id", "account_name", "region")
_SEVERITY = (*ACCOUNT, "severity_code")
_CASE = (*ACCOUNT, "display_id")
_GROUP = (*ACCOUNT, "status", "severity_code", "service_code", "last_author", "waiting_on")
_READ = "for accounts polled successfully within poll.max_staleness"
_POLLED = "after the first successful poll"
_SEVERITIES = "all five documented severities, others when seen"
_ZERO, _COUNTED, _ALWAYS = (f"{when}; {_SEVERITIES}" for when in (_READ, _POLLED, "always"))
_IF_ANY = f"{_READ}; absent when there is no such case"
_GROUPS = f"{_READ}; only groups that hold a case"

_EVENTS = "with events"
_STORED = "with --storage.path"
_OPT_IN = "with metrics.cases.enabled, for at most metrics.cases.limit cases per account, oldest first"

CASE_METRICS: tuple[Metric, ...] = (
    OPEN_CASES := _gauge("open_cases", _GROUP, "Number of open cases.", _GROUPS),
    LATEST_COMMUNICATION_AGE := _gauge(
        "latest_communication_age_seconds",
        _GROUP,
        "Longest time since the latest communication on a case of the group.",
        _GROUPS,
    ),
    LATEST_COMMUNICATION_TIMESTAMP := _gauge(
        "latest_communication_timestamp_seconds",
        (*_SEVERITY, "last_author", "waiting_on"),
        "Unix time of the latest communication on the case that has been quiet longest.",
        _IF_ANY,
    ),
    OLDEST_WAITING_SINCE := _gauge(
        "oldest_waiting_since_timestamp_seconds",
        (*_SEVERITY, "waiting_on"),
        "Unix time of the earliest unanswered message on the case that has waited longest.",
        _IF_ANY,
    ),
    OLDEST_OPEN_CASE := _gauge(
        "oldest_open_case_created_timestamp_seconds", _SEVERITY, "Unix creation time of the oldest open case.", _IF_ANY
    ),
    ACCOUNT_OPEN_CASES := _gauge(
        "account_open_cases", _SEVERITY, "Number of open cases of the account, including zero.", _ZERO
    ),
    UNANSWERED_CASES := _gauge(
        "unanswered_cases",
        _SEVERITY,
        "Number of open customer cases without a message from AWS, including reopened and exempt ones.",
        _ZERO,
    ),
    OLDEST_UNANSWERED_CASE := _gauge(
        "oldest_unanswered_case_created_timestamp_seconds",
        _SEVERITY,
        "Unix creation time of the oldest unanswered case that has a first-response target.",
        _IF_ANY,
    ),
    FIRST_RESPONSE_OVERDUE := _gauge(
        "first_response_overdue_cases", _SEVERITY, "Number of unanswered cases past their first-response target.", _ZERO
    ),
    FIRST_RESPONSES := _counter(
        "first_responses_total",
        (*_SEVERITY, "outcome"),
        "Total number of cases that met or missed their first-response target.",
        _COUNTED,
    ),
    CASES_OPENED := _counter("cases_opened_total", (*_SEVERITY, "opened_by"), "Total number of cases opened.", _COUNTED),
    CASES_RESOLVED := _counter("cases_resolved_total", _SEVERITY, "Total number of cases resolved.", _COUNTED),
    CASES_REOPENED := _counter("cases_reopened_total", _SEVERITY, "Total number of cases reopened.", _COUNTED),
    COMMUNICATIONS := _counter(
        "communications_total", (*ACCOUNT, "author"), "Total number of communications on cases, by author.", _POLLED
    ),
    CASE_INFO := _gauge(
        "case_info",
        (*_CASE, "status", "severity_code", "service_code", "category_code", "language", "last_author", "waiting_on"),
        "Information about an open case.",
        _OPT_IN,
        optional=("subject",),
    ),
    CASE_CREATED := _gauge("case_created_timestamp_seconds", _CASE, "Unix creation time of the case.", _OPT_IN),
    CASE_LATEST_COMMUNICATION := _gauge(
        "case_latest_communication_timestamp_seconds",
        _CASE,
        "Unix time of the latest communication on the case, or its creation time if there is none.",
        _OPT_IN,
    ),
    CASE_SERIES_DROPPED := _gauge(
        "case_series_dropped",
        ACCOUNT,
        "Number of open cases without per-case series because of metrics.cases.limit.",
        f"with metrics.cases.enabled, {_READ}",
    ),
)
"""Metrics of one account's cases, in the order of the page."""

HEALTH_METRICS: tuple[Metric, ...] = (
    ACCOUNT_INFO := _gauge(
        "account_info",
        (*ACCOUNT, "partition", "organization", "plan", "organizational_unit"),
        "Information about a monitored account, with its labels and account tags as label_*.",
        optional=("label_*",),
    ),
    FIRST_RESPONSE_TARGET := _gauge(
        "first_response_target_seconds",
        _SEVERITY,
        "First-response target, from the creation of a case.",
        "for severities that have a target",
    ),
    ACCOUNT_UP := _gauge("account_up", ACCOUNT, "Whether the last poll of the account succeeded.", "after the first poll"),
    ACCOUNT_SUPPORTED := _gauge(
        "account_supported", ACCOUNT, "Whether the account's support plan includes the AWS Support API.", "once known"
    ),
    ACCOUNT_LAST_SUCCESS := _gauge(
        "account_last_success_timestamp_seconds", ACCOUNT, "Unix time of the last successful poll of the account.", _POLLED
    ),
    ACCOUNT_POLL_DURATION := _gauge(
        "account_poll_duration_seconds", ACCOUNT, "Duration of the last poll of the account.", "after the first poll"
    ),
    ACCOUNT_POLL_ERRORS := _counter(
        "account_poll_errors_total",
        (*ACCOUNT, "reason"),
        "Total number of failed polls of the account, by reason.",
        "after the first such failure",
    ),
    ACCOUNT_FAILURE := _gauge(
        "account_failure_info",
        (*ACCOUNT, "reason"),
        "Failure reason of the last poll of the account.",
        "while the last poll has failed",
    ),
)
"""Metrics of the polling of one account, in the order of the page."""

EXPORTER_METRICS: tuple[Metric, ...] = (
    ACCOUNTS := _gauge(
        "accounts",
        ("state",),
        "Number of accounts by state: pending, ok, failing, stale, unsupported.",
        "always, all five states",
    ),
    ORGANIZATION_UP := _gauge(
        "organization_up",
        ("organization",),
        "Whether the last listing of the organization's accounts succeeded.",
        "after the first attempt; without configured accounts and organizations, organization is empty: "
        "whether the last lookup of the exporter's own account succeeded",
    ),
    ORGANIZATION_LAST_SUCCESS := _gauge(
        "organization_last_success_timestamp_seconds",
        ("organization",),
        "Unix time of the last successful listing of the organization's accounts.",
        "after the first success",
    ),
    ORGANIZATION_ACCOUNTS := _gauge(
        "organization_accounts",
        ("organization",),
        "Number of selected accounts in the organization, on all shards.",
        "once known",
    ),
    BUILD_INFO := _gauge(
        "exporter_build_info", ("version", "revision", "pythonversion"), "Version, revision and Python version of the exporter."
    ),
    CONFIG_RELOAD_SUCCESSFUL := _gauge(
        "exporter_config_last_reload_successful", (), "Whether the last configuration reload succeeded."
    ),
    CONFIG_RELOAD_SUCCESS := _gauge(
        "exporter_config_last_reload_success_timestamp_seconds", (), "Unix time of the last successful configuration reload."
    ),
    POLL_INTERVAL := _gauge("exporter_poll_interval_seconds", (), "Configured interval between two polls of an account."),
    MAX_STALENESS := _gauge("exporter_max_staleness_seconds", (), "Configured maximum age of the cases of a failing account."),
    PAGE_TIMESTAMP := _gauge("exporter_page_timestamp_seconds", (), "Unix time at which this page was rendered."),
    RENDER_DURATION := _gauge(
        "exporter_render_duration_seconds", (), "Duration of rendering the previous page.", "from the second page"
    ),
    SHARD := _gauge(
        "exporter_shard",
        ("ordinal", "total"),
        "Shard ordinal of this exporter and total number of shards, as labels.",
        "when sharded",
    ),
    SHARDS := _gauge("exporter_shards", (), "Total number of shards.", "when sharded"),
    EVENT_QUEUE_UP := _gauge("event_queue_up", (), "Whether the last request to the event queue succeeded.", _EVENTS),
    QUEUE_RECEIVED := _gauge(
        "event_queue_last_receive_timestamp_seconds", (), "Unix time of the last successful receive.", _EVENTS
    ),
    STATE_WRITE_ERRORS := _counter("exporter_state_write_errors_total", (), "Total number of failed state writes.", _STORED),
    STATE_WRITTEN := _gauge("exporter_state_last_write_timestamp_seconds", (), "Unix time of the last state write.", _STORED),
)
"""Metrics of the fleet and of the exporter itself, in the order of the page."""

INSTRUMENTS: tuple[Metric, ...] = (
    FIRST_RESPONSE := _histogram(
        "first_response_seconds",
        ("severity_code",),
        "Time from the creation of a case to the first response from AWS.",
        _ALWAYS,
    ),
    CASE_OPEN_DURATION := _histogram(
        "case_open_duration_seconds",
        ("severity_code",),
        "Time a resolved case was open, until its latest communication or the last poll that saw it open, whichever is later.",
        _ALWAYS,
    ),
    REPLY := _histogram(
        "reply_seconds",
        ("severity_code", "author"),
        "Time to answer the other side's earliest unanswered message, excluding AWS's first response.",
        _ALWAYS,
    ),
    API_REQUESTS := _counter(
        "api_requests_total",
        ("operation",),
        "Total number of requests sent to AWS, including retries.",
        "after the first such request",
    ),
    API_ERRORS := _counter(
        "api_errors_total",
        ("operation", "reason"),
        "Total number of failed requests to AWS, by reason, including retries.",
        "after the first such failure",
    ),
    API_REQUEST_DURATION := _histogram(
        "api_request_duration_seconds",
        ("operation",),
        "Duration of requests to AWS until the response is read, excluding ReceiveMessage.",
        "after the first such request",
    ),
    EVENTS_RECEIVED := _counter("events_received_total", ("event_name", "origin"), "Total number of events received.", _EVENTS),
    EVENTS_IGNORED := _counter("events_ignored_total", ("reason",), "Total number of messages ignored, by reason.", _EVENTS),
    CHANGES_SEEN := _counter(
        "changes_seen_total", ("by",), "Total number of changed cases, by what detected the change.", _EVENTS
    ),
    EVENT_DELAY := _histogram("event_delay_seconds", (), "Time from an event to the page that shows its poll.", _EVENTS),
)
"""Self-instrumentation, in the order of the page."""

ACCOUNT_METRICS: tuple[Metric, ...] = (*CASE_METRICS, *HEALTH_METRICS)
"""Metrics with one account's labels, in the order of the page."""

CATALOG: Mapping[str, Metric] = MappingProxyType({m.name: m for m in (*ACCOUNT_METRICS, *EXPORTER_METRICS, *INSTRUMENTS)})
