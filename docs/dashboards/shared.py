"""Panels that the fleet's and the account's dashboard have in common."""

from docs.dashboards import queries
from docs.dashboards.colors import BAD, GOOD, SEVERITY, TURN, WARN, Json, by_name, fixed, steps
from docs.dashboards.panels import (
    HIDDEN_ACCOUNT,
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
            "Open cases on which we are to answer: their status says so, or AWS wrote last where the status says nothing.",
            Query(queries.waiting_on("customer")),
            color=fixed(TURN["customer"][1]),
        ),
        stat(
            "Waiting on AWS",
            "Open cases on which AWS is to answer. An interim update by AWS changes nothing.",
            Query(queries.waiting_on("aws")),
            color=fixed(TURN["aws"][1]),
        ),
    ]


def by_severity() -> Json:
    """Return the history of open cases by severity."""
    return timeseries(
        "Open cases by severity",
        "Open cases by severity, the most severe at the bottom.",
        *(Query(queries.open_cases(matcher, by="severity_code"), legend) for legend, matcher in queries.BY_SEVERITY),
        overrides=by_name(SEVERITY),
        stacked=True,
        decimals=0,
    )


def turn_over_time() -> Json:
    """Return the history of open cases by who they are waiting on."""
    return timeseries(
        "Waiting on",
        "Open cases by who they are waiting on, as their status says, or else by who wrote last.",
        *(Query(queries.waiting_on(side), name) for side, (name, _) in TURN.items()),
        overrides=by_name(dict(TURN.values())),
        decimals=0,
    )


def flow() -> Json:
    """Return how many cases were opened and resolved."""
    metrics = {"opened": WARN, "reopened": BAD, "resolved": GOOD}
    return timeseries(
        "Opened and resolved per day",
        f"Cases opened, reopened and resolved in the past 24 hours.{NOT_BY_SERVICE}",
        *(Query(queries.total(f"aws_support_cases_{what}_total", queries.SEVERITY, window="1d"), what) for what in metrics),
        overrides=by_name(metrics),
        decimals=0,
    )


def missed() -> Json:
    """Return how many cases missed their first-response target."""
    return timeseries(
        "Missed first-response targets per day",
        f"Cases that missed their first-response target in the past 24 hours.{NOT_BY_SERVICE}",
        *(
            Query(
                queries.total(
                    "aws_support_first_responses_total",
                    queries.SEVERITY,
                    f'outcome="missed", {matcher}',
                    by="severity_code",
                    window="1d",
                ),
                legend,
            )
            for legend, matcher in queries.BY_SEVERITY
        ),
        overrides=by_name(SEVERITY),
        stacked=True,
        decimals=0,
    )


def waiting_longest() -> Json:
    """Return who keeps whom waiting: for how long the cases have waited that have waited longest."""
    labels = "account_id, account_name, severity_code, waiting_on"
    since = f"min by ({labels}) (aws_support_oldest_waiting_since_timestamp_seconds{{{queries.SEVERITY}}} {queries.CHOSEN})"
    cases = queries.per_account("aws_support_open_cases", queries.SEVERITY, by="severity_code, waiting_on", name=True)
    return table(
        "Waiting longest",
        "The case that has waited longest for an answer, of each account, severity and side: the six longest, and how many "
        "cases of the account and severity wait on that side. Yellow from "
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


def account_links(source: str) -> list[Json]:
    """Return a link to the dashboard of an account.

    Args:
        source: Where Grafana finds the account's id, such as `data.fields.account_id`.
    """
    range_and_choices = "${datasource:queryparam}&${job:queryparam}&${__url_time_range}"
    url = f"/d/aws-support-account/aws-support-account?var-account=${{__{source}}}&{range_and_choices}"
    return [{"title": "Open the account", "url": url, "targetBlank": False}]
