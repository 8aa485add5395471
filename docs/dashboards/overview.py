"""The dashboard of the fleet: how many cases, how severe, waiting on whom, how quiet, how fast AWS responds."""

from docs.dashboards import model, owners, queries, shared
from docs.dashboards.colors import BAD, GOOD, NOTHING, SEVERITIES, SEVERITY, TURN_TEXTS, WARN, Json, by_name, steps
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
    turn_column,
)

_DAY = 86400.0
_WHOLE_FLEET = " Only the severity variable applies to times: their metric has no account label."
_GROUP_LABELS = "account_id, account_name, severity_code, service_code, waiting_on"
_FLEET = f'{model.JOB}, severity_code=~"$severity"'
_SHARE = {"unit": "percentunit", "decimals": 0, "min": 0}
_SHARE |= {"custom__cellOptions": {"type": "gauge", "mode": "basic", "valueDisplayMode": "color"}}
_SHARE_OF_TARGET = _SHARE | {"max": 2, "thresholds": steps((0.8, WARN), (1, BAD))}
_SHARE_MET = _SHARE | {"max": 1, "thresholds": steps((0.9, WARN), (0.99, GOOD), base=BAD)}


def overview() -> Json:
    """Return the dashboard."""
    return model.dashboard(
        "aws-support-overview",
        "AWS Support / Overview",
        "The AWS Support cases of the fleet: how many, how severe, who they are waiting on, how long they have been quiet, and "
        "how fast AWS responds.",
        model.variables(several=True, cases=True),
        [
            ("", [(4, _now()), (8, [(10, shared.by_severity()), (7, shared.turn_over_time()), (7, _severities())])]),
            ("Needs attention", [(10, [(15, _quiet_longest()), (9, _unanswered())])]),
            ("By owner", [(9, [(14, owners.most_open()), (10, owners.history())])]),
            (
                "Response times",
                [
                    (8, [(14, _first_response()), (10, _resolution())]),
                    (8, [(15, shared.waiting_longest()), (9, _replies())]),
                    (8, [(12, shared.missed()), (12, shared.flow())]),
                ],
            ),
            (
                "Accounts and services",
                [(9, [(12, _accounts()), (12, shared.services())])],
            ),
        ],
        since="now-7d",
        refresh="5m",
    )


def _now() -> list[tuple[int, Json]]:
    panels = [
        stat("Open cases", "Open cases of the chosen accounts.", Query(queries.open_cases())),
        stat(
            "Critical + urgent",
            "Open cases of severity critical or urgent.",
            Query(queries.open_cases(queries.CRITICAL_OR_URGENT)),
            thresholds=steps((1, SEVERITY["urgent"])),
        ),
        *shared.unanswered_and_turns(),
        shared.quiet_longest(),
        stat(
            "Accounts failing",
            "Accounts with a support plan whose last poll failed. See the dashboard Exporter health.",
            Query(_failing()),
            thresholds=steps((1, WARN)),
        ),
    ]
    return [(3, panel) for panel in panels]


def _age() -> str:
    age = "aws_support_latest_communication_age_seconds"
    return f"max by ({_GROUP_LABELS}) ({age}{{{queries.GROUP}}} {queries.CHOSEN})"


def _cases_of_groups() -> str:
    by = "severity_code, service_code, waiting_on"
    return queries.per_account(queries.OPEN, queries.GROUP, by=by, name=True)


def _failing() -> str:
    up = queries.per_account("aws_support_account_up", queries.ACCOUNT)
    unsupported = queries.per_account("aws_support_account_supported", queries.ACCOUNT)
    return f"count({up}) - (count({up} == 1 or {unsupported} == 0) or vector(0))"


def _severities() -> Json:
    """Return a query for each, worst first; the mildest has those that AWS does not document, too."""
    matchers = {code: f'severity_code="{code}"' for code in SEVERITIES[:-1]}
    matchers["{{severity_code}}"] = f'severity_code!~"{"|".join(matchers)}"'
    return bargauge(
        "Open now",
        "Open cases at the end of the time range.",
        *(Query(queries.open_cases(matcher, by="severity_code"), legend) for legend, matcher in matchers.items()),
        overrides=by_name(SEVERITY),
        decimals=0,
    )


def _quiet_longest() -> Json:
    return table(
        "Cases quiet longest",
        "The eight groups of cases that have been quiet longest, by account, severity, service and who they are waiting on. "
        "Yellow from three days, red from a week.",
        Query(f"topk(8, {_age()})"),
        Query(f"{_cases_of_groups()} and on ({_GROUP_LABELS}) topk(8, {_age()})"),
        columns=[
            duration_column("Value #A", "Quiet for", (3 * _DAY, WARN), (7 * _DAY, BAD)),
            severity_column(),
            turn_column(),
            count_column("Value #B", "Cases", 70),
            Column("account_name", "Account", 150, {"links": shared.account_links("data.fields.account_id")}),
            Column("service_code", "Service"),
            HIDDEN_ACCOUNT,
        ],
        sort_by="Value #A",
        no_value="No open cases",
    )


def _unanswered() -> Json:
    kept = "account_id, account_name, severity_code"
    opened = (
        f"min by ({kept}) (aws_support_oldest_unanswered_case_created_timestamp_seconds{{{queries.SEVERITY}}} {queries.CHOSEN})"
    )
    target = f"max by (account_id, severity_code) (aws_support_first_response_target_seconds{{{queries.SEVERITY}}})"
    share = f"topk(8, (time() - {opened}) / on (account_id, severity_code) group_left () {target})"
    return table(
        "Unanswered, closest to their target",
        "The oldest unanswered case of each account and severity, by the used share of its first-response target: "
        f"the top eight. Red if overdue. Severities without a target are omitted.{shared.NOT_BY_SERVICE}",
        Query(queries.or_none(share, "account_name")),
        Query(f"(time() - {opened}) and on ({kept}) {share}"),
        columns=[
            severity_column(),
            Column("account_name", "Account", 130, {"links": shared.account_links("data.fields.account_id")}),
            duration_column("Value #B", "Age"),
            Column("Value #A", "Of target", None, _SHARE_OF_TARGET),
            HIDDEN_ACCOUNT,
        ],
        sort_by="Value #A",
    )


def _accounts() -> Json:
    counted = queries.total(queries.OPEN, queries.GROUP, name=True)
    return bargauge(
        "Accounts with the most open cases",
        "The ten accounts with the most open cases. A click opens the account.",
        Query(queries.or_none(f"topk(10, {counted})", "account_name"), "{{account_name}}"),
        links=shared.account_links("field.labels.account_id"),
        decimals=0,
    )


def _first_response() -> Json:
    by = "severity_code, plan"
    judged, met = (
        queries.happened(shared.RESPONSES, f"{queries.SEVERITY}{matcher}", window="$__range", by=by)
        for matcher in ("", ', outcome="met"')
    )
    target = f"aws_support_first_response_target_seconds{{{queries.SEVERITY}}} {queries.WITH_PLAN}"
    recorded = f"last_over_time({shared.RESPONSES}:increase1h{{{queries.SEVERITY}}}[2h])"
    return table(
        "First responses",
        "Cases that AWS answered in the time range, or should have: how many, and how many of them within the target of their "
        f"account, by support plan. Target: the shortest of the chosen accounts. {shared.RECORDED}{shared.NOT_BY_SERVICE}",
        Query(judged),
        Query(met),
        Query(f"min by ({by}) ({target}) and on (severity_code) {recorded}"),
        columns=[
            severity_column(),
            Column("plan", "Support plan"),
            Column("Value #C", "Target", 80, NOTHING | {"unit": "s"}),
            count_column("Value #A", "Settled", 75),
            count_column("Value #B", "In time", 75),
            Column("Met", "Met", 200, _SHARE_MET | NOTHING),
        ],
        ratio=("Met", "Value #B", "Value #A"),
        sort_by="Value #C",
        descending=False,
        no_value=shared.NOT_RECORDED,
    )


def _replies() -> Json:
    return table(
        "Median of replies",
        "Median time to answer the other side's earliest unanswered message, for replies in the time range, if there are "
        f"{queries.FEWEST}. AWS's first responses are excluded.{_WHOLE_FLEET}",
        Query(queries.median("aws_support_reply_seconds", "author", "$__range", _FLEET)),
        columns=[
            Column("author", "By", 70, {"mappings": [TURN_TEXTS], "custom__cellOptions": {"type": "color-text"}}),
            duration_column("Value", "Median"),
        ],
        sort_by="Value",
        no_value=f"Fewer than {queries.FEWEST} replies in this time range",
    )


def _resolution() -> Json:
    by = "severity_code"
    first, whole = (
        queries.median(f"aws_support_{what}_seconds", by, "$__range", _FLEET)
        for what in ("first_response", "case_open_duration")
    )
    look = NOTHING | {"unit": "s", "decimals": 1}
    return table(
        "Resolved cases and medians",
        "Resolved cases of the chosen accounts in the time range. Medians of the fleet in the time range, if there are "
        f"{queries.FEWEST} cases or more: time to the first response, and how long resolved cases were open. Only the severity "
        f"variable applies to the medians. {shared.RECORDED}",
        Query(queries.happened("account_severity:aws_support_cases_resolved", queries.SEVERITY, window="$__range", by=by)),
        Query(first),
        Query(whole),
        columns=[
            severity_column(),
            count_column("Value #A", "Resolved", 85),
            Column("Value #B", "First response", None, look),
            Column("Value #C", "Open for", None, look),
        ],
        sort_by="Value #A",
        no_value=shared.NOT_RECORDED,
    )
