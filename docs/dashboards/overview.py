"""The dashboard of the whole fleet: how many cases, how severe, waiting on whom, how quiet, how fast AWS responds."""

from docs.dashboards import model, owners, queries, shared
from docs.dashboards.colors import BAD, GOOD, SEVERITY, TURN, WARN, Json, by_name, special, steps
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
_WHOLE_FLEET = " Only the severity variable applies to times: their metric has no account label."
_GROUP_LABELS = "account_id, account_name, severity_code, service_code, waiting_on"
_FLEET = 'job=~"$job", severity_code=~"$severity"'
_CRITICAL_OR_URGENT = 'severity_code=~"critical|urgent"'
_OUTCOMES = "aws_support_first_responses_total"
_SHARE_OF_TARGET = {
    "unit": "percentunit",
    "decimals": 0,
    "min": 0,
    "max": 2,
    "thresholds": steps((0.8, WARN), (1, BAD)),
    "custom__cellOptions": {"type": "gauge", "mode": "basic", "valueDisplayMode": "color"},
}
_SHARE_MET = {
    "unit": "percentunit",
    "decimals": 0,
    "min": 0,
    "max": 1,
    "thresholds": steps((0.9, WARN), (0.99, GOOD), base=BAD),
    "custom__cellOptions": {"type": "gauge", "mode": "basic", "valueDisplayMode": "color"},
}


def overview() -> Json:
    """Return the dashboard."""
    return model.dashboard(
        "aws-support-overview",
        "AWS Support / Overview",
        "The AWS Support cases of the fleet: how many, how severe, who they are waiting on, how long they have been quiet, and "
        "how fast AWS responds.",
        [
            model.datasource(),
            model.job(),
            model.organization(),
            *model.owners(),
            model.account(several=True),
            model.severity(),
            model.service(queries.SEVERITY),
        ],
        [
            ("", [(4, _now()), (8, [(10, shared.by_severity()), (7, shared.turn_over_time()), (7, _severities())])]),
            ("Needs attention", [(10, [(15, _quiet_longest()), (9, _unanswered())])]),
            ("By owner", [(9, [(14, owners.most_open()), (10, owners.history())])]),
            (
                "Response times",
                [
                    (7, [(14, _first_response()), (10, _resolution())]),
                    (8, [(10, shared.waiting_longest()), (7, _replies()), (7, _met_by_plan())]),
                    (8, [(12, shared.missed()), (12, shared.flow())]),
                ],
            ),
            (
                "Accounts and services",
                [(9, [(12, _accounts()), (12, _services())]), (8, [(12, _accounts_history()), (12, _services_history())])],
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
            Query(queries.open_cases(_CRITICAL_OR_URGENT)),
            thresholds=steps((1, SEVERITY["urgent"])),
        ),
        *shared.unanswered_and_turns(),
        stat(
            "Quiet longest",
            "Time since the latest communication, of the open case that has been quiet longest. Yellow from three days, red "
            "from a week.",
            Query(f"max({_age()}) or {queries.none_of_them()}"),
            unit="s",
            decimals=1,
            thresholds=steps((3 * _DAY, WARN), (7 * _DAY, BAD)),
        ),
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
    return f"count({up}) - count({up} == 1 or {unsupported} == 0)"


def _severities() -> Json:
    return bargauge(
        "Open now",
        "Open cases at the end of the time range.",
        *(Query(queries.open_cases(matcher, by="severity_code"), legend) for legend, matcher in queries.BY_SEVERITY),
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
        "The oldest unanswered case of each account and severity, by the share of its first-response target that has passed: "
        f"the eight greatest. Red if it is overdue. Without a target, a severity is left out.{shared.NOT_BY_SERVICE}",
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


def _first_response() -> Json:
    metric, by = "aws_support_first_response_seconds", "severity_code"
    half, most = (queries.quantile(share, metric, by, "$__range", _FLEET) for share in (0.5, 0.9))
    targets = f"aws_support_first_response_target_seconds{{{queries.SEVERITY}}} {queries.CHOSEN}"
    met, missed, judged = (
        queries.total(_OUTCOMES, queries.SEVERITY, matcher, by=by, window="$__range")
        for matcher in ('outcome="met"', 'outcome="missed"', "")
    )
    nothing: Json = {"mappings": [special("null+nan", "none")]}
    seconds: Json = {"unit": "s", "decimals": 1}
    return table(
        "First responses",
        "Time from the creation of a case to the first response from AWS, of responses in the time range: median and 90th "
        f"percentile.{_WHOLE_FLEET} Target: the shortest of the chosen accounts, as support plans differ. Met: the share of "
        "their cases that AWS answered within the target of the account. Missed: how many it did not.",
        Query(half),
        Query(most),
        Query(f"min by (severity_code) ({targets})"),
        Query(f"{met} / {judged}"),
        Query(missed),
        columns=[
            severity_column(),
            Column("Value #A", "p50", 85, seconds | nothing),
            Column("Value #B", "p90", 85, seconds | nothing),
            Column("Value #C", "Target", 85, nothing | {"unit": "s"}),
            Column("Value #D", "Met", None, _SHARE_MET | nothing),
            count_column("Value #E", "Missed", 75),
        ],
        sort_by="Value #C",
        descending=False,
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


def _services() -> Json:
    counted = queries.open_by_service()
    return bargauge(
        "Services with the most open cases",
        "The ten AWS services with the most open cases.",
        Query(queries.or_none(f"topk(10, {counted})", "service_code"), "{{service_code}}"),
        decimals=0,
    )


def _accounts_history() -> Json:
    counted, before = (queries.total(metric, queries.GROUP, name=True) for metric in (queries.OPEN, queries.OPEN_BEFORE))
    return timeseries(
        "Open cases of these accounts",
        "History of the seven accounts with the most open cases at the end of the time range.",
        Query(queries.or_none(queries.top_at_the_end(7, counted, "account_id", before), "account_name"), "{{account_name}}"),
        decimals=0,
    )


def _services_history() -> Json:
    counted = queries.open_by_service()
    return timeseries(
        "Open cases of these services",
        "History of the seven services with the most open cases at the end of the time range.",
        Query(queries.or_none(queries.top_at_the_end(7, counted, "service_code"), "service_code"), "{{service_code}}"),
        decimals=0,
    )


def _met_by_plan() -> Json:
    met, judged = (
        queries.by_plan(queries.per_account(_OUTCOMES, queries.SEVERITY, matcher, window="1d"))
        for matcher in ('outcome="met"', "")
    )
    return timeseries(
        "First-response targets met, by support plan",
        f"Share of cases that AWS answered within their target, of those settled in the past 24 hours.{shared.NOT_BY_SERVICE}",
        Query(f"{met} / {judged} >= 0", "{{plan}}"),
        unit="percentunit",
        max=1,
        decimals=0,
        no_value="No case with a target was settled in this time range",
    )


def _replies() -> Json:
    p90 = queries.quantile(0.9, "aws_support_reply_seconds", "author", "1d", _FLEET)
    sides = ((name, color, p90.replace(_FLEET, f'{_FLEET}, author="{side}"')) for side, (name, color) in TURN.items())
    return timeseries(
        "p90 of replies",
        "90th percentile of the replies in the past 24 hours, from the first message that one side had not answered to the "
        f"other's answer: ours and those of AWS, its first responses apart.{_WHOLE_FLEET}",
        *(Query(expr, name) for name, _, expr in sides),
        unit="s",
        overrides=by_name(dict(TURN.values())),
        no_value="No replies in this time range",
    )


def _resolution() -> Json:
    metric = "aws_support_case_open_duration_seconds"
    half, most = (queries.quantile(share, metric, "severity_code", "$__range", _FLEET) for share in (0.5, 0.9))
    resolved = queries.total("aws_support_cases_resolved_total", queries.SEVERITY, by="severity_code", window="$__range")
    look = {"unit": "s", "decimals": 1, "mappings": [special("null+nan", "none")]}
    return table(
        "Time to resolution",
        "Resolved cases of the chosen accounts in the time range, and how long resolved cases of the fleet were open: median "
        "and 90th percentile.",
        Query(resolved),
        Query(half),
        Query(most),
        columns=[
            severity_column(),
            count_column("Value #A", "Resolved", 90),
            Column("Value #B", "p50", None, look),
            Column("Value #C", "p90", None, look),
        ],
        sort_by="Value #A",
    )
