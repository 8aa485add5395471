"""The catalogue: every metric once, with its name, type, HELP and labels.

Families, documentation and the check of a rendered page are made from it. A new metric is a new entry here and a value
in `exporter.metrics.families`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from exporter.metrics.metric import Kind, Metric

ACCOUNT = ("account_id", "account_name", "region")
_GROUP = (*ACCOUNT, "status", "severity_code", "service_code", "last_author")
_READ = "for accounts polled successfully within poll.max_staleness"
_ZERO = f"{_READ}; all five documented severities, others when seen"
_GROUPS = f"{_READ}; only groups that hold a case"

_OPT_IN = "with metrics.cases.enabled, for at most metrics.cases.limit cases of an account, oldest first"

OPEN_CASES = Metric("aws_support_open_cases", Kind.GAUGE, _GROUP, "Number of open cases.", _GROUPS)
LATEST_COMMUNICATION_AGE = Metric(
    "aws_support_latest_communication_age_seconds",
    Kind.GAUGE,
    _GROUP,
    "Time since the latest communication, of the case of the group that has been quiet longest.",
    _GROUPS,
)
LATEST_COMMUNICATION_TIMESTAMP = Metric(
    "aws_support_latest_communication_timestamp_seconds",
    Kind.GAUGE,
    (*ACCOUNT, "severity_code", "last_author"),
    "Unix time of the latest communication, of the case that has been quiet longest.",
    f"{_READ}; absent when there is no such case",
)
OLDEST_OPEN_CASE = Metric(
    "aws_support_oldest_open_case_created_timestamp_seconds",
    Kind.GAUGE,
    (*ACCOUNT, "severity_code"),
    "Unix creation time of the oldest open case.",
    f"{_READ}; absent when there is no such case",
)
ACCOUNT_OPEN_CASES = Metric(
    "aws_support_account_open_cases",
    Kind.GAUGE,
    (*ACCOUNT, "severity_code"),
    "Number of open cases of the account, including zero.",
    _ZERO,
)
UNANSWERED_CASES = Metric(
    "aws_support_unanswered_cases",
    Kind.GAUGE,
    (*ACCOUNT, "severity_code"),
    "Number of open cases without a first response from AWS.",
    _ZERO,
)
OLDEST_UNANSWERED_CASE = Metric(
    "aws_support_oldest_unanswered_case_created_timestamp_seconds",
    Kind.GAUGE,
    (*ACCOUNT, "severity_code"),
    "Unix creation time of the oldest open case without a first response from AWS.",
    f"{_READ}; absent when there is no such case",
)
FIRST_RESPONSE_OVERDUE = Metric(
    "aws_support_first_response_overdue_cases",
    Kind.GAUGE,
    (*ACCOUNT, "severity_code"),
    "Number of unanswered cases past their first-response target.",
    _ZERO,
)
FIRST_RESPONSE_BREACHES = Metric(
    "aws_support_first_response_breaches_total",
    Kind.COUNTER,
    (*ACCOUNT, "severity_code"),
    "Total number of cases that missed their first-response target.",
    _ZERO,
)
CASES_OPENED = Metric(
    "aws_support_cases_opened_total",
    Kind.COUNTER,
    (*ACCOUNT, "severity_code"),
    "Total number of cases opened.",
    _ZERO,
)
CASES_RESOLVED = Metric(
    "aws_support_cases_resolved_total",
    Kind.COUNTER,
    (*ACCOUNT, "severity_code"),
    "Total number of cases resolved.",
    _ZERO,
)
CASES_REOPENED = Metric(
    "aws_support_cases_reopened_total",
    Kind.COUNTER,
    (*ACCOUNT, "severity_code"),
    "Total number of cases reopened.",
    _ZERO,
)
CASE_INFO = Metric(
    "aws_support_case_info",
    Kind.GAUGE,
    (*ACCOUNT, "display_id", "status", "severity_code", "service_code", "category_code", "language", "last_author"),
    "Information about an open case.",
    _OPT_IN,
    optional=("subject",),
)
CASE_CREATED = Metric(
    "aws_support_case_created_timestamp_seconds",
    Kind.GAUGE,
    (*ACCOUNT, "display_id"),
    "Unix creation time of the case.",
    _OPT_IN,
)
CASE_LATEST_COMMUNICATION = Metric(
    "aws_support_case_latest_communication_timestamp_seconds",
    Kind.GAUGE,
    (*ACCOUNT, "display_id"),
    "Unix time of the latest communication on the case, or its creation time if there is none.",
    _OPT_IN,
)
CASE_SERIES_DROPPED = Metric(
    "aws_support_case_series_dropped",
    Kind.GAUGE,
    ACCOUNT,
    "Number of open cases without per-case series because of metrics.cases.limit.",
    f"with metrics.cases.enabled, {_READ}",
)
ACCOUNT_INFO = Metric(
    "aws_support_account_info",
    Kind.GAUGE,
    (*ACCOUNT, "partition", "organization"),
    "Information about a monitored account, its labels from the configuration as label_*.",
    optional=("label_*",),
)
ACCOUNT_UP = Metric(
    "aws_support_account_up", Kind.GAUGE, ACCOUNT, "Whether the last poll of the account succeeded.", "after the first poll"
)
ACCOUNT_SUPPORTED = Metric(
    "aws_support_account_supported",
    Kind.GAUGE,
    ACCOUNT,
    "Whether the account's support plan includes the AWS Support API.",
    "once known",
)
ACCOUNT_LAST_SUCCESS = Metric(
    "aws_support_account_last_success_timestamp_seconds",
    Kind.GAUGE,
    ACCOUNT,
    "Unix time of the last successful poll of the account.",
    "after the first successful poll",
)
ACCOUNT_POLL_DURATION = Metric(
    "aws_support_account_poll_duration_seconds",
    Kind.GAUGE,
    ACCOUNT,
    "Duration of the last poll of the account.",
    "after the first poll",
)
ACCOUNT_POLL_ERRORS = Metric(
    "aws_support_account_poll_errors_total",
    Kind.COUNTER,
    (*ACCOUNT, "reason"),
    "Total number of failed polls of the account, by reason.",
    "after the first such failure",
)
ACCOUNT_FAILURE = Metric(
    "aws_support_account_failure_info",
    Kind.GAUGE,
    (*ACCOUNT, "reason"),
    "Failure reason of the last poll of the account.",
    "while the last poll has failed",
)
ACCOUNTS = Metric(
    "aws_support_accounts",
    Kind.GAUGE,
    ("state",),
    "Number of accounts by state: pending, ok, failing, stale, unsupported.",
    "always, all five states",
)
API_REQUESTS = Metric(
    "aws_support_api_requests_total",
    Kind.COUNTER,
    ("operation",),
    "Total number of requests sent to AWS, including retries.",
    "after the first such request",
)
API_ERRORS = Metric(
    "aws_support_api_errors_total",
    Kind.COUNTER,
    ("operation", "reason"),
    "Total number of failed requests to AWS, by reason, including retries.",
    "after the first such failure",
)
API_REQUEST_DURATION = Metric(
    "aws_support_api_request_duration_seconds",
    Kind.HISTOGRAM,
    ("operation",),
    "Duration of requests to AWS until the response was read.",
    "after the first such request",
)
FIRST_RESPONSE_TARGET = Metric(
    "aws_support_first_response_target_seconds",
    Kind.GAUGE,
    ("severity_code",),
    "Configured time from the creation of a case within which AWS should respond.",
)
FIRST_RESPONSE = Metric(
    "aws_support_first_response_seconds",
    Kind.HISTOGRAM,
    ("severity_code",),
    "Time from the creation of a case to the first response from AWS.",
    "always; all five documented severities, others when seen",
)
CASE_OPEN_DURATION = Metric(
    "aws_support_case_open_duration_seconds",
    Kind.HISTOGRAM,
    ("severity_code",),
    "Time from the creation of a case to its resolution, observed when a case is resolved.",
    "always; all five documented severities, others when seen",
)
ORGANIZATION_UP = Metric(
    "aws_support_organization_up",
    Kind.GAUGE,
    ("organization",),
    "Whether the last listing of the organization's accounts succeeded.",
    "after the first attempt; organization is empty where neither accounts nor organizations are configured: "
    "whether the last lookup of the exporter's own account succeeded",
)
ORGANIZATION_LAST_SUCCESS = Metric(
    "aws_support_organization_last_success_timestamp_seconds",
    Kind.GAUGE,
    ("organization",),
    "Unix time of the last successful listing of the organization's accounts.",
    "after the first success",
)
SHARD = Metric(
    "aws_support_exporter_shard",
    Kind.GAUGE,
    ("ordinal", "total"),
    "Shard ordinal of this exporter and total number of shards, as labels.",
    "when sharded",
)
SHARDS = Metric("aws_support_exporter_shards", Kind.GAUGE, (), "Total number of shards.", "when sharded")
CONFIG_RELOAD_SUCCESSFUL = Metric(
    "aws_support_exporter_config_last_reload_successful",
    Kind.GAUGE,
    (),
    "Whether the last configuration reload succeeded.",
)
CONFIG_RELOAD_SUCCESS = Metric(
    "aws_support_exporter_config_last_reload_success_timestamp_seconds",
    Kind.GAUGE,
    (),
    "Unix time of the last successful configuration reload.",
)
PAGE_TIMESTAMP = Metric(
    "aws_support_exporter_page_timestamp_seconds",
    Kind.GAUGE,
    (),
    "Unix time at which this page was rendered, at most 15 seconds ago.",
)
BUILD_INFO = Metric(
    "aws_support_exporter_build_info",
    Kind.GAUGE,
    ("version", "revision", "pythonversion"),
    "Version, revision and Python version of the exporter.",
)
RENDER_DURATION = Metric(
    "aws_support_exporter_render_duration_seconds",
    Kind.GAUGE,
    (),
    "Duration of the rendering of the previous page.",
    "from the second page",
)

CASE_METRICS: tuple[Metric, ...] = (
    OPEN_CASES,
    LATEST_COMMUNICATION_AGE,
    LATEST_COMMUNICATION_TIMESTAMP,
    OLDEST_OPEN_CASE,
    ACCOUNT_OPEN_CASES,
    UNANSWERED_CASES,
    OLDEST_UNANSWERED_CASE,
    FIRST_RESPONSE_OVERDUE,
    FIRST_RESPONSE_BREACHES,
    CASES_OPENED,
    CASES_RESOLVED,
    CASES_REOPENED,
    CASE_INFO,
    CASE_CREATED,
    CASE_LATEST_COMMUNICATION,
    CASE_SERIES_DROPPED,
)
"""Metrics of one account's cases, in the order of the page."""

HEALTH_METRICS: tuple[Metric, ...] = (
    ACCOUNT_INFO,
    ACCOUNT_UP,
    ACCOUNT_SUPPORTED,
    ACCOUNT_LAST_SUCCESS,
    ACCOUNT_POLL_DURATION,
    ACCOUNT_POLL_ERRORS,
    ACCOUNT_FAILURE,
)
"""Metrics of the polling of one account, in the order of the page."""

ACCOUNT_METRICS: tuple[Metric, ...] = (*CASE_METRICS, *HEALTH_METRICS)
"""Metrics with one account's labels, in the order of the page."""

EXPORTER_METRICS: tuple[Metric, ...] = (
    ACCOUNTS,
    FIRST_RESPONSE_TARGET,
    ORGANIZATION_UP,
    ORGANIZATION_LAST_SUCCESS,
    BUILD_INFO,
    CONFIG_RELOAD_SUCCESSFUL,
    CONFIG_RELOAD_SUCCESS,
    PAGE_TIMESTAMP,
    RENDER_DURATION,
    SHARD,
    SHARDS,
)
"""Metrics of the fleet as a whole and of the exporter itself, in the order of the page."""

INSTRUMENTS: tuple[Metric, ...] = (FIRST_RESPONSE, CASE_OPEN_DURATION, API_REQUESTS, API_ERRORS, API_REQUEST_DURATION)
"""Self-instrumentation, in the order of the page."""

CATALOG: Mapping[str, Metric] = MappingProxyType({m.name: m for m in (*ACCOUNT_METRICS, *EXPORTER_METRICS, *INSTRUMENTS)})
