"""Measures the exporter on whole fleets, beside what it could be measured against: `python -m bench.fleet`.

AWS is a simulator in a process of its own, and the exporter runs as its users run it. All figures are of one run; the bounds
are of two cores with nothing else to do.
"""

import argparse
import compileall
import os
import platform
import re
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.measuring import (
    OFTEN,
    SCRAPERS,
    Fill,
    Plan,
    Refresh,
    Resting,
    account_ids,
    discovering_config,
    explicit_config,
    fill,
    refresh,
    resting,
    simulated_aws,
)
from bench.processes import ROOT, SimulatedAws
from bench.rivals import Cost, measure
from bench.table import Row, at_least, at_most, number, print_table
from tests.support.fetch import fetch
from tests.support.waiting import wait_until

QUICK = Plan(
    accounts=100, settle=2.0, idle=3.0, ages=1, refreshes=1, scripted=5, growth=((300, 3, 256),), rounds=2, rounds_accounts=10
)
"""A look in two minutes: small fleets, for which the bounds of memory and of time say little."""
_LARGEST = (10_000, 3)
_SMALL_PAGE = 300
_PACE, _LIVING_CASES = 300, 20


class Measured(NamedTuple):
    """All that was measured of one fleet; `scraped` is a refresh with scrapers, and `discovered` a fill by ListAccounts."""

    fill: Fill
    resting: Resting
    refresh: Refresh
    scraped: Refresh | None = None
    discovered: Fill | None = None


class Rivals(NamedTuple):
    """What the raw limit took for the whole fleet when it waits for nothing; a script for some of it; and a list of it all."""

    raw: Cost
    script: Cost
    listing: Cost


class Grown(NamedTuple):
    """What was measured of a fleet of another size."""

    accounts: int
    cases: int
    fill: Fill
    refresh: Refresh
    rss: float


def main(arguments: Sequence[str]) -> int:
    """Measure, and print the table.

    Returns:
        0, or with `--strict` 1 when a bound was missed.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.fleet", description="Measures the exporter on whole fleets.")
    parser.add_argument("--quick", action="store_true", help="small fleets, in about two minutes")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a bound is missed")
    parser.add_argument("--only", choices=PARTS, action="append", help="a part; may be given several times (default: all)")
    parser.add_argument("--rounds", type=int, help="for how many rounds, 10 s each, nothing may grow (default: 50)")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="whose exporter is measured, run in its own .venv")
    options = parser.parse_args(arguments)
    plan = replace(QUICK if options.quick else Plan(), checkout=options.checkout.absolute())
    if options.rounds is not None:
        plan = replace(plan, rounds=options.rounds)
    # So that every process is ended that was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    compileall.compile_dir(plan.checkout / "exporter", quiet=1)  # as pip does, who installs it
    began, rows = time.monotonic(), list[Row]()
    for name in options.only or PARTS:
        _tell(name)
        with tempfile.TemporaryDirectory(prefix="aws-support-exporter-bench-") as folder:
            rows += PARTS[name](plan, Path(folder))
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[1]:.1f}"
    print_table(rows, f"bench/fleet: {machine}, {time.monotonic() - began:.0f} s", sys.stdout)
    return int(options.strict and any(row.missed for row in rows))


def fleet_part(plan: Plan, folder: Path) -> list[Row]:
    """Measure the main fleet, beside what else reads it."""
    rivals = measure_rivals(plan, _new(folder, "rivals"))
    return fleet_rows(plan, measure_fleet(plan, _new(folder, "main"), plan.cases, busy=True), rivals)


def likelier_part(plan: Plan, folder: Path) -> list[Row]:
    """Measure a fleet as most are, and a small one."""
    measured = measure_fleet(plan, folder, plan.likelier_cases, busy=False)
    name = f"{plan.accounts:,} accounts x {plan.likelier_cases} cases"
    return [
        Row(name, "first fill", f"{number(measured.fill.seconds)} s, CPU {number(measured.fill.cpu)} s"),
        Row(name, "refresh at full speed", f"{number(measured.refresh.seconds)} s, CPU {number(measured.refresh.cpu)} s"),
        *_memory_rows(name, measured.resting, rss=85, ages=0.5),
        _small_page_row(plan, _new(folder, "small")),
    ]


def tls_part(plan: Plan, folder: Path) -> list[Row]:
    """Measure the main fleet over TLS, as AWS is."""
    name = f"{plan.accounts:,} accounts x {plan.cases} cases over TLS"
    with simulated_aws(_new(folder, "raw"), replace(plan, latency=0.0), plan.accounts, plan.cases, tls=True) as aws:
        raw = measure("raw", aws, plan.ids)
    with simulated_aws(folder, plan, plan.accounts, plan.cases, tls=True) as aws:
        measured = _grown(plan, folder, aws, plan.accounts, plan.cases)
    cpu = measured.refresh.cpu
    return [
        Row(name, "first fill", f"{number(measured.fill.seconds)} s, CPU {number(measured.fill.cpu)} s"),
        at_most(name, "CPU of a refresh at full speed", cpu, 1.9 * raw.cpu_seconds, "s", _times(cpu, raw)),
        Row(name, "RSS", f"{number(measured.rss)} MiB"),
    ]


def growth_part(plan: Plan, folder: Path) -> list[Row]:
    """Measure fleets of other sizes."""
    grown = []
    for accounts, cases, concurrency in plan.growth:
        each = _new(folder, f"{accounts}x{cases}")
        other = replace(plan, concurrency=concurrency, refreshes=1)
        with simulated_aws(each, plan, accounts, cases) as aws:
            grown.append(_grown(other, each, aws, accounts, cases))
    return growth_rows(grown)


def rounds_part(plan: Plan, folder: Path) -> list[Row]:
    """Read a small living fleet for many rounds, in which nothing may grow."""
    accounts, footprints = plan.rounds_accounts, list[tuple[int, float, int, int]]()
    living = (f"--accounts={accounts}", f"--cases={_LIVING_CASES}", f"--pace={_PACE}", f"--latency={plan.latency}")
    with ExitStack() as stack:
        aws = stack.enter_context(SimulatedAws(folder, *living))
        exporter = stack.enter_context(plan.exporter(folder, discovering_config(plan, OFTEN), aws))
        for rounds in sorted({max(1, plan.rounds // 10), max(1, plan.rounds // 2), plan.rounds} - {0}):
            enough, patience = rounds * accounts, 60.0 + 2 * OFTEN * rounds
            wait_until(lambda: aws.read() >= enough or None, patience, lambda: "no more rounds", pause_seconds=0.5)  # noqa: B023 - at once
            footprints.append((rounds, exporter.rss(), exporter.threads(), exporter.descriptors()))
    if not footprints:
        return []
    numbers, *figures = zip(*footprints, strict=True)
    name = f"Nothing grows: rounds {', '.join(map(str, numbers))} over a living fleet"
    kinds = (("RSS, MiB", 1.03), ("threads", 1.0), ("open files and sockets", 1.1))
    return [
        Row(name, what, ", ".join(map(number, each)), f"end <= {bound:g} x half-way", each[-1] / each[-2:][0] / bound)
        for (what, bound), each in zip(kinds, figures, strict=True)
    ]


PARTS = {"fleet": fleet_part, "likelier": likelier_part, "tls": tls_part, "growth": growth_part, "rounds": rounds_part}


def measure_fleet(plan: Plan, folder: Path, cases: int, *, busy: bool) -> Measured:
    """Measure a fleet: filled and left alone, then read again and again; with scrapers only when it is busy."""
    scraped = discovered = None
    with simulated_aws(folder, plan, plan.accounts, cases) as aws:
        with plan.exporter(folder, explicit_config(plan, plan.ids), aws, "resting") as exporter:
            filled = fill(exporter, aws, plan.accounts)
            rested = resting(exporter, plan)
        with plan.exporter(folder, explicit_config(plan, plan.ids, OFTEN), aws, "busy") as exporter:
            fill(exporter, aws, plan.accounts)
            refreshed = refresh(exporter, aws, replace(plan, refreshes=1), plan.accounts, scrapers=0)
            if busy:
                scraped = refresh(exporter, aws, plan, plan.accounts, scrapers=SCRAPERS)
        if busy:
            with plan.exporter(folder, discovering_config(plan), aws, "discovering") as exporter:
                discovered = fill(exporter, aws, plan.accounts)
    return Measured(filled, rested, refreshed, scraped, discovered)


def measure_rivals(plan: Plan, folder: Path) -> Rivals:
    """Measure what else could read the main fleet."""
    with simulated_aws(folder, plan, plan.accounts, plan.cases) as aws:
        script = measure("script", aws, plan.ids[: plan.scripted])
        listing = measure("listing", aws)
    # The bound is set by this one: a processor that never waits is at its fastest.
    with simulated_aws(folder, replace(plan, latency=0.0), plan.accounts, plan.cases) as aws:
        return Rivals(measure("raw", aws, plan.ids), script, listing)


def fleet_rows(plan: Plan, fleet: Measured, rivals: Rivals) -> list[Row]:
    """Return the rows of the main fleet."""
    name = f"{plan.accounts:,} accounts x {plan.cases} cases, {1000 * plan.latency:g} ms a call, concurrency {plan.concurrency}"
    filled, refreshed = fleet.fill, fleet.refresh
    rows = [
        at_most(name, "start to listening port", filled.listening, 1.0, "s"),
        at_most(name, "first fill, accounts in the configuration", filled.seconds, 4.5, "s"),
        Row(name, "  its CPU, AssumeRole included", f"{number(filled.cpu)} s"),
        Row(name, "  calls", _calls(filled.calls)),
        Row(name, "  until the last account is on the page", f"{number(filled.shown)} s"),
    ]
    if fleet.discovered:
        seconds, alone = fleet.discovered.seconds, rivals.listing.seconds
        note = f" ({number(seconds / alone)} times the {number(alone)} s of the list alone; {_calls(fleet.discovered.calls)})"
        rows.append(at_most(name, "first fill, accounts through ListAccounts", seconds, 1.15 * alone, "s", note))
    rows += [
        Row(name, "refresh at full speed", f"{number(refreshed.seconds)} s, {_calls(refreshed.calls)}"),
        at_most(name, "  its CPU", refreshed.cpu, 1.6 * rivals.raw.cpu_seconds, "s", _times(refreshed.cpu, rivals.raw)),
        at_most(name, "  threads", refreshed.threads, 8, "of them"),
    ]
    if fleet.scraped:
        (p50, p99), scraped = fleet.scraped.scrape_ms, fleet.scraped
        note = f" (p50 {number(p50)}; {scraped.scrapes} scrapes in {number(scraped.seconds)} s, CPU {number(scraped.cpu)} s)"
        rows.append(at_most(name, f"scrape p99 in a refresh, {SCRAPERS} scrapers, gzip", p99, 15, "ms", note))
    factor = plan.accounts / plan.scripted
    script = f"{number(rivals.script.seconds * factor)} s, CPU {number(rivals.script.cpu_seconds * factor)} s"
    return [
        *rows,
        *_memory_rows(name, fleet.resting, rss=120, ages=1),
        at_most(name, "scrape p99 when idle, gzip", fleet.resting.scrape_ms[1], 8, "ms"),
        Row(name, f"a script: boto3 session per account ({plan.scripted}, scaled)", script),
        at_least(name, "  first fill is faster than it", rivals.script.seconds * factor / filled.seconds, 40, "times"),
    ]


def growth_rows(grown: Sequence[Grown]) -> list[Row]:
    """Return the rows of fleets of other sizes, and whether memory grows as they do."""
    name, rows = "Growth", list[Row]()
    for one in grown:
        size = f"{one.accounts:,} x {one.cases}"
        figures = f"{number(one.fill.seconds)} s, {number(one.refresh.cpu)} s, {number(one.rss)} MiB"
        rows.append(Row(name, f"{size}: fill, refresh CPU, RSS", figures))
        if (one.accounts, one.cases) == _LARGEST:
            rows.append(at_most(name, f"{size}: first fill", one.fill.seconds, 30, "s"))
            rows.append(at_most(name, f"{size}: RSS", one.rss, 280, "MiB"))
    most = max(one.cases for one in grown)
    sizes = sorted((one.accounts, one.rss) for one in grown if one.cases == most)
    if len(sizes) > 2:  # noqa: PLR2004 - two slopes
        (few, low), (some, middle), (many, high) = sizes[0], sizes[-2], sizes[-1]
        slopes = (middle - low) / (some - few), (high - middle) / (many - some)
        note = f" ({1024 * slopes[1]:.0f} / {1024 * slopes[0]:.0f} KiB)"
        what = "linear: RSS of one more account, large fleet / small"
        rows.append(at_most(name, what, slopes[1] / slopes[0], 1.2, "times", note))
    return rows


def _memory_rows(name: str, rested: Resting, *, rss: float, ages: float) -> list[Row]:
    gzipped, plain = rested.page_bytes
    return [
        at_most(name, "RSS", rested.rss, rss, "MiB", f" ({number(rested.rss_every_format)} with every format scraped)"),
        at_most(name, "page kept fresh in two formats, share of a core", 100 * rested.ages, ages, "%"),
        Row(name, "page", f"{number(gzipped / 1024)} KiB gzip, {number(plain / 1024)} KiB plain"),
    ]


def _small_page_row(plan: Plan, folder: Path) -> Row:
    """Return the row of a small page, as the exporter itself tells how long it took: the first one is made by cold code."""
    accounts, rendered = 4, list[float]()
    with (
        simulated_aws(folder, plan, accounts, plan.likelier_cases) as aws,
        plan.exporter(folder, explicit_config(plan, account_ids(accounts), OFTEN), aws) as exporter,
    ):
        fill(exporter, aws, accounts)
        for _ in range(5):
            time.sleep(OFTEN)
            page = fetch(f"{exporter.url}/metrics").text
            rendered += map(float, re.findall(r"^aws_support_exporter_render_duration_seconds (\S+)", page, re.MULTILINE))
    series = sum(not line.startswith("#") for line in page.splitlines())
    assert series >= _SMALL_PAGE  # noqa: S101 - more than the bound is for
    return at_most("A small page", f"{series} series, rendered, median of five", 1000 * median(rendered), 5, "ms")


def _grown(plan: Plan, folder: Path, aws: SimulatedAws, accounts: int, cases: int) -> Grown:
    with plan.exporter(folder, explicit_config(plan, account_ids(accounts), OFTEN), aws) as exporter:
        filled = fill(exporter, aws, accounts)
        refreshed = refresh(exporter, aws, replace(plan, refreshes=1), accounts, scrapers=0)
        time.sleep(plan.settle)
        return Grown(accounts, cases, filled, refreshed, exporter.rss())


def _times(cpu: float, raw: Cost) -> str:
    return f" ({number(cpu / raw.cpu_seconds)} times the raw limit, {number(raw.cpu_seconds)} s)"


def _calls(calls: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {operation}" for operation, count in sorted(calls.items()))


def _new(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def _tell(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
