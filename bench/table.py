"""The table that a benchmark prints: what was measured, the bound that it has to keep, and whether it does."""

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple, TextIO

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
    stream.write(f"{title}\n")
    for section, members in groupby(rows, key=lambda row: row.section):
        stream.write(f"\n{section}\n")
        for row in members:
            ratio = "" if row.ratio is None else f"{row.ratio:5.2f}  {'MISSED' if row.missed else 'ok'}"
            stream.write(f"  {row.what:<56}  {row.figure:<52}  {row.bound:<22}  {ratio}".rstrip() + "\n")
