"""The page at `/`: whether all is well, for a person who has five seconds, and what to do where it is not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from string import Template

from exporter.cases.model import SEVERITY_CODES, Author
from exporter.cases.report import FleetReport
from exporter.cases.status import AccountState
from exporter.web.account_rows import account_rows, severity_class
from exporter.web.markup import ago, bar, counted

_MOST_ALERTS = 5
_UNKNOWN = "\N{EN DASH}"

_Part = tuple[str, str, int]
"""A part of a bar: its class, its name, and how many there are."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What is around the report.

    Attributes:
        version: The exporter's version.
        links: What links begin with.
        telemetry: Where the metrics are, below that.
        share: Which share of the accounts this is, in words; empty when it is all of them.
        keys: By file name, what changes with what is in the file.
    """

    version: str
    links: str
    telemetry: str
    share: str
    keys: Mapping[str, str]


def render(
    template: Template,
    frame: Frame,
    report: FleetReport,
    problems: Sequence[str],
    *,
    now: float,
    case_limit: int | None,
    subjects: bool,
) -> str:
    """Return the status page as HTML.

    Args:
        template: The page without what it tells.
        frame: What is around the report.
        report: How the fleet is doing.
        problems: What is wrong with the configuration file that was last read.
        now: Unix seconds.
        case_limit: How many cases of an account may be shown, or None for none at all.
        subjects: Whether with their subject lines.
    """
    mood, verdict, told = _verdict(report)
    return template.substitute(
        title=escape(f"{verdict} - AWS Support"),
        links=escape(frame.links),
        telemetry=escape(frame.telemetry),
        css_key=frame.keys["status.css"],
        js_key=frame.keys["status.js"],
        icon_key=frame.keys["icon.svg"],
        mood=mood,
        verdict=escape(verdict),
        told=escape(told),
        alerts="\n".join(_alerts(report, problems, now)),
        tiles="\n".join(_tiles(report, now)),
        rows="\n".join(account_rows(report.accounts, now, case_limit, subjects=subjects)),
        version=escape(frame.version),
        share=escape(frame.share),
        at=datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
    )


def _verdict(report: FleetReport) -> tuple[str, str, str]:
    """Return a mood, what matters most in few words, and what else is to be known."""
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


def _alerts(report: FleetReport, problems: Sequence[str], now: float) -> list[str]:
    alerts = []
    if problems:
        told = "<br>".join(escape(problem) for problem in problems[:_MOST_ALERTS])
        rest = f"<br>and {len(problems) - _MOST_ALERTS} more" if len(problems) > _MOST_ALERTS else ""
        alerts.append(_alert("The configuration file cannot be used", "; the one before is in force", told + rest))
    for organization in report.organizations:
        if organization.reason is not None:
            if organization.name:
                what = f"Accounts of {escape(organization.name)} cannot be listed"
                since = f" ({organization.reason.value}); they were last listed {ago(organization.last_success, now)}"
            else:
                what, since = "The account of the exporter's own credentials cannot be found", f" ({organization.reason.value})"
            alerts.append(_alert(what, since, f"{escape(organization.advice)}<br>{escape(organization.detail)}"))
    return alerts


def _alert(what: str, more: str, told: str) -> str:
    return f'<p class="alert"><b>{what}</b>{more}.<br>{told}</p>'


def _tiles(report: FleetReport, now: float) -> list[str]:
    states = [(state.value, state.value, report.states[state]) for state in AccountState if report.states[state]]
    severities = [(severity_class(code), code, count) for code, count in _most_severe_first(report.severities)]
    known = report.knows_cases
    aws, customer = report.turns[Author.AWS], report.turns[Author.CUSTOMER]
    turns = [("aws", "AWS", aws), ("customer", "yours", customer)]
    tiles = [
        _tile("Accounts", len(report.accounts), states, filters=True),
        _tile("Open cases", sum(report.severities.values()) if known else None, severities),
        _tile("Your turn", customer if known else None, turns),
        _tile(
            "First response overdue",
            report.overdue if known else None,
            [],
            told="unanswered beyond their targets",
            alarm=report.overdue > 0,
        ),
    ]
    organizations = [organization for organization in report.organizations if organization.name]
    if organizations:
        told = "<br>".join(
            f"{escape(each.name)}: {counted(each.accounts, 'account')}, listed {ago(each.last_success, now)}"
            for each in organizations
        )
        alarm = any(each.reason is not None for each in organizations)
        tiles.append(_tile("Organizations", len(organizations), told=told, alarm=alarm))
    return tiles


def _tile(
    title: str, figure: int | None, parts: Sequence[_Part] = (), *, told: str = "", alarm: bool = False, filters: bool = False
) -> str:
    legend = "".join(_legend(*part, filters=filters) for part in parts)
    below = f'{bar(parts)}<ul class="legend">{legend}</ul>' if parts else f'<p class="told">{told}</p>'
    shown = str(figure)
    if figure is None:
        shown = _UNKNOWN
        below = '<p class="told">no account has been read</p>'
    return f'<div class="tile{" alarm" if alarm else ""}"><h3>{title}</h3><p class="figure">{shown}</p>{below}</div>'


def _legend(style: str, name: str, count: int, *, filters: bool) -> str:
    label = f"{count} {escape(name)}"
    linked = f'<a href="#filter=state:{name}" data-filter="state:{name}">{label}</a>' if filters else label
    return f'<li class="{style}{"" if count else " none"}"><i></i>{linked}</li>'


def _most_severe_first(severities: Mapping[str, int]) -> list[tuple[str, int]]:
    others = [(code, count) for code, count in severities.items() if code not in SEVERITY_CODES]
    return [(code, severities[code]) for code in reversed(SEVERITY_CODES)] + others
