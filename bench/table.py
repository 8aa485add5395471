"""The table that a benchmark prints: what was measured, the bound that it has to keep, and whether it does."""

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple, TextIO

from rich.console import Console
from rich.table import Table

_WIDTH = 150
_WITHIN = 1.0


class Row(NamedTuple):
    """One line.

    Attributes:
        section: The heading that it stands under.
        what: What was measured.
        figure: What came out, with its unit.
        bound: What it has to keep, or empty.
        ratio: The figure as a share of the bound, or the bound of the figure where more is better; None without a bound.
    """

    section: str
    what: str
    figure: str
    bound: str = ""
    ratio: float | None = None

    @property
    def missed(self) -> bool:
        """Whether there is a bound that was not kept."""
        return self.ratio is not None and self.ratio > _WITHIN


def at_most(section: str, what: str, value: float, bound: float, unit: str, note: str = "") -> Row:
    """Return a row for a figure that has to stay below a bound."""
    return Row(section, what, f"{number(value)} {unit}{note}", f"<= {number(bound)} {unit}", value / bound)


def at_least(section: str, what: str, value: float, bound: float, unit: str, note: str = "") -> Row:
    """Return a row for a figure that has to reach a bound."""
    return Row(section, what, f"{number(value)} {unit}{note}", f">= {number(bound)} {unit}", bound / value)


def number(value: float) -> str:
    """Return a figure with as many digits as mean something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits


def print_table(rows: Iterable[Row], title: str, stream: TextIO) -> None:
    """Print the rows, section by section."""
    table = Table(
        title=title, title_justify="left", title_style="bold", show_edge=False, pad_edge=False, box=None, padding=(0, 2, 0, 0)
    )
    for heading, justify in (("measured", "left"), ("figure", "left"), ("bound", "left"), ("of it", "right"), ("", "left")):
        table.add_column(heading, justify=justify, overflow="fold", no_wrap=heading == "measured")  # type: ignore[arg-type]  # these are rich's own words
    for section, members in groupby(rows, key=lambda row: row.section):
        table.add_row()
        table.add_row(f"[bold]{section}[/bold]")
        for row in members:
            ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
            verdict = "" if row.ratio is None else "[red]MISSED[/red]" if row.missed else "[green]ok[/green]"
            table.add_row(f"  {row.what}", row.figure, row.bound, ratio, verdict)
    Console(file=stream, width=_WIDTH, highlight=False).print(table)
