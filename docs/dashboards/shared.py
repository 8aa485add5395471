"""Panels that the fleet's and the account's dashboard have in common."""

from docs.dashboards import queries
from docs.dashboards.colors import BAD, GOOD, SEVERITY, TURN, WARN, Json, by_name, fixed, steps
from docs.dashboards.panels import (
    HIDDEN_ACCOUNT,
    Column,
    Query,
    bargauge,
    count_column,
    duration_column,
    severity_column,
    stat,
    table,
    timeseries,
    turn_column,
)

_DAY = 86400.0
RESPONSES = "account_severity_outcome:aws_support_first_responses"
RECORDED = "Counted hour by hour, up to the last full hour, by a recording rule."
NOT_RECORDED = "Nothing recorded: needs an account with a support plan, and recording rules that are three hours old"
NOT_BY_SERVICE = " The service variable does not apply: this metric has no service label."


def unanswered_and_turns() -> list[Json]:
    """Return numbers for what AWS owes, and for who cases are waiting on."""
    return [
        stat(
            "Unanswered",
            f"Open cases without a first response from AWS.{NOT_BY_SERVICE}",
            Query(queries.total("aws_support_unanswered_cases", queries.SEVERITY)),
        ),
        stat(
            "Overdue",
            f"Unanswered cases past their first-response target.{NOT_BY_SERVICE}",
            Query(queries.total("aws_support_first_response_overdue_cases", queries.SEVERITY)),
            thresholds=steps((1, BAD)),
        ),
        stat(
            "Waiting on us",
            "Open cases waiting on us, by their status, or if AWS wrote last and the status does not tell.",
            Query(queries.waiting_on("customer")),
            color=fixed(TURN["customer"][1]),
        ),
        stat(
            "Waiting on AWS",
            "Open cases waiting on AWS. An interim update by AWS does not change that.",
            Query(queries.waiting_on("aws")),
            color=fixed(TURN["aws"][1]),
        ),
    ]


def quiet_longest() -> Json:
    """Return for how long the case has been quiet that has been quiet longest."""
    age = f"max(aws_support_latest_communication_age_seconds{{{queries.GROUP}}} {queries.CHOSEN})"
    return stat(
        "Quiet longest",
        "Time since the latest communication on the open case that has been quiet longest. Yellow from three days, red from a "
        "week.",
        Query(f"{age} or {queries.none_of_them()}"),
        unit="s",
        decimals=1,
        thresholds=steps((3 * _DAY, WARN), (7 * _DAY, BAD)),
    )


def by_severity() -> Json:
    """Return the history of open cases by severity."""
    counted = queries.over_time(queries.total(queries.OPEN_BEFORE, queries.SEVERITY, by="severity_code"))
    return timeseries(
        "Open cases by severity",
        f"Open cases by severity, the most severe at the bottom.{NOT_BY_SERVICE}",
        Query(queries.worst_first(counted), "{{severity_code}}"),
        overrides=by_name(SEVERITY),
        stacked=True,
        decimals=0,
    )


def turn_over_time() -> Json:
    """Return the history of open cases by who they are waiting on."""
    recorded = "account_severity_waiting_on:aws_support_open_cases:sum"
    counted = {name: queries.total(recorded, queries.SEVERITY, f'waiting_on="{side}"') for side, (name, _) in TURN.items()}
    return timeseries(
        "Waiting on",
        f"Open cases by who they are waiting on: by their status, or else by who wrote last.{NOT_BY_SERVICE}",
        *(Query(queries.over_time(expr), name) for name, expr in counted.items()),
        overrides=by_name(dict(TURN.values())),
        decimals=0,
        no_value=NOT_RECORDED,
    )


def flow() -> Json:
    """Return how many cases were opened and resolved."""
    colors = {"opened": WARN, "reopened": BAD, "resolved": GOOD}
    counted = {what: queries.happened(f"account_severity:aws_support_cases_{what}", queries.SEVERITY) for what in colors}
    return timeseries(
        "Opened and resolved per day",
        f"Cases opened, reopened and resolved in 24 hours. {RECORDED}{NOT_BY_SERVICE}",
        *(Query(expr, what) for what, expr in counted.items()),
        overrides=by_name(colors),
        decimals=0,
        no_value=NOT_RECORDED,
    )


def missed() -> Json:
    """Return how many cases missed their first-response target."""
    counted = queries.happened(RESPONSES, f'{queries.SEVERITY}, outcome="missed"', by="severity_code")
    return timeseries(
        "Missed first-response targets per day",
        f"Cases that missed their first-response target in 24 hours. {RECORDED}{NOT_BY_SERVICE}",
        Query(queries.worst_first(counted), "{{severity_code}}"),
        overrides=by_name(SEVERITY),
        stacked=True,
        decimals=0,
        no_value=NOT_RECORDED,
    )


def waiting_longest() -> Json:
    """Return who keeps whom waiting: for how long the cases have waited that have waited longest."""
    labels = "account_id, account_name, severity_code, waiting_on"
    since = f"min by ({labels}) (aws_support_oldest_waiting_since_timestamp_seconds{{{queries.SEVERITY}}} {queries.CHOSEN})"
    cases = queries.per_account("aws_support_open_cases", queries.SEVERITY, by="severity_code, waiting_on", name=True)
    return table(
        "Waiting longest",
        "The longest waiting case of each account, severity and side: the top six, and the number of "
        "cases of the account and severity that wait on that side. Yellow from "
        f"a day, red from three.{NOT_BY_SERVICE}",
        Query(f"topk(6, time() - {since})"),
        Query(f"{cases} and on ({labels}) topk(6, time() - {since})"),
        columns=[
            duration_column("Value #A", "Waiting for", (_DAY, WARN), (3 * _DAY, BAD)),
            turn_column(),
            severity_column(),
            count_column("Value #B", "Cases", 70),
            Column("account_name", "Account", None, {"links": account_links("data.fields.account_id")}),
            HIDDEN_ACCOUNT,
        ],
        sort_by="Value #A",
        no_value="No open cases",
    )


def services() -> Json:
    """Return the services with the most open cases."""
    counted = queries.total(queries.OPEN, queries.GROUP, by="service_code")
    return bargauge(
        "Services with the most open cases",
        "The ten AWS services with the most open cases.",
        Query(queries.or_none(f"topk(10, {counted})", "service_code"), "{{service_code}}"),
        decimals=0,
    )


def account_links(source: str) -> list[Json]:
    """Return a link to the dashboard of an account."""
    range_and_choices = "${datasource:queryparam}&${cluster:queryparam}&${job:queryparam}&${__url_time_range}"
    url = f"/d/aws-support-account/aws-support-account?var-account=${{__{source}}}&{range_and_choices}"
    return [{"title": "Open the account", "url": url, "targetBlank": False}]
