"""The page at `/`: whether all is well, for a person who has five seconds, and what to do where it is not."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from string import Template

from exporter.cases import aggregate
from exporter.cases.model import Author, Reason
from exporter.cases.policy import Policy
from exporter.cases.report import EventQueueStatus, Finding, FleetReport, OrganizationStatus
from exporter.cases.status import AccountState
from exporter.web.status.rows import Part, account_rows, ago, bar, counted, severity_parts, span, until

_MOST_ALERTS = 5
ASSETS = {
    "status.css": "text/css; charset=utf-8",
    "status.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""What a browser requests in addition to the page, with media types."""


class StatusPage:
    """Renders the page; `assets` has the content of each of `ASSETS`, which the page names with a hash of it."""

    def __init__(self, version: str, links: str, telemetry: str, shard: Callable[[], str], notice: str, retry: str) -> None:
        folder = files(__package__).joinpath("assets")
        self.assets = {name: folder.joinpath(name).read_bytes() for name in ASSETS}
        self._template = Template(folder.joinpath("status.html").read_text(encoding="utf-8"))
        self._retry, self._shard = escape(retry), shard
        self._notice = [_alert(escape(notice), style="note")] if notice else []
        keys = {f"{name.partition('.')[2]}_key": hashlib.sha256(self.assets[name]).hexdigest()[:12] for name in ASSETS}
        texts = {"links": links, "telemetry": telemetry, "version": version}
        self._fixed = keys | {name: escape(text) for name, text in texts.items()}

    def render(self, report: FleetReport, problems: Sequence[str], policy: Policy, now: float) -> str:
        """Return the page as HTML; `problems` are those of the configuration file last read, `now` is in Unix seconds."""
        late = [case for each in report.accounts for case in each.cases or () if case.case_id in each.overdue]
        overdue = aggregate.count_by_severity(late)
        mood, verdict, details = _verdict(report, overdue)
        shared = report.shared_failures
        same, rows = account_rows(report.accounts, shared, policy, now)
        return self._template.substitute(
            self._fixed,
            title=escape(f"{verdict} - AWS Support"),
            mood=mood,
            verdict=escape(verdict),
            details=escape(details),
            alerts="\n".join((*self._notice, *_alerts(report, shared, problems, self._retry, now))),
            tiles="\n".join(_tiles(report, overdue, now)),
            same=same,
            shard=escape(self._shard()),
            rows="\n".join(rows),
            at=datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        )


def _verdict(report: FleetReport, overdue: Mapping[str, int]) -> tuple[str, str, str]:
    """Return the mood, what matters most in few words, and what else there is."""
    states, total = report.states, counted(len(report.accounts), "account")
    broken, pending = states[AccountState.FAILING] + states[AccountState.STALE], states[AccountState.PENDING]
    severe = [f"{overdue[code]} {code}" for code in ("critical", "urgent") if overdue[code]]
    others = report.overdue - overdue["critical"] - overdue["urgent"]
    failed = [each.name for each in report.organizations if each.reason]
    looked = f"Listing accounts of {counted(len(failed), 'organization')}" if any(failed) else "Looking up own account"
    (mood, verdict), *more = [
        (mood, text)
        for mood, applies, text in (
            ("bad", severe, f"First response overdue: {' and '.join(severe)}"),
            ("bad", broken, f"Polling failed for {broken} of {total}"),
            ("bad", failed, f"{looked} failed"),
            ("warn", others, f"{counted(others, 'other first response' if severe else 'first response')} overdue"),
            ("warn", pending, f"{pending} of {total} not polled yet"),
            ("warn", not (report.accounts or failed), "Discovering accounts"),
            ("good", report.accounts and not (broken or pending), "All accounts polled"),
        )
        if applies
    ]
    return mood, verdict, " ".join(f"{text}." for _, text in more)


def _alerts(report: FleetReport, shared: Sequence[Finding], problems: Sequence[str], retry: str, now: float) -> Iterator[str]:
    if problems:
        more = [f"and {len(problems) - _MOST_ALERTS} more"] if len(problems) > _MOST_ALERTS else []
        what = "<b>Reloading the configuration failed</b>; the previous one stays in use."
        yield _alert(what, *map(escape, problems[:_MOST_ALERTS]), *more)
    found: list[tuple[str, OrganizationStatus | EventQueueStatus | Finding]] = []
    for each in report.organizations:
        name = f"accounts of {escape(each.name)}"
        if each.reason:
            what = f"Listing {name}" if each.name else "Looking up own account"
            found.append((f"<b>{what} failed</b>, last success {ago(each.last_success, now)}", each))
        for warning in each.warnings:
            what = f"Reading units or tags of {name} failed" if warning.reason else f"Many {name} left"
            found.append((f"<b>{what}</b>", warning))
    if (events := report.events).reason:
        found.append((f"<b>Receiving events failed</b>, last success {ago(events.last_receive, now)}", events))
    due = {each.status.account.account_id: each.status.next_poll or now for each in report.accounts}
    for failure in shared:
        count, next_poll = counted(len(failure.names), "account"), min(due[account_id] for account_id in failure.names)
        linked = f'<a href="#filter={failure.reason}" data-filter="{failure.reason}">{count}</a>'
        found.append((f"<b>Polling failed for {linked}</b>, retries {until(next_poll, now)}", failure))
    alike: dict[tuple[Reason | None, str, str], list[str]] = {}
    for what, why in found:
        alike.setdefault((why.reason, why.advice, why.detail), []).append(what)
    for (reason, *told), whats in alike.items():
        end, style = (f" ({reason}). {retry}", "bad") if reason else ("", "warn")
        yield _alert(f"{'; '.join(whats)}{end}", *map(escape, told), style=style)


def _alert(*lines: str, style: str = "bad") -> str:
    return f'<p class="alert {style}">{"<br>".join(lines)}</p>'


def _tiles(report: FleetReport, overdue: Mapping[str, int], now: float) -> list[str]:
    states = [(state.value, state.value, report.states[state]) for state in AccountState if report.states[state]]
    aws, customer = report.turns[Author.AWS], report.turns[Author.CUSTOMER]
    late, known = severity_parts(overdue), report.knows_cases
    last = max((each.status.last_success or 0.0 for each in report.accounts), default=0.0)
    unknown = f"last polled {ago(last, now)}" if last else "no successful poll yet"
    tiles = [
        _tile("Accounts", len(report.accounts), states, filters=True),
        _tile("Open cases", sum(report.severities.values()) if known else None, severity_parts(report.severities), unknown),
        _tile("Waiting on you", customer if known else None, [("aws", "AWS", aws), ("customer", "you", customer)], unknown),
        _tile("First response overdue", report.overdue if known else None, late, unknown, alarm=report.overdue > 0),
    ]
    if (events := report.events).url:
        delay = "" if events.delay is None else f", shown after {span(events.delay)}"
        latest = f"last one {ago(events.last_event, now)}{delay}"
        tiles.append(_tile("Events", events.count, told=latest, alarm=events.up is False))
    organizations = [organization for organization in report.organizations if organization.name]
    if organizations:
        told = "<br>".join(
            f"{escape(each.name)}: {counted(each.accounts, 'account')}, listed {ago(each.last_success, now)}"
            for each in organizations
        )
        tiles.append(_tile("Organizations", len(organizations), told=told, alarm=any(each.reason for each in organizations)))
    return tiles


def _tile(
    title: str, figure: int | None, parts: Sequence[Part] = (), told: str = "", *, alarm: bool = False, filters: bool = False
) -> str:
    """Return a tile with the parts of a figure, or what is told where there are none or the figure is not known."""
    legend = "".join(_legend(*part, filters=filters) for part in parts)
    below = f'<p class="told">{told}</p>' if figure is None or not parts else f'{bar(parts)}<ul class="legend">{legend}</ul>'
    shown = "\N{EN DASH}" if figure is None else figure
    return f'<div class="tile{" alarm" if alarm else ""}"><h3>{title}</h3><p class="figure">{shown}</p>{below}</div>'


def _legend(style: str, name: str, count: int, *, filters: bool) -> str:
    label = f"{count} {escape(name)}"
    linked = f'<a href="#filter=state:{name}" data-filter="state:{name}">{label}</a>' if filters else label
    return f'<li class="{style}{"" if count else " none"}"><i></i>{linked}</li>'
