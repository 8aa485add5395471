"""Panels that the fleet's and the account's dashboard have in common."""

from docs.dashboards import queries
from docs.dashboards.colors import BAD, GOOD, SEVERITY, TURN, WARN, Json, by_name, fixed, steps
from docs.dashboards.panels import Query, stat, timeseries

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
            "Open cases on which AWS wrote last.",
            Query(queries.open_cases('last_author="aws"')),
            color=fixed(TURN["aws"][1]),
        ),
        stat(
            "Waiting on AWS",
            "Open cases on which the customer wrote last, or nobody has written yet.",
            Query(queries.open_cases('last_author="customer"')),
            color=fixed(TURN["customer"][1]),
        ),
    ]


def by_severity() -> Json:
    """Return the history of open cases by severity."""
    return timeseries(
        "Open cases by severity",
        "Open cases by severity, the most severe at the bottom.",
        *(Query(queries.open_by_severity(matcher), legend) for legend, matcher in queries.BY_SEVERITY),
        overrides=by_name(SEVERITY),
        stacked=True,
        decimals=0,
    )


def turn_over_time() -> Json:
    """Return the history of open cases by who they are waiting on."""
    return timeseries(
        "Waiting on",
        "Open cases by who they are waiting on: us if AWS wrote last, AWS otherwise.",
        *(Query(queries.open_cases(f'last_author="{author}"'), whose) for author, (whose, _) in TURN.items()),
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


def breaches() -> Json:
    """Return how many first responses were late."""
    breaches = "aws_support_first_response_breaches_total"
    return timeseries(
        "Late first responses per day",
        f"Cases that missed their first-response target in the past 24 hours.{NOT_BY_SERVICE}",
        *(
            Query(queries.total(breaches, queries.SEVERITY, matcher, by="severity_code", window="1d"), legend)
            for legend, matcher in queries.BY_SEVERITY
        ),
        overrides=by_name(SEVERITY),
        stacked=True,
        decimals=0,
    )


def account_links(source: str) -> list[Json]:
    """Return a link to the dashboard of an account.

    Args:
        source: Where Grafana finds the account's id, such as `data.fields.account_id`.
    """
    range_and_choices = "${datasource:queryparam}&${job:queryparam}&${__url_time_range}"
    url = f"/d/aws-support-account/aws-support-account?var-account=${{__{source}}}&{range_and_choices}"
    return [{"title": "Open the account", "url": url, "targetBlank": False}]
