"""What `check` and `once` show in a terminal, and `check` as JSON."""

import json
import os
import shutil
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from exporter.cases.model import Access, Reason
from exporter.cases.report import Finding, finding, grouped
from exporter.cases.status import AccountStatus

_WIDE, _MOST_NAMES = 160, 3  # columns of what goes into a file or a pipe, and accounts that are named
_BARE = ("arn", "method", "regions", "partition", "host")  # facts that need no name
_BOLD, _RED, _GREEN, _YELLOW = "1", "31", "32", "33"
_CLEAR_LINE = "\r\x1b[2K"


@dataclass(frozen=True, slots=True)
class Findings:
    """All that a check found out; in a strict one, an account without a support plan fails, too."""

    credentials: Sequence[Finding]
    endpoints: Sequence[Finding]
    organizations: Sequence[Finding]
    accounts: Sequence[Finding]
    warnings: Sequence[Finding]
    notes: Sequence[str]
    unknown_accounts: Sequence[str]  # that were asked for
    strict: bool = False

    @property
    def failed(self) -> int:
        return sum(self.style(account) == _RED for account in self.accounts)

    @property
    def exit_code(self) -> int:
        queue = [each for each in self.endpoints if each.names[0] == "sqs"]
        is_broken = any(each.reason for each in (*self.organizations, *queue))
        return int(bool(self.failed or self.unknown_accounts or is_broken or not self.accounts))

    def style(self, found: Finding) -> str:
        if found.reason and (self.strict or found.reason is not Reason.SUBSCRIPTION_REQUIRED):
            return _RED
        return _YELLOW if found.reason or found.facts.get("unmatched") else _GREEN

    def failures(self) -> list[Finding]:
        """Return what went wrong with anything, the same only once; what needs someone last, where the eye is."""
        found = (*self.credentials, *self.endpoints, *self.organizations, *self.accounts)
        return sorted(grouped(each for each in found if each.reason), key=lambda failure: self.style(failure) == _RED)


def account(status: AccountStatus, access: Access, callers: Mapping[str | None, str]) -> Finding:
    """Return how the check of an account went after one poll; `callers` has who assumes roles, by profile."""
    poll, reading = status.last_poll, status.reading
    facts = {
        "account_id": status.account.account_id,
        "account_name": status.account.name,
        "organizational_unit": status.account.organizational_unit,
        "credentials": str(access),
        "open_cases": len(reading.cases) if reading else None,
        "seconds": round(poll.duration, 3) if poll else 0.0,
    }
    caller = callers.get(access.profile, "") if len(access.chain) == 1 else ""
    reason, detail = (poll.reason, poll.detail) if poll else (None, "")
    return finding(status.account.account_id, facts, reason, detail, caller)


@contextmanager
def progress(stream: TextIO) -> Iterator[Callable[[str], None]]:
    """Show what is done, while it is; nothing but a terminal gets it."""
    shown = stream.isatty()

    def show(doing: str) -> None:
        if shown:
            stream.write(f"{_CLEAR_LINE}{doing}")
            stream.flush()

    try:
        yield show
    finally:
        if shown:
            stream.write(_CLEAR_LINE)


def print_text(found: Findings, stream: TextIO) -> None:
    """Print what accounts depend on, the accounts, and at the end, where the eye is, what needs someone."""
    columns = shutil.get_terminal_size().columns if stream.isatty() else _WIDE

    def write(text: str, style: str = "", first: str = "", further: str = "") -> None:
        wrapped = textwrap.wrap(text, columns, initial_indent=first, subsequent_indent=further, break_on_hyphens=False)
        stream.writelines(f"{_styled(line, style, stream)}\n" for line in wrapped)

    for title in ("credentials", "endpoints", "organizations"):
        things: Sequence[Finding] = getattr(found, title)
        if things:
            write(title.capitalize(), _BOLD)
        for thing in things:
            mark = {_GREEN: "\N{CHECK MARK}", _YELLOW: "!", _RED: "\N{BALLOT X}"}[found.style(thing)]
            write(f"{mark} {thing.names[0]}: {', '.join(_told(thing))}", found.style(thing), further="  ")
    stream.writelines(f"{line}\n" for line in _table(found, stream))
    accounts = {each.names[0]: each.facts for each in found.accounts}
    for failure in [*found.failures(), *found.warnings]:
        stream.write("\n")
        write(f"{_who(failure, accounts)}: {failure.detail}", _YELLOW if failure in found.warnings else found.style(failure))
        write(failure.advice, first="  ", further="  ")
    unknown = [f"{each}: no configured or discovered account has this ID" for each in found.unknown_accounts]
    for note in (*found.notes, *unknown, _summary(found)):
        stream.write("\n")
        write(note)


def _told(thing: Finding) -> Iterator[str]:
    _, *facts = thing.facts.items()
    for key, value in facts:
        if value is not None and value is not False and value != []:
            named = "" if key in _BARE else key.replace("_", " ")
            yield f"{named} {', '.join(value) if isinstance(value, list) else '' if value is True else value}".strip()
    if thing.reason:
        yield thing.reason


def _table(found: Findings, stream: TextIO) -> Iterator[str]:
    """Yield a line for each account; the name comes last, as it may be long, or of characters that take two columns."""
    ordered = sorted(
        found.accounts, key=lambda each: (found.style(each) == _RED, each.reason is not None, each.facts["account_name"])
    )
    if ordered:
        yield f"\n{_styled('Account       Result                 Open  Seconds  Name', _BOLD, stream)}"
    for each in ordered:
        facts, result = each.facts, _styled(f"{each.reason or 'ok':21}", found.style(each), stream)
        open_cases = "-" if facts["open_cases"] is None else facts["open_cases"]
        unit = f" · {facts['organizational_unit']}" if facts.get("organizational_unit") else ""
        yield f"{facts['account_id']}  {result}  {open_cases:>4}  {facts['seconds']:7.2f}  {facts['account_name']}{unit}"


def _who(failure: Finding, accounts: Mapping[str, Mapping[str, object]]) -> str:
    ids = [name for name in failure.names if name in accounts]
    told = [name for name in failure.names if name not in accounts]
    if len(ids) == 1:
        told.append(f"{ids[0]} {accounts[ids[0]]['account_name']} ({accounts[ids[0]]['credentials']})")
    elif ids:
        more = f" and {len(ids) - _MOST_NAMES} more" if len(ids) > _MOST_NAMES else ""
        told.append(f"{len(ids)} accounts ({', '.join(ids[:_MOST_NAMES])}{more})")
    return f"{', '.join(told)}: {failure.reason}"


def _summary(found: Findings) -> str:
    count, unlisted = len(found.accounts), [listed.names[0] for listed in found.organizations if listed.reason]
    checked = f"{count} account{'' if count == 1 else 's'} checked, {found.failed or 'none'} failed."
    if not count:
        no_match = "" if unlisted or found.unknown_accounts else ": no account matches include and exclude"
        checked = f"No account was checked{no_match}."
    return f"{checked} Listing accounts failed ({', '.join(unlisted)}): see above." if unlisted else checked


def print_json(found: Findings, stream: TextIO) -> None:
    def told(each: Finding, facts: Mapping[str, object]) -> dict[str, object]:
        return {**facts, "reason": each.reason, "detail": each.detail, "advice": each.advice}

    titles = ("credentials", "endpoints", "organizations", "accounts")
    document: dict[str, object] = {title: [told(each, each.facts) for each in getattr(found, title)] for title in titles}
    for title, failures in (("failures", found.failures()), ("warnings", found.warnings)):
        document[title] = [told(each, {"names": each.names}) for each in failures]
    document |= {"notes": found.notes, "unknown_accounts": found.unknown_accounts, "failed": found.failed}
    json.dump(document, stream, indent=2)
    stream.write("\n")


def _styled(text: str, style: str, stream: TextIO) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if style and stream.isatty() and "NO_COLOR" not in os.environ else text
