"""From what was measured under load to the rows of the table, with the bounds."""

from bench.table import Row, at_most, number
from bench.under_load import MOST_CORES, Busy, Measured, Plan

_MOST_MILLISECONDS = 1.0
"""CPU for a wrong password in a flood of them, of which next to none are checked: each check would take 50."""


def rows(plan: Plan, measured: Measured) -> list[Row]:
    """Return the rows of the table."""
    fleet = f"{plan.accounts:,} accounts x {plan.cases} cases, read without a pause"
    slow = f"{plan.guessing.connections} wrong passwords every {1000 * plan.guessing.pause:g} ms"
    flood = f"as many wrong passwords as go through on {plan.flood.connections} connections"
    beside = f"The same, and {slow}"
    drowned = f"Nothing read, {flood}"
    return [
        Row(fleet, "nobody scrapes: accounts read", _work(measured.refresh)),
        *_scrape_rows(fleet, f"{plan.scrapers} connections scrape without a pause", measured.scraped),
        *_scrape_rows(beside, f"{plan.scrapers} connections scrape, logged in", measured.attacked),
        *_guess_rows(beside, measured.attacked),
        *_guess_rows(f"Nothing read, {slow}", measured.guessed),
        at_most(f"Nothing read, {slow}", "CPU", measured.guessed.cores, MOST_CORES, "cores"),
        *_guess_rows(drowned, measured.flooded),
        at_most(drowned, "CPU for each", _milliseconds_each(measured.flooded), _MOST_MILLISECONDS, "ms"),
        *_scrape_rows(drowned, f"{plan.scrapers} connections scrape every second, logged in", measured.drowned),
    ]


def _scrape_rows(section: str, what: str, busy: Busy) -> list[Row]:
    load = busy.scrapes
    assert load  # noqa: S101 - scrapers were asked for
    return [
        Row(section, what, f"{number(load.rate)}/s, {number(load.bytes / load.seconds / 2**20)} MiB/s"),
        Row(section, "  p50, p99, slowest", f"{number(load.p50)}, {number(load.p99)}, {number(load.slowest)} ms"),
        _none(section, "  failed", load.failed, f" of {load.requests:,}"),
        Row(section, "  accounts read meanwhile", _work(busy)),
    ]


def _guess_rows(section: str, busy: Busy) -> list[Row]:
    load = busy.guesses
    assert load  # noqa: S101 - guesses were asked for
    checked, put_off = load.unauthorized / load.seconds, load.too_many / load.seconds
    return [
        Row(section, "wrong passwords answered", f"{number(checked)}/s checked, {number(put_off)}/s put off"),
        _none(section, "  let in", load.others),
        Row(section, "  without an answer for 10 s", str(load.socket)),
    ]


def _none(section: str, what: str, count: int, note: str = "") -> Row:
    return Row(section, what, f"{count}{note}", "none", float("inf") if count else 0.0)


def _work(busy: Busy) -> str:
    return f"{number(busy.read)}/s, CPU {number(busy.cores)} cores"


def _milliseconds_each(busy: Busy) -> float:
    assert busy.guesses  # noqa: S101 - guesses were asked for
    return 1000 * busy.cores / busy.guesses.rate
