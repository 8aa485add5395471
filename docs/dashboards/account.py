"""The dashboard of one account, down to its single cases where they have series of their own."""

from docs.dashboards import model, queries, shared
from docs.dashboards.colors import BAD, OK_OR_FAILED, QUIET, WARN, Json, steps
from docs.dashboards.panels import (
    Column,
    Query,
    count_column,
    duration_column,
    severity_column,
    stat,
    table,
    timeseries,
    turn_column,
)

_DAY = 86400.0
_OFF = "No open cases, or per-case series are disabled: enable them with metrics.cases.enabled: true"
_CONSOLES = (("aws-cn", "console.amazonaws.cn"), ("aws-us-gov", "console.amazonaws-us-gov.com"))
_ELSEWHERE = "support.console.aws.amazon.com"


def account() -> Json:
    """Return the dashboard."""
    return model.dashboard(
        "aws-support-account",
        "AWS Support / Account",
        "The AWS Support cases of one account: each open case with a link to the Support Center, and the history of cases.",
        model.variables(several=False, cases=True),
        [
            (
                "",
                [
                    (4, [(24, _about())]),
                    (4, _now()),
                    (8, [(10, shared.by_severity()), (7, shared.turn_over_time()), (7, shared.services())]),
                ],
            ),
            ("Open cases", [(8, [(24, _groups())]), (12, [(24, _cases())])]),
            ("Flow and polls", [(8, [(8, shared.flow()), (8, shared.missed()), (8, _failures())])]),
        ],
        since="now-7d",
        refresh="5m",
    )


def _now() -> list[tuple[int, Json]]:
    oldest = f"min(aws_support_oldest_open_case_created_timestamp_seconds{{{queries.SEVERITY}}})"
    panels = [
        stat("Open cases", "Open cases of the account.", Query(queries.open_cases())),
        *shared.unanswered_and_turns(),
        stat(
            "Oldest case",
            f"Age of the oldest open case.{shared.NOT_BY_SERVICE}",
            Query(f"time() - {oldest} or {queries.none_of_them()}"),
            unit="s",
            decimals=1,
        ),
        shared.quiet_longest(),
        stat(
            "Last poll",
            "Whether the last poll of the account succeeded. Cases are as of the last successful poll.",
            Query(f"max(aws_support_account_up{{{queries.ACCOUNT}}})"),
            thresholds=steps(base=QUIET),
            mappings=[OK_OR_FAILED],
        ),
    ]
    return [(3, panel) for panel in panels]


def _cases() -> Json:
    labels = "account_id, display_id, status, severity_code, service_code, category_code, waiting_on"
    info = f"max by ({labels}) (aws_support_case_info{{{queries.GROUP}}})"
    hosts = f"max by (account_id, partition) (aws_support_account_info{{{queries.ACCOUNT}}})"
    host = f'label_replace({hosts}, "console", "{_ELSEWHERE}", "", "")'
    for partition, console in _CONSOLES:
        host = f'label_replace({host}, "console", "{console}", "partition", "{partition}")'
    named = f"{info} * on (account_id) group_left (console) {host}"

    def since(moment: str) -> str:
        at = f"max by (account_id, display_id) (aws_support_case_{moment}_timestamp_seconds{{{queries.ACCOUNT}}})"
        return f"{named} * on (account_id, display_id) group_left () (time() - {at})"

    case = "https://${__data.fields.console}/support/home#/case/?displayId=${__data.fields.display_id}"
    link = {"title": "Open in the Support Center", "url": case, "targetBlank": True}
    return table(
        "Cases",
        "The 50 open cases that have been quiet longest. Needs metrics.cases.enabled. The number opens the case in the Support "
        "Center, if your browser is logged in to its account.",
        Query(f"topk(50, {since('latest_communication')})"),
        Query(since("created")),
        columns=[
            Column("display_id", "Case", 170, {"links": [link]}),
            duration_column("Value #A", "Quiet for", (3 * _DAY, WARN), (7 * _DAY, BAD)),
            duration_column("Value #B", "Age"),
            severity_column(),
            turn_column(),
            Column("status", "Status", 190),
            Column("service_code", "Service"),
            Column("category_code", "Category", 190),
            Column("console", "Console", 10, {"custom__hidden": True}),
        ],
        hide=["account_id"],
        sort_by="Value #A",
        no_value=_OFF,
    )


def _groups() -> Json:
    labels = "severity_code, waiting_on, status, service_code"
    return table(
        "Groups of cases",
        "Open cases by severity, who they are waiting on, status and service: their number, and the longest "
        "time without a communication.",
        Query(f"topk(50, max by ({labels}) (aws_support_latest_communication_age_seconds{{{queries.GROUP}}}))"),
        Query(f"max by ({labels}) (sum by (job, instance, {labels}) (aws_support_open_cases{{{queries.GROUP}}}))"),
        columns=[
            duration_column("Value #A", "Quiet for", (3 * _DAY, WARN), (7 * _DAY, BAD)),
            count_column("Value #B", "Cases", 70),
            severity_column(),
            turn_column(),
            Column("service_code", "Service"),
            Column("status", "Status", 205),
        ],
        sort_by="Value #A",
        no_value="No open cases",
    )


def _failures() -> Json:
    errors = queries.total("aws_support_account_poll_errors_total", queries.ACCOUNT, by="reason", window="1h")
    none = f'label_replace(0 * max(aws_support_account_up{{{queries.ACCOUNT}}}), "reason", "none", "", "")'
    return timeseries(
        "Failed polls per hour",
        "Failed polls of the account in the past hour, by reason. Cases are as of the last successful poll.",
        Query(f"{errors} or on () {none}", "{{reason}}"),
        decimals=0,
    )


def _about() -> Json:
    return table(
        "About the account",
        "The account and its labels from the configuration.",
        Query(
            f"max without (instance, job, cluster) (topk by (account_id) (1, aws_support_account_info{{{queries.ACCOUNT}}}))"
        ),
        columns=[
            Column("account_name", "Account"),
            Column("account_id", "Account id"),
            Column("organization", "Organization"),
            Column("organizational_unit", "Organizational unit"),
            Column("plan", "Support plan"),
            Column("partition", "Partition"),
            Column("region", "Region"),
        ],
        hide=["Value", "endpoint", "namespace", "pod", "container", "service"],
    )
