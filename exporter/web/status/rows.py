"""The rows of the status page: one account each, with advice on its failure and, where the policy has them, its cases."""

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from html import escape
from math import inf

from exporter.cases.model import SEVERITY_CODES, Author, Case
from exporter.cases.policy import Policy
from exporter.cases.report import WORST_FIRST, AccountReport, Finding
from exporter.cases.status import AccountState
from exporter.cases.turns import waiting_since

Part = tuple[str, str, int]
"""A part of a bar: its class, its name, and how many there are."""

_CONSOLES = {
    "aws": "https://support.console.aws.amazon.com/support/home",
    "aws-cn": "https://console.amazonaws.cn/support/home",
    "aws-us-gov": "https://console.amazonaws-us-gov.com/support/home",
}
_DISPLAY_ID = re.compile(r"[0-9]{1,32}", re.ASCII)
_MOST_CASES = 50  # cases of one account that are listed: the page is for looking, the JSON has the rest
_MOST_CASES_OF_ALL = 2000


def bar(parts: Sequence[Part], most: int = 0) -> str:
    """Return a bar, as long as `most` has it fill the width; widths are attributes, as the page allows no inline styles."""
    total = most or sum(count for *_, count in parts)
    drawn, left = [], 0.0
    for style, _, count in parts:
        if count:
            width = 100 * count / total
            drawn.append(f'<rect class="{style}" x="{left:.2f}" width="{width:.2f}" height="8"/>')
            left += width
    title = escape(", ".join(f"{count} {name}" for _, name, count in parts if count))
    label = f' role="img" aria-label="{title}"' if title else ' aria-hidden="true"'
    return f'<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none"{label}>{"".join(drawn)}</svg>'


def counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def span(seconds: float) -> str:
    whole = max(0, int(seconds))
    unit, size = next(((unit, size) for unit, size in (("d", 86400), ("h", 3600), ("min", 60)) if whole >= size), ("s", 1))
    return f"{whole // size} {unit}"


def since(moment: float | None, now: float) -> str:
    return "-" if moment is None else span(now - moment)


def ago(moment: float | None, now: float) -> str:
    return "never" if moment is None else f"{since(moment, now)} ago"


def until(moment: float | None, now: float) -> str:
    return "" if moment is None else f"in {span(moment - now)}" if moment > now else "now"


def case_url(display_id: str, partition: str) -> str | None:
    """Return a case's address in its partition's Support Center, for who is signed in to the account; None if there is none."""
    console = _CONSOLES.get(partition)
    return f"{console}#/case/?displayId={display_id}" if console and _DISPLAY_ID.fullmatch(display_id) else None


def severity_parts(severities: Mapping[str, int]) -> list[Part]:
    """Return the parts of a bar of severities, the most severe first; codes that are not AWS's share a colour."""
    others = [("other", code, count) for code, count in severities.items() if code not in SEVERITY_CODES]
    return [(code, code, severities[code]) for code in reversed(SEVERITY_CODES)] + others


def account_rows(
    accounts: Sequence[AccountReport], shared: Iterable[Finding], policy: Policy, now: float
) -> tuple[str, list[str]]:
    """Return classes for the columns in which all rows are the same, and the rows; what is shared is told elsewhere."""
    left, most = _MOST_CASES_OF_ALL, max((len(account.cases or ()) for account in accounts), default=0)
    told = {account_id for failure in shared for account_id in failure.names}
    cells, rows = [_cells(account, most, now, told) for account in accounts], []
    for account, main in zip(accounts, cells, strict=True):
        listed = (account.cases or ())[: min(_MOST_CASES, left, policy.case_limit or 0)]
        left -= len(listed)
        why = () if account.status.account.account_id in told else _why(account, now)
        more = "".join((*why, *_cases(account, listed, policy, now)))
        below = f'<tr class="more"><td class="why" colspan="7">{more}</td></tr>' if more else ""
        found = escape(account.words(case.display_id for case in listed))
        rows.append(f'<tbody data-words="{found}"><tr class="main">{"".join(main)}</tr>{below}</tbody>')
    columns = enumerate(zip(*cells, strict=True), 1)
    return " ".join(f"same-{number}" for number, column in columns if len(set(column)) == 1 < len(rows)), rows


def _cells(account: AccountReport, most: int, now: float, told: Container[str]) -> tuple[str, ...]:
    known, status, quiet = account.status.account, account.status, account.quiet_since
    name = f"<small>{known.account_id}</small>" if known.name != known.account_id else ""
    labels = (f"{name}={value}" for name, value in known.all_labels.items())
    owners = (known.organization, known.organizational_unit, *labels)
    of = "".join(f"<small> · {escape(owner)}</small>" for owner in owners if owner)
    why = f" <small>{account.reason}</small>" if known.account_id in told else ""
    state = f'<span class="state {account.state}">{account.state}</span>{why}'
    return (
        f'<td class="who"><b>{escape(known.name)}</b>{name}{of}</td>',
        f'<td class="when">{escape(known.region)}</td>',
        f'<td class="at" data-key="{WORST_FIRST.index(account.state)}">{state}</td>',
        f'<td class="open" data-key="{"" if account.cases is None else len(account.cases)}">{_open_cases(account, most)}</td>',
        f'<td class="when" data-name="Quiet for" data-key="{_key(quiet, now)}">{since(quiet, now)}</td>',
        f'<td class="when" data-name="Polled" data-key="{_key(status.last_success, now)}">{ago(status.last_success, now)}</td>',
        f'<td class="when" data-key="{_key(now, status.next_poll)}">{until(status.next_poll, now)}</td>',
    )


def _key(begin: float | None, end: float | None) -> str:
    """Return what a column of times is sorted by: a length of time; empty when it is not known."""
    return "" if begin is None or end is None else f"{max(0.0, end - begin):.0f}"


def _open_cases(account: AccountReport, most: int) -> str:
    if account.cases is None:
        return '<span class="zero">unknown</span>'
    parts = severity_parts(account.severities)
    title = ", ".join(f"{count} {code}" for _, code, count in parts if count) or "none"
    overdue = f'<span class="late">{len(account.overdue)} overdue</span>' if account.overdue else ""
    count = len(account.cases)
    style = "" if count else ' class="zero"'
    drawn = bar(parts, most) if count else ""
    return f'<div class="cases" title="{escape(title)}"><span{style}>{count}</span>{drawn}{overdue}</div>'


def _why(account: AccountReport, now: float) -> Iterator[str]:
    if account.reason is not None:
        lasting = f"for {since(account.status.failing_since, now)}, retries {until(account.status.next_poll, now)}"
        quiet = ' class="quiet"' if account.state is AccountState.UNSUPPORTED else ""
        do = f"{escape(account.advice)}<small>{escape(account.detail)}</small>"
        yield f"<p{quiet}><b>{account.reason.value}</b> {lasting}: {do}</p>"


def _cases(account: AccountReport, cases: Sequence[Case], policy: Policy, now: float) -> Iterator[str]:
    if not cases:
        return
    total = len(account.cases or ())
    left_out = f" of {total}" if total > len(cases) else ""
    rows = "".join(_case(case, account, policy, now) for case in cases)
    about = "Subject" if policy.subjects else "Service"
    heads = ("Case", "Severity", "Status", "Age", "Quiet for", "Waiting on", "Target", about)
    yield (
        f'<details id="cases-{account.status.account.account_id}"><summary>{counted(len(cases), "case")}{left_out}</summary>'
        f'<table class="list"><tr>{"".join(f"<th>{head}</th>" for head in heads)}</tr>{rows}</table></details>'
    )


def _case(case: Case, account: AccountReport, policy: Policy, now: float) -> str:
    url = case_url(case.display_id, account.status.account.partition)
    shown = escape(case.display_id)
    linked = shown if url is None else f'<a href="{escape(url)}" rel="noreferrer" target="_blank">{shown}</a>'
    waiting = f"{'AWS' if case.waiting_on is Author.AWS else 'you'}, {since(waiting_since(case), now)}"
    about = case.subject if policy.subjects else case.service_code
    severity = case.severity_code if case.severity_code in SEVERITY_CODES else "other"
    return (
        f'<tr><td>{linked}</td><td class="{severity}"><i></i>{escape(case.severity_code)}</td>'
        f"<td>{escape(case.status)}</td><td>{since(case.created, now)}</td><td>{since(case.last_activity, now)}</td>"
        f"<td>{waiting}</td>{_target(case, account, now)}<td>{escape(about)}</td></tr>"
    )


def _target(case: Case, account: AccountReport, now: float) -> str:
    target = account.status.account.targets.of(case.severity_code, case.service_code)
    due = account.due.get(case.case_id)
    if case.case_id in account.overdue:
        return f'<td class="late">{span(target)}, overdue for {since(due, now)}</td>'
    return f"<td>{'-' if target == inf else span(target)}{'' if due is None else f', due {until(due, now)}'}</td>"
