"""Cases by who owns their account: by the label that is chosen in the variable Label."""

from docs.dashboards import queries
from docs.dashboards.colors import BAD, WARN, Json
from docs.dashboards.model import INFO, JOB
from docs.dashboards.panels import Column, Query, count_column, duration_column, table, timeseries
from docs.dashboards.shared import NOT_BY_SERVICE

_DAY = 86400.0


def most_open() -> Json:
    """Return who has the most open cases, and how urgent they are."""
    oldest = f'aws_support_oldest_waiting_since_timestamp_seconds{{{queries.SEVERITY}, waiting_on="customer"}}'
    waiting = _by_owner("max", f"(time() - min by (account_id) ({oldest} {queries.CHOSEN}))")
    overdue = _by_owner("sum", queries.per_account("aws_support_first_response_overdue_cases", queries.SEVERITY))
    number, severe, ours = (_open_by_owner(more) for more in ("", queries.CRITICAL_OR_URGENT, 'waiting_on="customer"'))
    return table(
        "Owners with the most open cases",
        "The twenty values of the variable Label with the most open cases; (none): accounts without this label. Longest: "
        "cases that wait on us. The service variable does not apply to Overdue and Longest: they have no service label.",
        Query(queries.or_none(number, "owner", "(none)")),
        Query(f"{severe} or 0 * {number}"),
        Query(overdue),
        Query(f"{ours} or 0 * {number}"),
        Query(waiting),
        columns=[
            Column("owner", "Owner"),
            count_column("Value #A", "Open", 80),
            count_column("Value #B", "Critical + urgent", 145),
            count_column("Value #C", "Overdue", 80),
            count_column("Value #D", "Waiting on us", 115),
            duration_column("Value #E", "Longest", (_DAY, WARN), (3 * _DAY, BAD)),
        ],
        sort_by="Value #A",
        limit=20,
    )


def history() -> Json:
    """Return the history of those with the most open cases."""
    cases = f"{queries.OPEN_BEFORE}{{{queries.SEVERITY}}}"
    of_accounts = queries.over_time(queries.per_account(queries.OPEN_BEFORE, queries.SEVERITY))
    counted = _by_owner("sum", of_accounts, queries.LAST_KNOWN)
    top = f"topk(7, {counted.replace(cases, f'last_over_time({cases}[1h] @ end())')})"
    return timeseries(
        "Open cases of these owners",
        f"History of the seven owners with the most open cases at the end of the time range.{NOT_BY_SERVICE}",
        Query(f"{counted} and on (owner) {top}", "{{owner}}"),
        decimals=0,
        no_value="No account was polled in the last hour of the time range",
    )


def _open_by_owner(more: str = "") -> str:
    return _by_owner("sum", queries.per_account(queries.OPEN, queries.GROUP, more))


def _by_owner(operator: str, of_accounts: str, info: str = "{}") -> str:
    """Return values by owner; if exporters of an account disagree while one of them starts, one that has the label decides."""
    labelled, others = (info.format(f"{INFO}{{{matchers}}}") for matchers in (f'{JOB}, $label!=""', JOB))
    owners = f"topk by (account_id) (1, {labelled} or on (account_id) {others})"
    by_label = f"{operator} by ($label) ({of_accounts} * on (account_id) group_left ($label) {owners})"
    named = f'label_replace(label_join({by_label}, "owner", "", "$label"), "owner", "(none)", "owner", "")'
    return f"{operator} by (owner) ({named})"
