"""What `check` and `once` show in a terminal."""

import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TextIO

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from exporter.cases.advice import advice
from exporter.cases.model import Reason
from exporter.cases.report import OrganizationStatus
from exporter.cases.status import AccountStatus

_WIDE = 160
"""Columns of a table that goes into a file or a pipe."""
_UNBOUNDED = 10_000
_NO_ACCOUNT = "-"
_OWN_ACCOUNT = "own account"


@dataclass(frozen=True, slots=True)
class Row:
    """How the check of one account went, or of listing an organization, whose account id is a dash.

    Attributes:
        credentials: Where its credentials come from.
        plan: Whether its support plan includes the Support API: yes, no or unknown.
        open_cases: None when it could not be read.
    """

    account_id: str
    account_name: str
    credentials: str
    plan: str
    open_cases: int | None
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
}
_DROPPED_WHEN_NARROW = ((), ("Seconds",), ("Credentials",), ("Seconds", "Credentials"))
"""Columns to drop on a narrow terminal: the first choice that is enough. Credentials are then shown with each failure."""


@contextmanager
def progress_bar(stream: TextIO) -> Iterator[Callable[[int, int], None]]:
    """Show a bar while accounts are polled; nothing but a terminal gets one."""
    console = Console(file=stream)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Finding accounts", total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, description="Polling accounts", completed=done, total=total)

        yield show


def print_table(rows: Sequence[Row], notes: Iterable[str], stream: TextIO, *, strict: bool) -> None:
    """Print what was found as a table, those that need someone last, where the eye is; and notes."""
    console = Console(file=stream, highlight=False, width=None if stream.isatty() else _WIDE)
    ordered = sorted(rows, key=lambda row: (row.fails(strict=strict), row.reason is not None, row.account_name))
    for left_out in _DROPPED_WHEN_NARROW:
        table = _table(ordered, left_out, strict=strict)
        # Unbounded: what it would like, not what it would be squeezed to.
        if console.measure(table, options=console.options.update(max_width=_UNBOUNDED)).maximum <= console.width:
            break
    if rows:
        console.print(table)
    for row in ordered:
        if row.reason is not None:
            who = row.account_name if row.account_id == _NO_ACCOUNT else f"{row.account_id} {row.account_name}"
            with_what = f" ({row.credentials})" if "Credentials" in left_out and row.credentials != "-" else ""
            console.print(Text(f"\n{who}{with_what}: {row.detail}", style=_style(row, strict=strict)))
            console.print(Padding(Text(row.advice), (0, 0, 0, 2), expand=False))
    for note in notes:
        console.print(Text(f"\n{note}", style="yellow"))
    accounts = [row for row in rows if row.account_id != _NO_ACCOUNT]
    failed = sum(row.fails(strict=strict) for row in accounts)
    checked = f"{len(accounts)} account{'' if len(accounts) == 1 else 's'} checked, {failed or 'none'} failed."
    if not accounts:
        checked = "No account was checked." if rows else "No account was checked: no account matches include and exclude."
    lists = " Listing an organization failed: see above." if len(rows) > len(accounts) else ""
    if any(row.account_name == _OWN_ACCOUNT for row in rows if row.account_id == _NO_ACCOUNT):
        lists = " Finding the account of the exporter's own credentials failed: see above."
    console.print(f"\n{checked}{lists}")


def _table(rows: Sequence[Row], left_out: Container[str], *, strict: bool) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    cells = {heading: tell for heading, tell in _CELLS.items() if heading not in left_out}
    for heading in cells:
        wraps = heading in {"Name", "Credentials"}
        right = heading in {"Open", "Seconds"}
        table.add_column(heading, overflow="fold", no_wrap=not wraps, justify="right" if right else "left")
    table.add_column("Result", no_wrap=True)
    for row in rows:
        style = "green" if row.reason is None else _style(row, strict=strict)
        table.add_row(*(Text(tell(row)) for tell in cells.values()), Text(row.reason or "ok", style=style))
    return table


def print_json(rows: Sequence[Row], notes: Iterable[str], stream: TextIO, *, strict: bool) -> None:
    """Print what was found as JSON, for scripts."""
    accounts = [asdict(row) | {"failed": row.fails(strict=strict)} for row in rows]
    failed = sum(row.fails(strict=strict) for row in rows)
    json.dump({"accounts": accounts, "failed": failed, "notes": [*notes]}, stream, indent=2)
    stream.write("\n")


def _style(row: Row, *, strict: bool) -> str:
    return "red" if row.fails(strict=strict) else "yellow"
