"""The page at `/`: whether all is well, for a person who has five seconds, and what to do where it is not."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from string import Template

from exporter.cases.model import Author, Reason
from exporter.cases.policy import Policy
from exporter.cases.report import Finding, FleetReport
from exporter.cases.status import AccountState
from exporter.web.status.rows import Part, account_rows, ago, bar, counted, severity_parts, span

_MOST_ALERTS = 5
ASSETS = {
    "status.css": "text/css; charset=utf-8",
    "status.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""What a browser asks for besides the page, and its media type."""


class StatusPage:
    """Renders the page; `assets` has the content of each of `ASSETS`, which the page names with a hash of it."""

    def __init__(self, version: str, links: str, telemetry: str, shard: str) -> None:
        folder = files(__package__).joinpath("assets")
        self.assets = {name: folder.joinpath(name).read_bytes() for name in ASSETS}
        self._template = Template(folder.joinpath("status.html").read_text(encoding="utf-8"))
        keys = {f"{name.partition('.')[2]}_key": hashlib.sha256(self.assets[name]).hexdigest()[:12] for name in ASSETS}
        texts = {"links": links, "telemetry": telemetry, "version": version, "shard": shard}
        self._fixed = keys | {name: escape(text) for name, text in texts.items()}

    def render(self, report: FleetReport, problems: Sequence[str], policy: Policy, now: float) -> str:
        """Return the page as HTML; `problems` are those of the configuration file last read, `now` is in Unix seconds."""
        mood, verdict, details = _verdict(report)
        shared = report.shared_failures
        return self._template.substitute(
            self._fixed,
            title=escape(f"{verdict} - AWS Support"),
            mood=mood,
            verdict=escape(verdict),
            details=escape(details),
            alerts="\n".join(_alerts(report, shared, problems, now)),
            tiles="\n".join(_tiles(report, now)),
            rows="\n".join(account_rows(report.accounts, shared, policy, now)),
            at=datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        )


def _verdict(report: FleetReport) -> tuple[str, str, str]:
    """Return the mood, what matters most in few words, and further details."""
    states = report.states
    total, pending = len(report.accounts), states[AccountState.PENDING]
    broken = states[AccountState.FAILING] + states[AccountState.STALE]
    unlisted = [organization.name for organization in report.organizations if organization.reason is not None]
    overdue = f"{counted(report.overdue, 'first response')} overdue. " if report.overdue else ""
    unsupported = states[AccountState.UNSUPPORTED]
    told = overdue + (f"{counted(unsupported, 'account')} without the Support API." if unsupported else "")
    if broken:
        return "bad", f"{broken} of {counted(total, 'account')} cannot be read", told
    if unlisted == [""]:
        return "bad", "The exporter's own account cannot be found", ""
    if unlisted:
        return "bad", f"{counted(len(unlisted), 'organization')} cannot be listed", told
    if not total:
        return "warn", "No account is known yet", "Accounts are being looked for."
    if pending:
        return "warn", f"{pending} of {counted(total, 'account')} not read yet", "The first round is under way."
    return "warn" if report.overdue else "good", "All accounts are read", told


def _alerts(report: FleetReport, shared: Sequence[Finding], problems: Sequence[str], now: float) -> Iterator[str]:
    if problems:
        shown = [escape(problem) for problem in problems[:_MOST_ALERTS]]
        more = [f"and {len(problems) - _MOST_ALERTS} more"] if len(problems) > _MOST_ALERTS else []
        yield _alert("<b>The configuration file cannot be used</b>; the one before is in force.", *shown, *more)
    failures: dict[tuple[Reason | None, str, str], list[str]] = {}
    for organization in report.organizations:
        if organization.reason is not None:
            what = "<b>The account of the exporter's own credentials cannot be found</b>"
            if organization.name:
                listed = ago(organization.last_success, now)
                what = f"<b>Accounts of {escape(organization.name)} cannot be listed</b>, last listed {listed}"
            failures.setdefault((organization.reason, organization.advice, organization.detail), []).append(what)
        for warning in organization.warnings:
            what = f"<b>Units or tags of {escape(organization.name)} cannot be read</b>"
            failures.setdefault((warning.reason, warning.advice, warning.detail), []).append(what)
    if (events := report.events).reason is not None:
        what = f"<b>Events cannot be received</b>, last received {ago(events.last_receive, now)}"
        failures.setdefault((events.reason, events.advice, events.detail), []).append(what)
    for failure in shared:
        what = f"<b>{counted(len(failure.names), 'account')} cannot be read</b>"
        failures.setdefault((failure.reason, failure.advice, failure.detail), []).append(what)
    for (reason, *told), whats in failures.items():
        yield _alert(f"{'; '.join(whats)} ({reason}).", *map(escape, told))


def _alert(*lines: str) -> str:
    return f'<p class="alert">{"<br>".join(lines)}</p>'


def _tiles(report: FleetReport, now: float) -> list[str]:
    states = [(state.value, state.value, report.states[state]) for state in AccountState if report.states[state]]
    known, late = report.knows_cases, "unanswered beyond their targets"
    aws, customer = report.turns[Author.AWS], report.turns[Author.CUSTOMER]
    turns = [("aws", "AWS", aws), ("customer", "yours", customer)]
    tiles = [
        _tile("Accounts", len(report.accounts), states, filters=True),
        _tile("Open cases", sum(report.severities.values()) if known else None, severity_parts(report.severities)),
        _tile("Your turn", customer if known else None, turns),
        _tile("First response overdue", report.overdue if known else None, told=late, alarm=report.overdue > 0),
    ]
    if (events := report.events).url:
        delay = "" if events.delay is None else f"; on the page after {span(events.delay)}"
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
    title: str, figure: int | None, parts: Sequence[Part] = (), *, told: str = "", alarm: bool = False, filters: bool = False
) -> str:
    legend = "".join(_legend(*part, filters=filters) for part in parts)
    below = f'{bar(parts)}<ul class="legend">{legend}</ul>' if parts else f'<p class="told">{told}</p>'
    shown = str(figure)
    if figure is None:
        shown, below = "\N{EN DASH}", '<p class="told">no account has been read</p>'
    return f'<div class="tile{" alarm" if alarm else ""}"><h3>{title}</h3><p class="figure">{shown}</p>{below}</div>'


def _legend(style: str, name: str, count: int, *, filters: bool) -> str:
    label = f"{count} {escape(name)}"
    linked = f'<a href="#filter=state:{name}" data-filter="state:{name}">{label}</a>' if filters else label
    return f'<li class="{style}{"" if count else " none"}"><i></i>{linked}</li>'
