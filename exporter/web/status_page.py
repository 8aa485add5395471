"""The page at `/`: how every account is doing, for a person."""

from collections.abc import Sequence
from html import escape
from string import Template

from exporter.cases.advice import advice
from exporter.cases.aggregate import count_by_severity
from exporter.cases.model import SEVERITY_CODES
from exporter.cases.status import AccountState, AccountStatus

_TOLD = ' class="told"'
_COLUMNS = 5 + len(SEVERITY_CODES)
_WORST_FIRST = (
    AccountState.STALE,
    AccountState.FAILING,
    AccountState.PENDING,
    AccountState.UNSUPPORTED,
    AccountState.OK,
)

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>AWS Support Exporter</title>
<style>
:root { color-scheme: light dark; --line: #d0d7de; --quiet: #59636e; --link: #0969da;
  --good: #1a7f37; --bad: #cf222e; --warn: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --line: #3d444d; --quiet: #9198a1; --link: #4493f8;
  --good: #3fb950; --bad: #f85149; --warn: #d29922; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0; }
p, nav { color: var(--quiet); margin: .3rem 0 1rem; }
a { color: var(--link); margin-right: 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; color: var(--quiet); }
th, td { padding: .4rem .7rem; border-bottom: 1px solid var(--line); vertical-align: top; white-space: nowrap; }
td.number, th.number { text-align: right; }
td.zero { color: var(--quiet); }
tr.told td { border-bottom-color: transparent; padding-bottom: 0; }
td.detail { white-space: normal; overflow-wrap: anywhere; color: var(--quiet); }
td.detail b { font-weight: 600; color: CanvasText; }
.ok { color: var(--good); } .failing, .stale { color: var(--bad); font-weight: 600; }
.pending, .unsupported { color: var(--warn); }
</style>
</head>
<body>
<h1>AWS Support Exporter</h1>
<p>Version $version. $summary</p>
<nav><a href="$links$telemetry_path">Metrics</a>
<a href="$links/-/healthy">Health</a><a href="$links/-/ready">Readiness</a></nav>
<div class="scroll"><table>
<thead><tr><th>Account</th><th>Id</th><th>Region</th><th>State</th>$severities<th>Last success</th></tr></thead>
<tbody>
$rows
</tbody>
</table></div>
</body>
</html>
""")


def render(
    statuses: Sequence[AccountStatus],
    version: str,
    links: str,
    telemetry_path: str,
    *,
    share: str,
    now: float,
    max_staleness: float,
) -> str:
    """Return the status page as HTML.

    Args:
        statuses: What is known of every account.
        version: The exporter's version.
        links: What links begin with.
        telemetry_path: Where the metrics are.
        share: Which share of the accounts this is, in words; empty when it is all of them.
        now: Unix seconds.
        max_staleness: For how many seconds the cases of a failing account are shown.
    """
    ordered = sorted(
        ((_WORST_FIRST.index(status.state(now, max_staleness)), status) for status in statuses),
        key=lambda item: (item[0], item[1].account.name, item[1].account.account_id),
    )
    rows = [_row(status, _WORST_FIRST[rank], now, max_staleness) for rank, status in ordered]
    return _PAGE.substitute(
        version=escape(version),
        links=escape(links),
        telemetry_path=escape(telemetry_path),
        summary=escape(f"{_summary([_WORST_FIRST[rank] for rank, _ in ordered])} {share}"),
        severities="".join(f'<th class="number">{code.capitalize()}</th>' for code in reversed(SEVERITY_CODES)),
        rows="\n".join(rows),
    )


def _summary(states: Sequence[AccountState]) -> str:
    if not states:
        return "No account is known yet."
    counts = ", ".join(f"{states.count(state)} {state}" for state in AccountState if state in states)
    return f"{len(states)} account{'' if len(states) == 1 else 's'}: {counts}."


def _row(status: AccountStatus, state: AccountState, now: float, max_staleness: float) -> str:
    account = status.account
    reading = status.shown_reading(now, max_staleness)
    counts = None if reading is None else count_by_severity(reading.cases)
    cells = [_count(None if counts is None else counts[code]) for code in reversed(SEVERITY_CODES)]
    detail = _detail(status)
    names = "".join(f"<td>{escape(text)}</td>" for text in (account.name, account.account_id, account.region))
    return (
        f"<tr{_TOLD if detail else ''}>{names}"
        f'<td class="{state}">{state}</td>{"".join(cells)}<td>{_ago(status.last_success, now)}</td></tr>{detail}'
    )


def _detail(status: AccountStatus) -> str:
    """Return a row that says why the last poll failed and what to do, or nothing."""
    poll = status.last_poll
    if poll is None or poll.reason is None:
        return ""
    return (
        f'\n<tr><td class="detail" colspan="{_COLUMNS}"><b>{poll.reason}</b>: {escape(advice(poll.reason, poll.detail))}'
        f"<br>{escape(poll.detail)}</td></tr>"
    )


def _count(count: int | None) -> str:
    if not count:
        return f'<td class="number zero">{"" if count is None else 0}</td>'
    return f'<td class="number">{count}</td>'


def _ago(moment: float | None, now: float) -> str:
    if moment is None:
        return "never"
    seconds = max(0, int(now - moment))
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"
