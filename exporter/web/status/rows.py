"""The rows of the status page: one account each, with advice on its failure and, where the policy has them, its cases."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape

from exporter.cases.model import SEVERITY_CODES, Author, Case
from exporter.cases.policy import Policy
from exporter.cases.report import WORST_FIRST, AccountReport, Finding
from exporter.cases.status import AccountState

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


def bar(parts: Sequence[Part]) -> str:
    """Return a bar; widths are attributes, as the page's policy allows no inline styles."""
    total = sum(count for *_, count in parts)
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


def ago(moment: float | None, now: float) -> str:
    return "never" if moment is None else f"{span(now - moment)} ago"


def case_url(display_id: str, partition: str) -> str | None:
    """Return a case's address in its partition's Support Center, for who is signed in to the account; None if there is none."""
    console = _CONSOLES.get(partition)
    return f"{console}#/case/?displayId={display_id}" if console and _DISPLAY_ID.fullmatch(display_id) else None


def severity_parts(severities: Mapping[str, int]) -> list[Part]:
    """Return the parts of a bar of severities, the most severe first; codes that are not AWS's share a colour."""
    others = [("other", code, count) for code, count in severities.items() if code not in SEVERITY_CODES]
    return [(code, code, severities[code]) for code in reversed(SEVERITY_CODES)] + others


def account_rows(accounts: Iterable[AccountReport], shared: Iterable[Finding], policy: Policy, now: float) -> Iterator[str]:
    """Yield the rows of each account; what to do about failures that are shared stands elsewhere."""
    left = _MOST_CASES_OF_ALL
    told = {account_id for failure in shared for account_id in failure.names}
    for account in accounts:
        most = min(_MOST_CASES, left, policy.case_limit or 0)
        listed = (account.cases or ())[:most]
        left -= len(listed)
        known = account.status.account
        why = _why(account, now, is_told=known.account_id in told)
        more = "".join((*why, *_cases(account, listed, policy, now)))
        cases = (case.display_id for case in listed)
        below = f'<tr class="more"><td class="why" colspan="7">{more}</td></tr>' if more else ""
        yield f'<tbody data-words="{escape(account.words(cases))}">{_main(account, now)}{below}</tbody>'


def _main(account: AccountReport, now: float) -> str:
    known, status, quiet = account.status.account, account.status, account.quiet_since
    name = f"<small>{known.account_id}</small>" if known.name != known.account_id else ""
    labels = (f"{name}={value}" for name, value in known.all_labels.items())
    owners = (known.organization, known.organizational_unit, *labels)
    of = "".join(f"<small> · {escape(owner)}</small>" for owner in owners if owner)
    quiet_for = "-" if quiet is None else span(now - quiet)
    due = "" if status.next_poll is None else f"in {span(status.next_poll - now)}" if status.next_poll > now else "now"
    state = f'<span class="state {account.state}">{account.state}</span>'
    return (
        '<tr class="main">'
        f'<td class="who"><b>{escape(known.name)}</b>{name}{of}</td>'
        f'<td class="region when">{escape(known.region)}</td>'
        f'<td class="at" data-key="{WORST_FIRST.index(account.state)}">{state}</td>'
        f'<td class="open" data-key="{"" if account.cases is None else len(account.cases)}">{_open_cases(account)}</td>'
        f'<td class="when" data-name="Quiet for" data-key="{_key(quiet, now)}">{quiet_for}</td>'
        f'<td class="when" data-name="Read" data-key="{_key(status.last_success, now)}">{ago(status.last_success, now)}</td>'
        f'<td class="when next" data-key="{_key(now, status.next_poll)}">{due}</td>'
        "</tr>"
    )


def _key(since: float | None, until: float | None) -> str:
    """Return what a column of times is sorted by: a length of time; empty when it is not known."""
    return "" if since is None or until is None else f"{until - since:.0f}"


def _open_cases(account: AccountReport) -> str:
    if account.cases is None:
        return '<span class="zero">not known</span>'
    parts = severity_parts(account.severities)
    title = ", ".join(f"{count} {code}" for _, code, count in parts if count) or "none"
    overdue = f'<span class="note">{len(account.overdue)} overdue</span>' if account.overdue else ""
    count = len(account.cases)
    style = "" if count else ' class="zero"'
    drawn = bar(parts) if count else ""
    return f'<div class="cases" title="{escape(title)}"><span{style}>{count}</span>{drawn}{overdue}</div>'


def _why(account: AccountReport, now: float, *, is_told: bool) -> Iterator[str]:
    if account.reason is None:
        return
    since = account.status.failing_since
    lasting = f", for {span(now - since)}" if since is not None and now - since >= 60 else ""  # noqa: PLR2004 - a minute
    quiet = ' class="quiet"' if account.state is AccountState.UNSUPPORTED else ""
    more = "" if is_told else f": {escape(account.advice)}<small>{escape(account.detail)}</small>"
    yield f"<p{quiet}><b>{account.reason.value}</b>{lasting}{more}</p>"


def _cases(account: AccountReport, cases: Sequence[Case], policy: Policy, now: float) -> Iterator[str]:
    if not cases:
        return
    total = len(account.cases or ())
    left_out = f" of {total}" if total > len(cases) else ""
    rows = "".join(_case(case, account, policy, now) for case in cases)
    heads = ("Case", "Severity", "Status", "Age", "Turn", "Subject" if policy.subjects else "Service")
    account_id = account.status.account.account_id
    yield (
        f'<details data-account="{account_id}"><summary>{counted(len(cases), "case")}{left_out}</summary>'
        f'<table class="list"><tr>{"".join(f"<th>{head}</th>" for head in heads)}</tr>{rows}</table></details>'
    )


def _case(case: Case, account: AccountReport, policy: Policy, now: float) -> str:
    url = case_url(case.display_id, account.status.account.partition)
    shown = escape(case.display_id)
    linked = shown if url is None else f'<a href="{escape(url)}" rel="noreferrer" target="_blank">{shown}</a>'
    turn = "AWS" if case.waiting_on is Author.AWS else "yours"
    overdue = " · overdue" if case.case_id in account.overdue else ""
    about = case.subject if policy.subjects else case.service_code
    severity = case.severity_code if case.severity_code in SEVERITY_CODES else "other"
    return (
        f'<tr><td>{linked}</td><td class="{severity}"><i></i>{escape(case.severity_code)}</td>'
        f"<td>{escape(case.status)}</td><td>{'' if case.created is None else span(now - case.created)}</td>"
        f"<td>{turn}{overdue}</td><td>{escape(about)}</td></tr>"
    )
