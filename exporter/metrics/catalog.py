"""The catalogue: every metric once, with its name, type, HELP and labels.

Families, documentation and the check of a rendered page are made from it. A new metric is a new entry here and a value
in `exporter.metrics.families`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from exporter.metrics.metric import Kind, Metric

ACCOUNT = ("account_id", "account_name", "region")
_GROUP = (*ACCOUNT, "status", "severity_code", "service_code", "last_author")
_AS_OF = "as of the account's last successful poll"
_READ = "for accounts read successfully within poll.max_staleness"
_ZERO = f"{_READ}; all five documented severities, any other when seen"
_GROUPS = f"{_READ}; only groups that hold a case"

_OPT_IN = "with metrics.cases.enabled, for at most metrics.cases.limit cases of an account, oldest first"

OPEN_CASES = Metric("aws_support_open_cases", Kind.GAUGE, _GROUP, f"Cases that are not resolved, {_AS_OF}.", _GROUPS)
LATEST_COMMUNICATION_AGE = Metric(
    "aws_support_latest_communication_age_seconds",
    Kind.GAUGE,
    _GROUP,
    f"Age of the latest communication on the case of the group that has been quiet longest, {_AS_OF}.",
    _GROUPS,
)
LATEST_COMMUNICATION_TIMESTAMP = Metric(
    "aws_support_latest_communication_timestamp_seconds",
    Kind.GAUGE,
    (*ACCOUNT, "severity_code", "last_author"),
    f"Unix time of the latest communication on the case that has been quiet longest, {_AS_OF}.",
    f"{_READ}; absent when there is no such case",
)
OLDEST_OPEN_CASE = Metric(
    "aws_support_oldest_open_case_created_timestamp_seconds",
    Kind.GAUGE,
    (*ACCOUNT, "severity_code"),
    f"Unix time at which the oldest open case was opened, {_AS_OF}.",
    f"{_READ}; absent when there is no such case",
)
ACCOUNT_OPEN_CASES = Metric(
    "aws_support_account_open_cases",
    Kind.GAUGE,
    (*ACCOUNT, "severity_code"),
    f"Cases of the account that are not resolved, zero included, {_AS_OF}.",
    _ZERO,
)
UNANSWERED_CASES = Metric(
    "aws_support_unanswered_cases",
    Kind.GAUGE,
    (*ACCOUNT, "severity_code"),
    f"Open cases without a communication from AWS yet, {_AS_OF}.",
    _ZERO,
)
OLDEST_UNANSWERED_CASE = Metric(
    "aws_support_oldest_unanswered_case_created_timestamp_seconds",
    Kind.GAUGE,
    (*ACCOUNT, "severity_code"),
    f"Unix time at which the oldest case without a communication from AWS was opened, {_AS_OF}.",
    f"{_READ}; absent when there is no such case",
)
FIRST_RESPONSE_OVERDUE = Metric(
    "aws_support_first_response_overdue_cases",
    Kind.GAUGE,
    (*ACCOUNT, "severity_code"),
    f"Unanswered cases that are older than the first-response target of their severity, unanswered {_AS_OF}.",
    _ZERO,
)
FIRST_RESPONSE_BREACHES = Metric(
    "aws_support_first_response_breaches_total",
    Kind.COUNTER,
    (*ACCOUNT, "severity_code"),
    f"Cases whose first-response target passed unanswered, or that were answered late, each once, {_AS_OF}.",
    _ZERO,
)
CASES_OPENED = Metric(
    "aws_support_cases_opened_total",
    Kind.COUNTER,
    (*ACCOUNT, "severity_code"),
    f"Cases that were seen to be opened between two successful polls, {_AS_OF}.",
    _ZERO,
)
CASES_RESOLVED = Metric(
    "aws_support_cases_resolved_total",
    Kind.COUNTER,
    (*ACCOUNT, "severity_code"),
    f"Cases that were seen to be resolved between two successful polls, {_AS_OF}.",
    _ZERO,
)
CASES_REOPENED = Metric(
    "aws_support_cases_reopened_total",
    Kind.COUNTER,
    (*ACCOUNT, "severity_code"),
    f"Cases that were seen to be open again between two successful polls, {_AS_OF}.",
    _ZERO,
)
CASE_INFO = Metric(
    "aws_support_case_info",
    Kind.GAUGE,
    (*ACCOUNT, "display_id", "status", "severity_code", "service_code", "category_code", "language", "last_author"),
    f"One open case; always 1, {_AS_OF}.",
    _OPT_IN,
    optional=("subject",),
)
CASE_CREATED = Metric(
    "aws_support_case_created_timestamp_seconds",
    Kind.GAUGE,
    (*ACCOUNT, "display_id"),
    f"Unix time at which the case was opened, {_AS_OF}.",
    _OPT_IN,
)
CASE_LATEST_COMMUNICATION = Metric(
    "aws_support_case_latest_communication_timestamp_seconds",
    Kind.GAUGE,
    (*ACCOUNT, "display_id"),
    f"Unix time of the latest communication on the case, or of its opening when there is none, {_AS_OF}.",
    _OPT_IN,
)
CASE_SERIES_DROPPED = Metric(
    "aws_support_case_series_dropped",
    Kind.GAUGE,
    ACCOUNT,
    f"Open cases without series of their own because of metrics.cases.limit, {_AS_OF}.",
    f"with metrics.cases.enabled, {_READ}",
)
ACCOUNT_INFO = Metric(
    "aws_support_account_info",
    Kind.GAUGE,
    (*ACCOUNT, "partition", "organization"),
    "The accounts that are read, with their labels from the configuration as label_*; always 1.",
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
    "How long the last poll of the account took.",
    "after the first poll",
)
ACCOUNT_POLL_ERRORS = Metric(
    "aws_support_account_poll_errors_total",
    Kind.COUNTER,
    (*ACCOUNT, "reason"),
    "Polls of the account that failed, by reason.",
    "after the first such failure",
)
ACCOUNT_FAILURE = Metric(
    "aws_support_account_failure_info",
    Kind.GAUGE,
    (*ACCOUNT, "reason"),
    "Why the last poll of the account failed; always 1.",
    "while the last poll is one that failed",
)
ACCOUNTS = Metric(
    "aws_support_accounts",
    Kind.GAUGE,
    ("state",),
    "Accounts by state: pending, ok, failing, stale, unsupported.",
    "always, all five states",
)
API_REQUESTS = Metric(
    "aws_support_api_requests_total",
    Kind.COUNTER,
    ("operation",),
    "Requests sent to AWS, retries included.",
    "after the first such request",
)
API_ERRORS = Metric(
    "aws_support_api_errors_total",
    Kind.COUNTER,
    ("operation", "reason"),
    "Requests to AWS that failed, by reason, retries included.",
    "after the first such failure",
)
API_REQUEST_DURATION = Metric(
    "aws_support_api_request_duration_seconds",
    Kind.HISTOGRAM,
    ("operation",),
    "How long requests to AWS took until their answer was read.",
    "after the first such request",
)
FIRST_RESPONSE_TARGET = Metric(
    "aws_support_first_response_target_seconds",
    Kind.GAUGE,
    ("severity_code",),
    "Time from the opening of a case within which AWS is to answer, as configured.",
)
FIRST_RESPONSE = Metric(
    "aws_support_first_response_seconds",
    Kind.HISTOGRAM,
    ("severity_code",),
    "Time from the opening of a case to AWS's first communication, observed once per case when it is seen to happen.",
    "always; all five documented severities, any other when seen",
)
CASE_OPEN_DURATION = Metric(
    "aws_support_case_open_duration_seconds",
    Kind.HISTOGRAM,
    ("severity_code",),
    "Time from the opening of a case to its resolution, observed when a case is seen to go.",
    "always; all five documented severities, any other when seen",
)
ORGANIZATION_UP = Metric(
    "aws_support_organization_up",
    Kind.GAUGE,
    ("organization",),
    "Whether the accounts of the organization could be listed the last time.",
    "after the first attempt; where neither accounts nor organizations are configured, without a name: "
    "whether the exporter's own account could be found",
)
ORGANIZATION_LAST_SUCCESS = Metric(
    "aws_support_organization_last_success_timestamp_seconds",
    Kind.GAUGE,
    ("organization",),
    "Unix time at which the accounts of the organization were last listed.",
    "after the first success",
)
SHARD = Metric(
    "aws_support_exporter_shard",
    Kind.GAUGE,
    ("ordinal", "total"),
    "Which share of the accounts this exporter reads; always 1.",
    "when sharded",
)
SHARDS = Metric("aws_support_exporter_shards", Kind.GAUGE, (), "How many exporters share the accounts.", "when sharded")
CONFIG_RELOAD_SUCCESSFUL = Metric(
    "aws_support_exporter_config_last_reload_successful",
    Kind.GAUGE,
    (),
    "Whether the configuration could be used when it was last read.",
)
CONFIG_RELOAD_SUCCESS = Metric(
    "aws_support_exporter_config_last_reload_success_timestamp_seconds",
    Kind.GAUGE,
    (),
    "Unix time at which the configuration that is in use was read.",
)
PAGE_TIMESTAMP = Metric(
    "aws_support_exporter_page_timestamp_seconds",
    Kind.GAUGE,
    (),
    "Unix time at which this page was made; a new one is made every 15 seconds at the latest.",
)
BUILD_INFO = Metric(
    "aws_support_exporter_build_info",
    Kind.GAUGE,
    ("version", "revision", "pythonversion"),
    "The exporter's version, source revision and Python version; always 1.",
)
RENDER_DURATION = Metric(
    "aws_support_exporter_render_duration_seconds",
    Kind.GAUGE,
    (),
    "How long it took to make the page before this one.",
    "from the second page on",
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
"""Metrics of how the reading of one account goes, in the order of the page."""

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
"""Metrics that are counted on the way, in the order of the page."""

CATALOG: Mapping[str, Metric] = MappingProxyType({m.name: m for m in (*ACCOUNT_METRICS, *EXPORTER_METRICS, *INSTRUMENTS)})
