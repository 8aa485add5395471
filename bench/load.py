"""Measures scrapes beside a refresh that never ends, and what those get who guess passwords: `python -m bench.load`.

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
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import bcrypt

from bench.measuring import Plan as FleetPlan
from bench.measuring import account_ids, explicit_config, simulated_aws
from bench.processes import Exporter, SimulatedAws, get, wait_for
from bench.scraping import GZIP
from bench.table import Row, at_most, number, print_table
from bench.wrk import Load, Wrk

_OK = 200
_RESTLESS = "bench.restless"
_NAME, _PASSWORD = "alice", "correct horse"
_COST = 10
"""Of the hash, as `htpasswd -C 10` makes it: 50 ms of a core for each check."""
LOGIN = {"Authorization": "Basic " + base64.b64encode(f"{_NAME}:{_PASSWORD}".encode()).decode()}
_MOST_CORES = 0.75
"""What wrong passwords may take: half a core for the checks, and what it takes to refuse the others."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured, and for how long.

    Attributes:
        accounts: Of the fleet.
        cases: Open cases of each account.
        seconds: For how long each thing is measured.
        scrapers: Connections that scrape without a pause.
        guessers: Connections that send wrong passwords, another one each time.
        pause: Seconds that each guesser waits between two; a flood of them has none.
    """

    accounts: int = 1000
    cases: int = 20
    seconds: int = 60
    scrapers: int = 50
    guessers: int = 20
    pause: float = 0.1


QUICK = Plan(accounts=100, seconds=5)


class Busy(NamedTuple):
    """What went on for some seconds.

    Attributes:
        cores: CPU seconds of the exporter for each second.
        read: Accounts read in a second.
        scrapes: What those who scrape got; None where nobody did.
        guesses: What those who guess got; None where nobody did.
    """

    cores: float
    read: float
    scrapes: Load | None = None
    guesses: Load | None = None


class Measured(NamedTuple):
    """All that was measured.

    Attributes:
        refresh: A refresh that never ends, alone.
        scraped: The same, with scrapers.
        guessed: Guesses, and nothing else.
        flooded: As many guesses as go through, and nothing else.
        attacked: A refresh that never ends, with scrapers that log in, and guesses.
    """

    refresh: Busy
    scraped: Busy
    guessed: Busy
    flooded: Busy
    attacked: Busy


def main(arguments: Sequence[str]) -> int:
    """Measure, and print the table.

    Returns:
        0, or with `--strict` 1 when a bound was missed.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.load", description="Measures scrapes under load.")
    parser.add_argument("--quick", action="store_true", help="a small fleet and 5 s each, in about a minute")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a bound is missed")
    options = parser.parse_args(arguments)
    plan = QUICK if options.quick else Plan()
    # So that every process is ended that was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    load, began = os.getloadavg()[0], time.monotonic()
    with tempfile.TemporaryDirectory(prefix="aws-support-exporter-load-") as folder:
        measured = measure(plan, Path(folder))
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, load {load:.1f} before"
    table = rows(plan, measured)
    print_table(table, f"bench/load: {machine}, {time.monotonic() - began:.0f} s", sys.stdout)
    return int(options.strict and any(row.missed for row in table))


def measure(plan: Plan, folder: Path) -> Measured:
    """Measure everything that a plan says."""
    ids = account_ids(plan.accounts)
    fleet = FleetPlan(accounts=plan.accounts, cases=plan.cases)
    often, seldom = (explicit_config(fleet, ids, interval) for interval in (10, 6 * 3600))
    with simulated_aws(folder, fleet, plan.accounts, plan.cases) as aws:
        with Exporter(folder, often, aws, "open", module=_RESTLESS) as exporter:
            wait_until_ready(exporter)
            refresh = watch(exporter, aws, plan)
            scraped = watch(exporter, aws, plan, scrapers=plan.scrapers)
        with Exporter(folder, seldom, aws, "resting", web_config=logins()) as exporter:
            wait_until_ready(exporter)
            guessed = watch(exporter, aws, plan, guessers=plan.guessers, pause=plan.pause)
            flooded = watch(exporter, aws, plan, guessers=plan.guessers)
        with Exporter(folder, often, aws, "attacked", module=_RESTLESS, web_config=logins()) as exporter:
            wait_until_ready(exporter)
            attacked = watch(exporter, aws, plan, scrapers=plan.scrapers, guessers=plan.guessers, pause=plan.pause)
    return Measured(refresh, scraped, guessed, flooded, attacked)


def watch(
    exporter: Exporter, aws: SimulatedAws, plan: Plan, *, scrapers: int = 0, guessers: int = 0, pause: float = 0.0
) -> Busy:
    """Return what an exporter does while it is scraped and its passwords are guessed, or neither."""
    url = f"{exporter.url}/metrics"
    scraping = guessing = None
    with ExitStack() as stack:
        read, cpu, began = _read(aws), exporter.cpu_seconds(), time.monotonic()
        if scrapers:
            scraping = stack.enter_context(Wrk(url, scrapers, plan.seconds, GZIP | LOGIN))
        if guessers:
            guessing = stack.enter_context(Wrk(url, guessers, plan.seconds, GZIP, pause=pause, guessed=_NAME))
        if scraping is None and guessing is None:
            time.sleep(plan.seconds)
        scrapes = scraping.result() if scraping else None
        guesses = guessing.result() if guessing else None
        cpu, seconds = exporter.cpu_seconds() - cpu, time.monotonic() - began
        return Busy(cpu / seconds, (_read(aws) - read) / seconds, scrapes, guesses)


def wait_until_ready(exporter: Exporter) -> None:
    """Wait until every account was read, and log in; from then on the login is remembered."""

    def ready() -> bool | None:
        if exporter.ended:
            raise RuntimeError(f"the exporter ended\n{exporter.told()}")
        return get(exporter.url, "/-/ready", LOGIN)[0] == _OK or None

    wait_for(ready, "every account to be read")


def logins() -> str:
    """Return a web-config that lets in one user."""
    return f"basic_auth_users: {{{_NAME}: {bcrypt.hashpw(_PASSWORD.encode(), bcrypt.gensalt(_COST)).decode()}}}\n"


def rows(plan: Plan, measured: Measured) -> list[Row]:
    """Return the rows of the table."""
    name = f"{plan.accounts:,} accounts x {plan.cases} cases, read without a pause"
    alone, scraped, attacked = measured.refresh, measured.scraped, measured.attacked
    guessing = f"{plan.guessers} connections, each a wrong password every {1000 * plan.pause:g} ms"
    return [
        Row(name, "accounts read in a second, nobody scrapes", _work(alone)),
        *_scrape_rows(name, f"{plan.scrapers} connections scrape without a pause", scraped),
        *_guess_rows("Wrong passwords, nothing else goes on", guessing, measured.guessed),
        *_guess_rows("As many wrong passwords as go through", f"{plan.guessers} connections", measured.flooded),
        *_scrape_rows(f"{name}; {guessing}", f"{plan.scrapers} connections scrape, logged in", attacked),
        *_guess_rows(f"{name}; {guessing}", "wrong passwords", attacked, bounded=False),
    ]


def _scrape_rows(section: str, what: str, busy: Busy) -> list[Row]:
    load = busy.scrapes
    assert load  # noqa: S101 - scrapers were asked for
    return [
        Row(section, what, f"{number(load.rate)} scrapes/s, {number(load.bytes / load.seconds / 2**20)} MiB/s"),
        Row(section, "  p50, p99, slowest", f"{number(load.p50)}, {number(load.p99)}, {number(load.slowest)} ms"),
        _none(section, "  failed", load.failed, f" of {load.requests:,}"),
        Row(section, "  accounts read in a second meanwhile", _work(busy)),
    ]


def _guess_rows(section: str, what: str, busy: Busy, *, bounded: bool = True) -> list[Row]:
    load = busy.guesses
    assert load  # noqa: S101 - guessers were asked for
    seconds = load.seconds
    told = (
        f"{number(load.rate)}/s: {number(load.unauthorized / seconds)}/s refused, {number(load.too_many / seconds)}/s put off"
    )
    return [
        Row(section, what, told),
        _none(section, "  let in, or failed", load.others + load.socket),
        *([at_most(section, "  CPU of the exporter", busy.cores, _MOST_CORES, "cores")] if bounded else []),
    ]


def _none(section: str, what: str, count: int, note: str = "") -> Row:
    return Row(section, what, f"{count}{note}", "none", float("inf") if count else 0.0)


def _work(busy: Busy) -> str:
    return f"{number(busy.read)}/s, CPU of the exporter {number(busy.cores)} cores"


def _read(aws: SimulatedAws) -> int:
    return aws.calls().get("DescribeCases", 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
