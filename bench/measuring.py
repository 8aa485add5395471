"""What one fleet takes: start, first fill, memory, scrapes, a refresh at full speed, and keeping the page fresh."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import mean
from typing import NamedTuple
from urllib.parse import urlsplit

from bench.processes import PATIENCE, ROOT, Exporter, SimulatedAws
from bench.scraping import GZIP, OPENMETRICS, PLAIN_TEXT, Scrape, Scrapers, quantile, scrape
from exporter.simulator import ROLE_NAME, Fleet
from tests.support.fetch import fetch
from tests.support.waiting import wait_until

SCRAPERS = 4
OFTEN = 10
"""The shortest interval that a user may choose, in seconds."""
_SELDOM = 6 * 3600
_BETWEEN_PAGES = 15.0
_SCRAPER_PAUSE = 0.05
_QUIET = 0.5
_COMPRESSED = [{"Accept": accept, "Accept-Encoding": "gzip"} for accept in (OPENMETRICS, PLAIN_TEXT)]
_EVERY_FORMAT = [*_COMPRESSED, *({"Accept": each["Accept"], "Accept-Encoding": "identity"} for each in _COMPRESSED)]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured, and for how long.

    Attributes:
        accounts: Of the main fleet.
        cases: Open cases of each.
        likelier_cases: Open cases of each account in the likelier fleet.
        latency: Seconds that AWS takes to answer a call.
        concurrency: Of the exporter.
        settle: Seconds until memory is looked at.
        idle: Seconds of scrapes in which nothing else goes on.
        ages: Pages that are made while nothing is read, 15 s each.
        stall: Seconds for which AWS says nothing, so that every account falls due; it takes 1.5 intervals.
        refreshes: How often that is done.
        scripted: Accounts that the script reads.
        growth: Fleets of other sizes: accounts, cases and concurrency.
        rounds: Rounds over a small living fleet in which nothing may grow; 0 leaves that out.
        rounds_accounts: How many accounts that fleet has.
        checkout: Whose exporter is measured.
    """

    accounts: int = 1000
    cases: int = 20
    likelier_cases: int = 3
    latency: float = 0.1
    concurrency: int = 64
    settle: float = 5.0
    idle: float = 10.0
    ages: int = 3
    stall: float = 15.5
    refreshes: int = 2
    scripted: int = 50
    growth: tuple[tuple[int, int, int], ...] = (
        (100, 20, 64),
        (300, 20, 64),
        (1000, 20, 64),
        (3000, 20, 64),
        (10_000, 3, 256),
    )
    rounds: int = 50
    rounds_accounts: int = 50
    checkout: Path = ROOT

    @property
    def ids(self) -> list[str]:
        """The ids of the main fleet's accounts."""
        return account_ids(self.accounts)

    def exporter(self, folder: Path, config: str, aws: SimulatedAws, name: str = "exporter") -> Exporter:
        """Start the exporter that is measured."""
        return Exporter(folder, config, aws.environment, name, checkout=self.checkout)


class Fill(NamedTuple):
    """Seconds until the exporter answers, and from then on until it is ready, their CPU, and until all are on the page."""

    listening: float
    seconds: float
    cpu: float
    shown: float
    calls: dict[str, int]


class Resting(NamedTuple):
    """The exporter when nothing is read: MiB, bytes of a page with gzip and without, p50 and p99 of a scrape.

    `ages` is the share of a core that keeping the page fresh takes, scraped with gzip in two formats.
    """

    rss: float
    rss_every_format: float
    page_bytes: tuple[int, int]
    scrape_ms: tuple[float, float]
    ages: float


class Refresh(NamedTuple):
    """Reading every account again, as fast as it goes: seconds and CPU, p50 and p99 of the scrapes meanwhile, and threads."""

    seconds: float
    cpu: float
    scrape_ms: tuple[float, float]
    scrapes: int
    calls: dict[str, int]
    threads: int


def account_ids(accounts: int) -> list[str]:
    """Return the ids of a simulated fleet of that many accounts."""
    return [account.account_id for account in Fleet.uniform(time.time, accounts=accounts, cases=0).accounts]


def simulated_aws(folder: Path, plan: Plan, accounts: int, cases: int, *, tls: bool = False) -> SimulatedAws:
    """Start a simulator with a uniform fleet: five communications of 500 characters on each case."""
    sizes = (f"--accounts={accounts}", f"--cases={cases}", "--communications=5", "--body-chars=500")
    return SimulatedAws(folder, *sizes, f"--latency={plan.latency}", tls=tls)


def explicit_config(plan: Plan, ids: Sequence[str], interval: int = _SELDOM) -> str:
    """Return a configuration that names every account and its role."""
    lines = (f'  - {{id: "{one}", role_arn: "arn:aws:iam::{one}:role/{ROLE_NAME}"}}\n' for one in ids)
    return _poll(plan, interval) + "accounts:\n" + "".join(lines)


def discovering_config(plan: Plan, interval: int = _SELDOM) -> str:
    """Return a configuration that lets the exporter find the accounts of the organization."""
    return f"{_poll(plan, interval)}aws: {{role_name: {ROLE_NAME}}}\norganizations: [{{name: bench}}]\n"


def _poll(plan: Plan, interval: int) -> str:
    return f"poll: {{interval: {interval}s, timeout: 60s, concurrency: {plan.concurrency}, max_staleness: 24h}}\n"


def fill(exporter: Exporter, aws: SimulatedAws, accounts: int) -> Fill:
    """Wait until an exporter that was just started has read every account."""
    before = aws.calls()
    listening = exporter.wait_for_status("/-/ready", 200, 503, pause=0.005)
    cpu = exporter.cpu_seconds()
    ready = exporter.wait_for_status("/-/ready", 200)
    cpu = exporter.cpu_seconds() - cpu
    calls = _since(before, aws.calls())

    def shown() -> bool | None:
        page = fetch(f"{exporter.url}/metrics", GZIP, timeout_seconds=30).text
        return page.count("\naws_support_account_up{") == accounts or None

    wait_until(shown, PATIENCE, lambda: "not every account is on the page", pause_seconds=0.2)
    return Fill(listening, ready - listening, cpu, time.monotonic() - exporter.started_at - listening, calls)


def resting(exporter: Exporter, plan: Plan) -> Resting:
    """Measure an exporter that has read everything, and reads nothing for hours."""
    with Scrapers(exporter.url, 1, _SCRAPER_PAUSE / 2) as alone:
        time.sleep(plan.idle)
    time.sleep(plan.settle)
    rss = exporter.rss()
    ages = _keep_fresh(exporter, plan.ages) if plan.ages else 0.0
    sizes = [len(fetch(f"{exporter.url}/metrics", headers).body) for headers in _EVERY_FORMAT]
    return Resting(rss, exporter.rss(), (sizes[0], sizes[2]), _p50_p99(alone.scrapes), ages)


def _keep_fresh(exporter: Exporter, pages: int) -> float:
    """Return the share of a core that some pages take, each scraped once in two formats."""
    connection = HTTPConnection(urlsplit(exporter.url).netloc, timeout=30)
    cpu, began = exporter.cpu_seconds(), time.monotonic()
    for _ in range(pages):
        time.sleep(_BETWEEN_PAGES)
        for headers in _COMPRESSED:
            scrape(connection, headers)
    share = (exporter.cpu_seconds() - cpu) / (time.monotonic() - began)
    connection.close()
    return share


def refresh(exporter: Exporter, aws: SimulatedAws, plan: Plan, accounts: int, *, scrapers: int) -> Refresh:
    """Let every account fall due, by an AWS that says nothing for a while, and measure how they are read again.

    The exporter has to have the shortest interval, 10 s. CPU and time are of the calls that were made, scaled to one
    for each account: where the stall was long enough these are the same.
    """
    with Scrapers(exporter.url, scrapers, _SCRAPER_PAUSE) as busy:
        bursts = [_burst(exporter, aws, plan.stall, accounts) for _ in range(plan.refreshes)]
    meanwhile = [one for one in busy.scrapes if any(burst.covers(one) for burst in bursts)]
    return Refresh(
        seconds=mean(burst.seconds for burst in bursts),
        cpu=mean(burst.cpu for burst in bursts),
        scrape_ms=_p50_p99(meanwhile) if meanwhile else (0.0, 0.0),
        scrapes=len(meanwhile),
        calls=bursts[0].calls,
        threads=exporter.threads(),
    )


class _Burst(NamedTuple):
    """One reading of all accounts at full speed."""

    began: float
    lasted: float
    seconds: float
    cpu: float
    calls: dict[str, int]

    def covers(self, one: Scrape) -> bool:
        return self.began <= one.began <= self.began + self.lasted


def _burst(exporter: Exporter, aws: SimulatedAws, stall: float, accounts: int) -> _Burst:
    before = aws.calls()
    aws.stall()
    try:
        time.sleep(stall)
        cpu, began = exporter.cpu_seconds(), time.monotonic()
    finally:
        aws.resume()
    made, ended, spent = 0, began, 0.0
    calls: dict[str, int] = {}
    while made < accounts and time.monotonic() < ended + _QUIET:
        time.sleep(0.05)
        calls = _since(before, aws.calls())
        if calls.get("DescribeCases", 0) > made:
            made, ended, spent = calls["DescribeCases"], time.monotonic(), exporter.cpu_seconds() - cpu
    if not made:
        raise RuntimeError(f"no account was read again\n{exporter.stderr()}")
    scale = accounts / made
    return _Burst(began, ended - began, (ended - began) * scale, spent * scale, calls)


def _since(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    grown = {operation: count - before.get(operation, 0) for operation, count in after.items()}
    return {operation: count for operation, count in grown.items() if count}


def _p50_p99(scrapes: list[Scrape]) -> tuple[float, float]:
    return quantile(scrapes, 0.5), quantile(scrapes, 0.99)
