"""Measures the exporter on whole fleets, beside what it could be measured against: `python -m bench.fleet`.

AWS is a simulator in a process of its own, and the exporter runs as its users run it. All figures are of one run; the bounds
are of two cores with nothing else to do.
"""

import argparse
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench import report
from bench.measuring import (
    SCRAPERS,
    Plan,
    account_ids,
    discovering_config,
    explicit_config,
    fill,
    refresh,
    resting,
    simulated_aws,
)
from bench.pages import milliseconds_of_small_page
from bench.peer import Reader, install, measure_ours, measure_peer
from bench.processes import Exporter, SimulatedAws
from bench.report import Fleet, Grown, Rivals
from bench.rivals import measure
from bench.rounds import Rounds
from bench.table import Row, print_table

QUICK = Plan(
    accounts=100,
    settle=2.0,
    idle=3.0,
    ages=1,
    refreshes=1,
    scripted=5,
    growth=(),
    large_account=0,
    rounds=2,
    rounds_accounts=10,
)
"""A look in a minute: small fleets, for which the bounds of memory and of time say little."""

_OFTEN = 10
_SMALL_PAGE = 300


def main(arguments: Sequence[str]) -> int:
    """Measure, and print the table.

    Returns:
        0, or with `--strict` 1 when a bound was missed.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.fleet", description="Measures the exporter on whole fleets.")
    parser.add_argument("--quick", action="store_true", help="small fleets, in about a minute")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a bound is missed")
    parser.add_argument("--rounds", type=int, help="for how many rounds, 10 s each, nothing may grow (default: 50)")
    options = parser.parse_args(arguments)
    plan = QUICK if options.quick else Plan()
    if options.rounds is not None:
        plan = replace(plan, rounds=options.rounds)
    # So that every process is ended that was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="aws-support-exporter-bench-") as folder:
        rows = run(plan, Path(folder))
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[1]:.1f}"
    print_table(rows, f"bench/fleet: {machine}, {time.monotonic() - began:.0f} s", sys.stdout)
    return int(options.strict and any(row.missed for row in rows))


def run(plan: Plan, folder: Path) -> list[Row]:
    """Measure everything that a plan says, and return the rows of the table."""
    if not plan.rounds:
        return _run(plan, folder)
    with Rounds(_new(folder, "rounds"), plan) as rounds:
        rows = _run(plan, folder)
        _tell(f"the rest of {plan.rounds} rounds")
        return rows + report.round_rows(rounds.footprints())


def _run(plan: Plan, folder: Path) -> list[Row]:
    _tell(f"{plan.accounts} accounts x {plan.cases} cases")
    main_fleet = measure_fleet(plan, _new(folder, "main"), plan.cases, busy=True)
    _tell(f"{plan.accounts} accounts x {plan.likelier_cases} cases")
    likelier = measure_fleet(plan, _new(folder, "likelier"), plan.likelier_cases, busy=False)
    _tell("the raw limit, and a script")
    rivals = measure_rivals(plan, _new(folder, "rivals"))
    ours, peer, problem = _large_account(plan, _new(folder, "peer"))
    grown = [Grown(plan.accounts, plan.cases, main_fleet.fill, main_fleet.refresh, main_fleet.resting.rss)]
    grown.append(Grown(plan.accounts, plan.likelier_cases, likelier.fill, likelier.refresh, likelier.resting.rss))
    for accounts, cases in plan.growth:
        _tell(f"{accounts} accounts x {cases} cases")
        grown.append(_grown(plan, _new(folder, f"{accounts}x{cases}"), accounts, cases))
    series, milliseconds = milliseconds_of_small_page(_SMALL_PAGE)
    return [
        *report.fleet_rows(plan, main_fleet, rivals),
        *report.rival_rows(plan, main_fleet, rivals),
        *report.likelier_rows(plan, likelier),
        *report.page_rows(plan, main_fleet, likelier, series, milliseconds),
        *report.peer_rows(plan, ours, peer, problem),
        *report.growth_rows(grown),
    ]


def measure_fleet(plan: Plan, folder: Path, cases: int, *, busy: bool) -> Fleet:
    """Measure a fleet: filled and left alone, then read again and again; with scrapers only when it is busy."""
    ids = account_ids(plan.accounts)
    discovered = None
    with simulated_aws(folder, plan, plan.accounts, cases) as aws:
        with Exporter(folder, explicit_config(plan, ids), aws, "resting") as exporter:
            filled = fill(exporter, aws, plan.accounts)
            rested = resting(exporter, plan)
        with Exporter(folder, explicit_config(plan, ids, _OFTEN), aws, "busy") as exporter:
            fill(exporter, aws, plan.accounts)
            refreshed = refresh(exporter, aws, replace(plan, refreshes=1), plan.accounts, scrapers=0)
            scraped = refresh(exporter, aws, plan, plan.accounts, scrapers=SCRAPERS) if busy else None
        if busy:
            with Exporter(folder, discovering_config(plan), aws, "discovering") as exporter:
                discovered = fill(exporter, aws, plan.accounts)
    return Fleet(filled, rested, refreshed, scraped, discovered)


def measure_rivals(plan: Plan, folder: Path) -> Rivals:
    """Measure what else could read the main fleet."""
    ids = account_ids(plan.accounts)
    with simulated_aws(folder, plan, plan.accounts, plan.cases) as aws:
        script = measure("script", aws, ids[: plan.scripted])
        raw_waiting = measure("raw", aws, ids[: plan.scripted])
    # The bound is set by this one: a processor that never waits is at its fastest.
    with simulated_aws(folder, replace(plan, latency=0.0), plan.accounts, plan.cases) as aws:
        raw = measure("raw", aws, ids)
    return Rivals(raw, raw_waiting, script)


def _large_account(plan: Plan, folder: Path) -> tuple[Reader | None, Reader | None, str]:
    """Measure the peer and the exporter on one account, and tell why it was not possible."""
    if not plan.large_account:
        return None, None, "left out"
    _tell(f"one account of {plan.large_account} cases")
    problem = install()

    def aws() -> SimulatedAws:
        # Without AWS's quota: the peer does not keep to it, and would give up.
        return simulated_aws(folder, plan, 1, plan.large_account, "--no-throttle")

    with aws() as theirs:
        peer = None if problem else measure_peer(folder, theirs, plan.large_account)
    with aws() as our_own:
        ours = measure_ours(folder, plan, our_own, account_ids(1)[0], plan.large_account)
    return ours, peer, problem


def _grown(plan: Plan, folder: Path, accounts: int, cases: int) -> Grown:
    once = replace(plan, refreshes=1)
    with (
        simulated_aws(folder, plan, accounts, cases) as aws,
        Exporter(folder, explicit_config(plan, account_ids(accounts), _OFTEN), aws) as exporter,
    ):
        filled = fill(exporter, aws, accounts)
        refreshed = refresh(exporter, aws, once, accounts, scrapers=0)
        time.sleep(plan.settle)
        return Grown(accounts, cases, filled, refreshed, exporter.rss())


def _new(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def _tell(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
