"""What `check` and `once` show in a terminal."""

import json
import os
import shutil
import textwrap
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TextIO

from exporter.cases.advice import advice
from exporter.cases.model import Reason
from exporter.cases.report import OrganizationStatus
from exporter.cases.status import AccountStatus

_WIDE = 160
"""Columns of a table that goes into a file or a pipe."""
_NO_ACCOUNT = "-"
_OWN_ACCOUNT = "own account"


@dataclass(frozen=True, slots=True)
class Row:
    """How the check of one account went, or of listing an organization, whose account id is a dash."""

    account_id: str
    account_name: str
    credentials: str  # where they come from
    plan: str  # whether it includes the Support API: yes, no or unknown
    open_cases: int | None  # None when it could not be read
    seconds: float
    reason: Reason | None
    detail: str
    advice: str

    def fails(self, *, strict: bool) -> bool:
        """Return whether the account counts as failed; one without a support plan does only in a strict check."""
        return self.reason is not None and (strict or self.reason is not Reason.SUBSCRIPTION_REQUIRED)


def row(status: AccountStatus, credentials: str) -> Row:
    """Return how the check of an account went, from what is known of it after one poll."""
    poll = status.last_poll
    reason = poll.reason if poll else Reason.INTERNAL
    detail = poll.detail if poll else "it was not polled"
    return Row(
        account_id=status.account.account_id,
        account_name=status.account.name,
        credentials=credentials,
        plan={True: "yes", False: "no", None: "unknown"}[status.supported],
        open_cases=len(status.reading.cases) if status.reading else None,
        seconds=round(poll.duration, 3) if poll else 0.0,
        reason=reason,
        detail=detail,
        advice=advice(reason, detail) if reason else "",
    )


def discovery_row(failed: OrganizationStatus) -> Row:
    """Return that listing the accounts of an organization failed."""
    name = failed.name or _OWN_ACCOUNT
    return Row(_NO_ACCOUNT, name, "-", "unknown", None, 0.0, failed.reason, failed.detail, failed.advice)


def shared_endpoint_note(regions: Sequence[str], endpoints: Sequence[str]) -> str:
    """Return that several regions are fewer endpoints of Support."""
    told = (
        f"1 Support endpoint, {endpoints[0]}"
        if len(endpoints) == 1
        else f"{len(endpoints)} Support endpoints, {', '.join(endpoints)}"
    )
    return f"The {len(regions)} regions {', '.join(regions)} are {told}: those that share one are no fail-over for each other."


_CELLS: Mapping[str, Callable[[Row], str]] = {
    "Account": lambda row: row.account_id,
    "Name": lambda row: row.account_name,
    "Credentials": lambda row: row.credentials,
    "Plan": lambda row: row.plan,
    "Open": lambda row: "-" if row.open_cases is None else str(row.open_cases),
    "Seconds": lambda row: f"{row.seconds:.2f}",
    "Result": lambda row: row.reason or "ok",
}
_RIGHT = ("Open", "Seconds")
_DROPPED_WHEN_NARROW = ((), ("Seconds",), ("Credentials",), ("Seconds", "Credentials"))
"""Columns to drop on a narrow terminal: the first choice that is enough. Credentials are then shown with each failure."""
_BOLD, _RED, _GREEN, _YELLOW = "1", "31", "32", "33"
_CLEAR_LINE = "\r\x1b[2K"


@contextmanager
def progress(stream: TextIO) -> Iterator[Callable[[int, int], None]]:
    """Show how many accounts were polled, while they are; nothing but a terminal gets it."""
    shown = stream.isatty()

    def show(done: int, total: int) -> None:
        if shown:
            stream.write(f"{_CLEAR_LINE}Polling accounts {done}/{total}" if total else f"{_CLEAR_LINE}Finding accounts")
            stream.flush()

    try:
        yield show
    finally:
        if shown:
            stream.write(_CLEAR_LINE)


def print_table(rows: Sequence[Row], notes: Iterable[str], stream: TextIO, *, strict: bool) -> None:
    """Print what was found as a table, those that need someone last, where the eye is; and notes."""
    columns = shutil.get_terminal_size().columns if stream.isatty() else _WIDE

    def write(text: str, style: str, indent: str = "") -> None:
        stream.writelines(
            f"{_styled(line, style, stream)}\n"
            for line in textwrap.wrap(text, columns, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
        )

    ordered = sorted(rows, key=lambda row: (row.fails(strict=strict), row.reason is not None, row.account_name))
    dropped, lines = _lines(ordered, columns)
    if rows:
        stream.write(f"{_styled(lines[0], _BOLD, stream)}\n")
        for line, row in zip(lines[1:], ordered, strict=True):
            result = _CELLS["Result"](row)
            stream.write(f"{line.removesuffix(result)}{_styled(result, _style(row, strict=strict), stream)}\n")
    for row in ordered:
        if row.reason is not None:
            who = row.account_name if row.account_id == _NO_ACCOUNT else f"{row.account_id} {row.account_name}"
            with_what = f" ({row.credentials})" if "Credentials" in dropped and row.credentials != "-" else ""
            stream.write("\n")
            write(f"{who}{with_what}: {row.detail}", _style(row, strict=strict))
            write(row.advice, "", "  ")
    for note in notes:
        stream.write("\n")
        write(note, _YELLOW)
    stream.write("\n")
    write(_summary(rows, strict=strict), "")


def _lines(rows: Sequence[Row], columns: int) -> tuple[Sequence[str], list[str]]:
    """Return which columns are dropped, and the table's lines, cut where even the narrowest is too wide."""
    lines: list[str] = []
    for dropped in _DROPPED_WHEN_NARROW:
        headings = [heading for heading in _CELLS if heading not in dropped]
        cells = [headings, *([_CELLS[heading](row) for heading in headings] for row in rows)]
        widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(map(_padded, line, widths, headings)).rstrip() for line in cells]
        if max(map(_width, lines)) <= columns:
            break
    return dropped, lines


def _padded(text: str, width: int, heading: str) -> str:
    blank = " " * (width - _width(text))
    return blank + text if heading in _RIGHT else text + blank


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes: some characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _summary(rows: Sequence[Row], *, strict: bool) -> str:
    accounts = [row for row in rows if row.account_id != _NO_ACCOUNT]
    failed = sum(row.fails(strict=strict) for row in accounts)
    checked = f"{len(accounts)} account{'' if len(accounts) == 1 else 's'} checked, {failed or 'none'} failed."
    if not accounts:
        checked = "No account was checked." if rows else "No account was checked: no account matches include and exclude."
    if any(row.account_name == _OWN_ACCOUNT for row in rows if row.account_id == _NO_ACCOUNT):
        return f"{checked} Finding the account of the exporter's own credentials failed: see above."
    return f"{checked} Listing an organization failed: see above." if len(rows) > len(accounts) else checked


def print_json(rows: Sequence[Row], notes: Iterable[str], stream: TextIO, *, strict: bool) -> None:
    """Print what was found as JSON, for scripts."""
    accounts = [asdict(row) | {"failed": row.fails(strict=strict)} for row in rows]
    failed = sum(row.fails(strict=strict) for row in rows)
    json.dump({"accounts": accounts, "failed": failed, "notes": [*notes]}, stream, indent=2)
    stream.write("\n")


def _style(row: Row, *, strict: bool) -> str:
    if row.reason is None:
        return _GREEN
    return _RED if row.fails(strict=strict) else _YELLOW


def _styled(text: str, style: str, stream: TextIO) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if style and stream.isatty() and "NO_COLOR" not in os.environ else text
