"""Expressions that count every case once, whoever scrapes it and however many exporters monitor its account.

A pair of exporters may monitor the same account, and a fleet may be sharded. So the values of an account are summed up within
each exporter first, then the maximum over exporters is taken, and only then accounts are added up.
"""

from docs.dashboards.colors import SEVERITIES
from docs.dashboards.model import INFO, JOB, OF_OWNER

ACCOUNT = f'{JOB}, account_id=~"$account"'
SEVERITY = f'{ACCOUNT}, severity_code=~"$severity"'
GROUP = f'{SEVERITY}, service_code=~"$service"'
OPEN, OPEN_BEFORE = "aws_support_open_cases", "aws_support_account_open_cases"
"""The second one has a backfilled past. It has no service_code, so that it matches GROUP only where all services are chosen."""

CHOSEN = f"and on (account_id) {INFO}{{{JOB}, {OF_OWNER}}}"

BY_SEVERITY = (
    *((code, f'severity_code="{code}"') for code in SEVERITIES[:-1]),
    ("{{severity_code}}", f'severity_code!~"{"|".join(SEVERITIES[:-1])}"'),
)
"""Legend and matcher, worst severity first. The mildest is grouped with severities that AWS does not document."""


def per_account(metric: str, matchers: str, more: str = "", *, by: str = "", window: str = "", name: bool = False) -> str:
    """Return a number for each account: the maximum over exporters.

    Args:
        metric: A gauge, or a counter with a window.
        matchers: What counts.
        more: More of them.
        by: More labels to keep, separated by commas.
        window: The range of the increase of a counter.
        name: Whether the account's name is kept, too.
    """
    kept = ", ".join(filter(None, ("account_id", "account_name" if name else "", by)))
    both = f"{matchers}, {more}" if more else matchers
    series = f"increase({metric}{{{both}}}[{window}])" if window else f"{metric}{{{both}}}"
    return f"max by ({kept}) (sum by (job, instance, {kept}) ({series} {CHOSEN}))"


def total(metric: str, matchers: str, more: str = "", *, by: str = "", window: str = "", name: bool = False) -> str:
    """Return the sum over accounts of what `per_account` returns; `name` makes it a sum for each account."""
    kept = ", ".join(filter(None, ("account_id, account_name" if name else "", by)))
    added = per_account(metric, matchers, more, by=by, window=window, name=name)
    return f"sum by ({kept}) ({added})" if kept else f"sum({added})"


def by_plan(counted: str) -> str:
    """Return the sum over the accounts of each support plan of what `per_account` returns."""
    return f"sum by (plan) ({counted} * on (account_id) group_left (plan) topk by (account_id) (1, {INFO}{{{JOB}}}))"


def open_cases(more: str = "", *, by: str = "") -> str:
    """Return how many cases are open, in all or by severity; zero only if accounts were polled."""
    none = none_of_them(more, by=by) if by else none_of_them()
    return f"{total(OPEN, GROUP, more, by=by)} or {total(OPEN_BEFORE, GROUP, more, by=by)} or {none}"


def waiting_on(side: str) -> str:
    """Return how many cases wait on a side; zero only if accounts were polled."""
    counted = total(OPEN, GROUP, f'waiting_on="{side}"')
    return f"{counted} or {none_of_them()}"


def open_by_service() -> str:
    """Return how many cases are open by service."""
    return total(OPEN, GROUP, by="service_code")


def none_of_them(more: str = "", *, by: str = "") -> str:
    """Return zero if any account was polled, and nothing if none was, as in a backfilled past."""
    return f"0 * {total('aws_support_unanswered_cases', SEVERITY, more, by=by)}"


def or_none(expr: str, label: str, text: str = "none") -> str:
    """Return an expression, or zero under a name of its own if there is nothing to count but accounts were polled."""
    return f'{expr} or on () label_replace({none_of_them()}, "{label}", "{text}", "", "")'


def top_at_the_end(count: int, expr: str, by: str, before: str = "") -> str:
    """Return the history of those series that are the greatest at the end of the time range, and of no others.

    Args:
        count: How many.
        expr: Gauges only.
        by: The labels that the series differ by.
        before: What has a past where `expr` has none.
    """
    history = f"({expr} or {before})" if before else expr
    return f"{history} and on ({by}) topk({count}, {expr.replace('}', '} @ end()')})"


def quantile(share: float, metric: str, by: str, window: str, matchers: str) -> str:
    """Return a quantile of a histogram's observations in a window; nothing where there were none."""
    return f"(histogram_quantile({share}, sum by ({by}, le) (increase({metric}_bucket{{{matchers}}}[{window}]))) >= 0)"
