"""Measures scrapes beside readings, and what those get who guess passwords: `python -m bench.load`.

AWS is a simulator in a process of its own, the exporter another, and so is wrk, which asks. All figures are of one run.
"""

import argparse
import base64
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import bcrypt

from bench.measuring import OFTEN, account_ids, explicit_config, simulated_aws
from bench.measuring import Plan as FleetPlan
from bench.processes import Exporter, SimulatedAws
from bench.scraping import GZIP
from bench.table import Row, at_most, number, print_table
from bench.wrk import Load, Wrk

_NAME, _PASSWORD = "alice", "correct horse"
_COST = 10
"""Of the hash, as `htpasswd -C 10` makes it: 50 ms of a core for each check."""
LOGIN = {"Authorization": "Basic " + base64.b64encode(f"{_NAME}:{_PASSWORD}".encode()).decode()}
MOST_CORES = 0.75
"""What wrong passwords may take: half a core for the checks, and what it takes to put off the others."""
_MOST_MILLISECONDS = 1.0
"""CPU for a wrong password in a flood of them, of which next to none are checked: each check would take 50."""


class Guessing(NamedTuple):
    """How passwords are guessed, another one each time: on how many connections, with seconds of pause in between."""

    connections: int
    pause: float = 0.0


SLOW = Guessing(20, 0.1)
"""What checks of passwords must not take the processor for."""
FLOOD = Guessing(20)
"""What nobody is to be kept out by."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: accounts with so many open cases each, connections that scrape, and seconds for each thing."""

    accounts: int = 1000
    cases: int = 20
    seconds: int = 60
    scrapers: int = 50


QUICK = Plan(accounts=100, seconds=5)


class Busy(NamedTuple):
    """What went on in a second: CPU seconds of the exporter, accounts read, and what those got who scrape and guess."""

    cores: float
    read: float
    scrapes: Load | None = None
    guesses: Load | None = None


def main(arguments: Sequence[str]) -> int:
    """Measure, and print the table.

    Returns:
        0, or with `--strict` 1 when a bound was missed.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.load", description="Measures scrapes under load.")
    parser.add_argument("--quick", action="store_true", help="a small fleet and 5 s each, in about a minute")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a bound is missed")
    options = parser.parse_args(arguments)
    # So that every process is ended that was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    load, began = os.getloadavg()[0], time.monotonic()
    with tempfile.TemporaryDirectory(prefix="aws-support-exporter-load-") as folder:
        rows = measure(QUICK if options.quick else Plan(), Path(folder))
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, load {load:.1f} before"
    print_table(rows, f"bench/load: {machine}, {time.monotonic() - began:.0f} s", sys.stdout)
    return int(options.strict and any(row.missed for row in rows))


def measure(plan: Plan, folder: Path) -> list[Row]:
    """Measure everything that a plan says, and return the rows of the table."""
    fleet = f"{plan.accounts:,} accounts x {plan.cases} cases, each read every {OFTEN} s"
    slow = f"{SLOW.connections} wrong passwords every {1000 * SLOW.pause:g} ms"
    beside, alone = f"The same, and {slow}", f"Nothing read, {slow}"
    drowned = f"Nothing read, as many wrong passwords as go through on {FLOOD.connections} connections"
    scrape = f"{plan.scrapers} connections scrape"
    with simulated_aws(folder, FleetPlan(), plan.accounts, plan.cases) as aws:
        with at_work(folder, plan, aws, reads=True, guarded=False) as exporter:
            busy = watch(exporter, aws, plan)
            rows = [Row(fleet, "nobody scrapes: accounts read", _work(busy))]
            busy = watch(exporter, aws, plan, scrapers=plan.scrapers)
            rows += _scrape_rows(fleet, f"{scrape} without a pause", busy)
        with at_work(folder, plan, aws, reads=True, guarded=True) as exporter:
            busy = watch(exporter, aws, plan, scrapers=plan.scrapers, guessing=SLOW)
            rows += _scrape_rows(beside, f"{scrape}, logged in", busy) + _guess_rows(beside, busy)
        with at_work(folder, plan, aws, reads=False, guarded=True) as exporter:
            busy = watch(exporter, aws, plan, guessing=SLOW)
            rows += [*_guess_rows(alone, busy), at_most(alone, "CPU", busy.cores, MOST_CORES, "cores")]
            busy = watch(exporter, aws, plan, guessing=FLOOD)
            milliseconds = 1000 * busy.cores / there(busy.guesses).rate
            rows += [*_guess_rows(drowned, busy), at_most(drowned, "CPU for each", milliseconds, _MOST_MILLISECONDS, "ms")]
            busy = watch(exporter, aws, plan, scrapers=plan.scrapers, rest=1.0, guessing=FLOOD)
            rows += _scrape_rows(drowned, f"{scrape} every second, logged in", busy)
    return rows


@contextmanager
def at_work(folder: Path, plan: Plan, aws: SimulatedAws, *, reads: bool, guarded: bool) -> Iterator[Exporter]:
    """Yield an exporter that has read every account once.

    It reads them again as often as a user may choose, or not for hours. A guarded one asks for a login, and remembers it.
    """
    config = explicit_config(FleetPlan(), account_ids(plan.accounts), *([OFTEN] if reads else []))
    name = f"{'reading' if reads else 'resting'}-{'guarded' if guarded else 'open'}"
    password = bcrypt.hashpw(_PASSWORD.encode(), bcrypt.gensalt(_COST)).decode()
    web_config = f"basic_auth_users: {{{_NAME}: {password}}}\n" if guarded else ""
    with Exporter(folder, config, aws.environment, name, web_config=web_config) as exporter:
        exporter.wait_for_status("/-/ready", 200, headers=LOGIN)
        yield exporter


def watch(
    exporter: Exporter, aws: SimulatedAws, plan: Plan, *, scrapers: int = 0, rest: float = 0.0, guessing: Guessing | None = None
) -> Busy:
    """Return what an exporter does while it is scraped and its passwords are guessed, or neither.

    Between two scrapes, each scraper waits `rest` seconds.
    """
    url = f"{exporter.url}/metrics"
    scraped = guessed = None
    with ExitStack() as stack:
        read, cpu, began = aws.read(), exporter.cpu_seconds(), time.monotonic()
        if scrapers:
            scraped = stack.enter_context(Wrk(url, scrapers, plan.seconds, GZIP | LOGIN, pause=rest))
        if guessing:
            guessed = stack.enter_context(
                Wrk(url, guessing.connections, plan.seconds, GZIP, pause=guessing.pause, guessed=_NAME)
            )
        if scraped is None and guessed is None:
            time.sleep(plan.seconds)
        scrapes = scraped.result() if scraped else None
        guesses = guessed.result() if guessed else None
        cpu, seconds = exporter.cpu_seconds() - cpu, time.monotonic() - began
        return Busy(cpu / seconds, (aws.read() - read) / seconds, scrapes, guesses)


def there(load: Load | None) -> Load:
    """Return what wrk told, where it was asked to."""
    assert load is not None  # noqa: S101 - as above
    return load


def _scrape_rows(section: str, what: str, busy: Busy) -> list[Row]:
    load = there(busy.scrapes)
    return [
        Row(section, what, f"{number(load.rate)}/s, {number(load.bytes / load.seconds / 2**20)} MiB/s"),
        Row(section, "  p50, p99, slowest", f"{number(load.p50)}, {number(load.p99)}, {number(load.slowest)} ms"),
        _none(section, "  failed", load.failed, f" of {load.requests:,}"),
        Row(section, "  accounts read meanwhile", _work(busy)),
    ]


def _guess_rows(section: str, busy: Busy) -> list[Row]:
    load = there(busy.guesses)
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
