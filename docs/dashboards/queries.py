"""Expressions that count every case once, whoever scrapes it and however many exporters monitor its account.

A pair of exporters may monitor the same account, as do the two pods of a rollout, and a fleet may be sharded. So the values
of an account are summed up within each exporter, then the maximum over exporters is taken, and only then accounts are added up.
"""

from docs.dashboards.colors import SEVERITIES
from docs.dashboards.model import INFO, JOB, OF_OWNER

ACCOUNT = f'{JOB}, account_id=~"$account"'
SEVERITY = f'{ACCOUNT}, severity_code=~"$severity"'
GROUP = f'{SEVERITY}, service_code=~"$service"'
CHOSEN = f"and on (account_id) {INFO}{{{JOB}, {OF_OWNER}}}"

LAST_KNOWN = "(last_over_time({0}[1h] @ end()) or on (account_id) last_over_time({0}[$__range:6h] @ end()))"
"""Read once for all points of a graph: accounts, owners and plans as they were last."""
_ACCOUNTS = LAST_KNOWN.format(f"{INFO}{{{JOB}, {OF_OWNER}}}")
WITH_PLAN = f"* on (account_id) group_left (plan) topk by (account_id) (1, {_ACCOUNTS})"
CRITICAL_OR_URGENT = 'severity_code=~"critical|urgent"'
_OF_CASES = ("status", "severity_code", "service_code", "last_author", "waiting_on")
OPEN, OPEN_BEFORE = "aws_support_open_cases", "aws_support_account_open_cases"
"""The second one has a backfilled past. It has no service_code, so that it matches GROUP only where all services are chosen."""
_A_DAY = "1439m"  # 24 hourly points, whether or not a window includes its start (as of Prometheus 3 it does not)
FEWEST = 10
"""Of fewer events, a median says nothing."""


def per_account(metric: str, matchers: str, more: str = "", *, by: str = "", window: str = "", name: bool = False) -> str:
    """Return a number for each account: the maximum over exporters."""
    kept = ", ".join(filter(None, ("account_id", "account_name" if name else "", by)))
    series = f"{metric}{{{f'{matchers}, {more}' if more else matchers}}}"
    if window:
        series = f"increase({series}[{window}])"
    if metric == OPEN:  # which has a series for each group of cases; whatever labels a target has stay apart
        series = f"sum without ({', '.join(label for label in _OF_CASES if label not in by)}) ({series})"
    elif "severity_code" not in by and "severity_code" in matchers:
        series = f"sum without (severity_code) ({series})"
    return f"(max by ({kept}) ({series}) {CHOSEN})"


def total(metric: str, matchers: str, more: str = "", *, by: str = "", window: str = "", name: bool = False) -> str:
    """Return the sum over accounts of what `per_account` returns; `name` makes it a sum for each account."""
    kept = ", ".join(filter(None, ("account_id, account_name" if name else "", by)))
    added = per_account(metric, matchers, more, by=by, window=window, name=name)
    return f"sum by ({kept}) {added}" if kept else f"sum{added}"


def happened(recorded: str, matchers: str, *, window: str = _A_DAY, by: str = "") -> str:
    """Return how often something happened, from its increase in each hour; `by` may have the account's support plan."""
    kept = ", ".join(filter(None, ("account_id", by.removesuffix(", plan"))))
    of_series = f"max by (account_id, severity_code, outcome) (last_over_time({recorded}:increase1h{{{matchers}}}[1h]))"
    of_accounts = f"sum by ({kept}) (sum_over_time(({of_series})[{window}:1h]))"
    return over_time(f"sum by ({by}) ({of_accounts} {WITH_PLAN if 'plan' in by else CHOSEN})")


def over_time(expr: str) -> str:
    """Return an expression for a graph, at a fifth of the cost of one that chooses accounts at each point."""
    return expr.replace(CHOSEN, f"and on (account_id) {_ACCOUNTS}")


def open_cases(more: str = "", *, by: str = "") -> str:
    """Return how many cases are open, in all or by severity; zero only if accounts were polled."""
    none = f"0 * {total('aws_support_unanswered_cases', SEVERITY, more, by=by)}" if by else none_of_them()
    return f"{total(OPEN, GROUP, more, by=by)} or {total(OPEN_BEFORE, GROUP, more, by=by)} or {none}"


def waiting_on(side: str) -> str:
    """Return how many cases are waiting on a side; zero only if accounts were polled."""
    counted = total(OPEN, GROUP, f'waiting_on="{side}"')
    return f"{counted} or {none_of_them()}"


def none_of_them() -> str:
    """Return zero if any account was polled, and nothing if none was, as in a backfilled past."""
    return f'0 * max(aws_support_unanswered_cases{{{ACCOUNT}, severity_code="low"}} {CHOSEN})'


def worst_first(expr: str) -> str:
    """Return an expression by severity_code with a label that sorts it: Prometheus sorts series by their labels."""
    for rank, severity_code in enumerate(SEVERITIES):
        expr = f'label_replace({expr}, "a", "{rank}", "severity_code", "{severity_code}")'
    return expr


def or_none(expr: str, label: str, text: str = "none") -> str:
    """Return an expression, or zero under a name of its own if there is nothing to count but accounts were polled."""
    return f'{expr} or on () label_replace({none_of_them()}, "{label}", "{text}", "", "")'


def median(metric: str, by: str, window: str, matchers: str) -> str:
    """Return the median of a histogram's observations in a window; nothing where there were few."""
    of = f"increase({metric}_bucket{{{matchers}}}[{window}])"
    enough = f'sum by ({by}) (increase({metric}_bucket{{{matchers}, le="+Inf"}}[{window}])) > {FEWEST - 0.5}'
    return f"histogram_quantile(0.5, sum by ({', '.join(filter(None, (by, 'le')))}) ({of})) and on ({by}) {enough}"
