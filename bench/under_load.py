"""What goes on under load: scrapes beside a refresh that never ends, and guesses of passwords."""

import base64
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import bcrypt

from bench.measuring import Plan as FleetPlan
from bench.measuring import account_ids, explicit_config, simulated_aws
from bench.processes import Exporter, SimulatedAws, get, wait_for
from bench.scraping import GZIP
from bench.wrk import Load, Wrk

_OK = 200
_RESTLESS = "bench.restless"
_NAME, _PASSWORD = "alice", "correct horse"
_COST = 10
"""Of the hash, as `htpasswd -C 10` makes it: 50 ms of a core for each check."""
LOGIN = {"Authorization": "Basic " + base64.b64encode(f"{_NAME}:{_PASSWORD}".encode()).decode()}
MOST_CORES = 0.75
"""What wrong passwords may take: half a core for the checks, and what it takes to put off the others."""


@dataclass(frozen=True, slots=True)
class Guessing:
    """How passwords are guessed, another one each time.

    Attributes:
        connections: How many guess at once.
        pause: Seconds that each waits between two.
    """

    connections: int
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured, and for how long.

    Attributes:
        accounts: Of the fleet.
        cases: Open cases of each account.
        seconds: For how long each thing is measured.
        scrapers: Connections that scrape.
        guessing: What checks of passwords must not take the processor for.
        flood: What nobody is to be kept out by.
    """

    accounts: int = 1000
    cases: int = 20
    seconds: int = 60
    scrapers: int = 50
    guessing: Guessing = Guessing(20, 0.1)
    flood: Guessing = Guessing(20)


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
        attacked: The same, with scrapers that log in, and guesses.
        guessed: Guesses, and nothing else.
        flooded: As many guesses as go through, and nothing else.
        drowned: The same, with scrapers that log in and come as often as Prometheus's would.
    """

    refresh: Busy
    scraped: Busy
    attacked: Busy
    guessed: Busy
    flooded: Busy
    drowned: Busy


def measure(plan: Plan, folder: Path) -> Measured:
    """Measure everything that a plan says."""
    fleet = FleetPlan(accounts=plan.accounts, cases=plan.cases)
    with simulated_aws(folder, fleet, plan.accounts, plan.cases) as aws:
        with at_work(folder, plan, aws, restless=True, guarded=False) as exporter:
            refresh = watch(exporter, aws, plan)
            scraped = watch(exporter, aws, plan, scrapers=plan.scrapers)
        with at_work(folder, plan, aws, restless=True, guarded=True) as exporter:
            attacked = watch(exporter, aws, plan, scrapers=plan.scrapers, guessing=plan.guessing)
        with at_work(folder, plan, aws, restless=False, guarded=True) as exporter:
            guessed = watch(exporter, aws, plan, guessing=plan.guessing)
            flooded = watch(exporter, aws, plan, guessing=plan.flood)
            drowned = watch(exporter, aws, plan, scrapers=plan.scrapers, rest=1.0, guessing=plan.flood)
    return Measured(refresh, scraped, attacked, guessed, flooded, drowned)


@contextmanager
def at_work(folder: Path, plan: Plan, aws: SimulatedAws, *, restless: bool, guarded: bool) -> Iterator[Exporter]:
    """Yield an exporter that has read every account once.

    Args:
        folder: Where its files go.
        plan: Tells the fleet.
        aws: What it reads.
        restless: Whether it goes on reading without a pause, or reads nothing for hours.
        guarded: Whether it asks for a login, which it remembers by then.
    """
    fleet = FleetPlan(accounts=plan.accounts, cases=plan.cases)
    config = explicit_config(fleet, account_ids(plan.accounts), *([10] if restless else []))
    name = f"{'restless' if restless else 'resting'}-{'guarded' if guarded else 'open'}"
    module, web_config = _RESTLESS if restless else "exporter", logins() if guarded else ""
    with Exporter(folder, config, aws, name, module=module, web_config=web_config) as exporter:
        wait_until_ready(exporter)
        yield exporter


def watch(
    exporter: Exporter,
    aws: SimulatedAws,
    plan: Plan,
    *,
    scrapers: int = 0,
    rest: float = 0.0,
    guessing: Guessing | None = None,
) -> Busy:
    """Return what an exporter does while it is scraped and its passwords are guessed, or neither.

    Args:
        exporter: At work.
        aws: What it reads.
        plan: Tells for how long.
        scrapers: Connections that scrape.
        rest: Seconds that each waits between two scrapes.
        guessing: How passwords are guessed meanwhile.
    """
    url = f"{exporter.url}/metrics"
    scraped = guessed = None
    with ExitStack() as stack:
        read, cpu, began = _read(aws), exporter.cpu_seconds(), time.monotonic()
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


def _read(aws: SimulatedAws) -> int:
    return aws.calls().get("DescribeCases", 0)
