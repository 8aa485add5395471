"""Two days of a fleet of which every case is known, in a Prometheus's data directory; panels.yaml has what panels show of it.

All of an exporter is its own but its clock. It polls every hour; Prometheus scrapes it every quarter of an hour.
"""

import asyncio
import itertools
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pytest

from exporter import app, options
from exporter.aws.endpoints import Endpoints
from exporter.metrics.exposition import TextFormat
from exporter.simulator.account import Account
from exporter.simulator.case import CUSTOMER_AUTHOR, Case
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.support.log import Log
from tests.support.rig import LOADER

HOUR, DAY = 3600.0, 86400.0
END = 1_785_000_000.0
PAYMENTS, CONTENDED, NO_PLAN, SEARCH, REFUSED, IDLE = (str(digit) * 12 for digit in range(4, 10))
"""The first of two shards has the first three."""
EKS, RDS, EC2 = "service-eks", "service-rds", "service-ec2"

CONFIG = f"""
poll: {{interval: 10m, max_staleness: 4h}}
aws: {{role_name: AwsSupportExporter}}
accounts:
  - {{id: "{SEARCH}", name: search, support_plan: business_support_plus}}
  - {{id: "{REFUSED}", name: refused, support_plan: business_support_plus}}
metrics: {{cases: {{enabled: true}}}}
"""
TAGS = "organizations: [{name: demo, exclude: {name_patterns: [idle]}, tags: [team]}]\n"
NO_TAGS = "organizations: [{name: demo, exclude: {name_patterns: [idle]}}]\n"
EVENTS = f'events: {{queue_url: "https://sqs.us-east-1.amazonaws.com/{PAYMENTS}/aws-support-events"}}\n'
ALONE = f"""
aws: {{role_name: AwsSupportExporter}}
accounts: [{{id: "{IDLE}", name: idle}}]
"""
_START_TIME = re.compile(rb"^process_start_time_seconds .*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Scrape:
    """One target of Prometheus; `hours` before the end it starts."""

    instance: str
    config: str
    flags: Sequence[str] = ()
    hours: int = 48


JOBS: Mapping[str, Sequence[Scrape]] = {
    "shards": [Scrape(f"shard:{index}", CONFIG + TAGS, [f"--shard.index={index}", "--shard.total=2"]) for index in range(2)],
    # A pair, of which one does not read tags, and the new pod of a rollout.
    "pair": [
        Scrape("pair:1", CONFIG + NO_TAGS + EVENTS, hours=25),
        Scrape("pair:2", CONFIG + TAGS + EVENTS),
        Scrape("new:1", CONFIG + TAGS + EVENTS, hours=1),
    ],
    "idle": [Scrape("idle:1", ALONE, hours=2)],
}


class HistoryClock:
    """A time that stands still until it is set: what calls take delays each other, but not the history."""

    now = END - 2 * DAY
    _spent = 0.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        self._spent += 0.02
        return self.now + self._spent

    async def sleep(self, seconds: float) -> None:
        self._spent += seconds


def filed(account: Account, severity_code: str, service_code: str, hours: float) -> Case:
    """Return a case with the customer's first message: one without would be AWS's own."""
    case = account.add_case(severity_code=severity_code, service_code=service_code, created_at=END - hours * HOUR)
    reply(hours, case)
    return case


def reply(hours: float, *cases: Case) -> None:
    for case in cases:
        case.add_communication(submitted_by=CUSTOMER_AUTHOR, created_at=END - hours * HOUR)


def answer(hours: float, *cases: Case) -> None:
    for case in cases:
        case.add_communication(created_at=END - hours * HOUR)
        case.status = "pending-customer-action"


def add_accounts(fleet: Fleet) -> None:
    workloads, labs = fleet.add_unit("Workloads"), fleet.add_unit("Labs")
    shop = fleet.add_unit("Shop", workloads)
    for account_id, name, unit, team in (
        (PAYMENTS, "payments", shop, "shop"),
        (SEARCH, "search", workloads, "shop"),
        (CONTENDED, "contended", labs, ""),
        (REFUSED, "refused", "", ""),
        (NO_PLAN, "no-plan", "", ""),
        (IDLE, "idle", "", ""),
    ):
        account = fleet.add_account(account_id, name, supported=account_id != NO_PLAN)
        account.unit, account.tags = unit, {"team": team} if team else {}


def story(fleet: Fleet) -> Iterator[float]:
    """Let things happen, and yield at how many hours before the end it goes on.

    The comments say what is open at the end, and for how long it has been quiet then.
    """
    payments, search, contended, refused = map(fleet.account, (PAYMENTS, SEARCH, CONTENDED, REFUSED))
    # payments: high, waiting on us, quiet for 9 days; normal, waiting on AWS, unanswered for 3 days and overdue.
    answer(216, filed(payments, "high", EKS, 240))
    filed(payments, "normal", RDS, 72)
    # contended: low, waiting on AWS for 62 hours, though AWS wrote last, an interim update; quiet for 60 hours.
    waiting = filed(contended, "low", EC2, 120)
    answer(96, waiting)
    reply(62, waiting)
    answer(60, waiting)
    waiting.status = "pending-amazon-action"
    filed(refused, "critical", EC2, 120)
    reopened = filed(search, "low", EKS, 480)
    answer(456, reopened)
    reopened.status = "resolved"
    queue = fleet.send_events()

    yield 40  # search: two of severity low, answered after an hour; each side replies within an hour; resolved after four
    quick = [filed(search, "low", EKS, 40) for _ in range(2)]
    yield 39
    answer(39, *quick)
    yield 38
    reply(38, *quick)
    yield 37
    answer(37, *quick)
    yield 36
    for case in quick:
        case.resolve()
    yield 30  # search: low, answered after 10 of 24 hours; we reply 12 later, AWS in one; resolved after 24
    slow = filed(search, "low", EKS, 30)
    yield 20
    answer(20, slow)
    yield 12  # payments: critical, answered after an hour where 15 minutes are the target; quiet for 11 hours
    late = filed(payments, "critical", RDS, 12)
    yield 11
    answer(11, late)
    yield 8
    refused.trusts = False
    reply(8, slow)
    yield 7
    answer(7, slow)
    yield 6
    slow.resolve()
    queue.send("none of AWS's")
    yield 5  # search: low, waiting on AWS since
    reply(5, reopened)
    reopened.reopen()
    yield 2  # search: urgent, unanswered, due after an hour
    filed(search, "urgent", EC2, 2)
    contended.contention = 1.0
    yield 0.5  # payments: urgent, unanswered for half of its target
    filed(payments, "urgent", EKS, 0.5)
    yield -1


async def scrape_hourly(job: str, goes_on: Iterator[float], clock: HistoryClock, samples: BinaryIO) -> None:
    """Write what Prometheus would have stored of the exporters of a job."""
    exporters: dict[str, app.Exporter] = {}
    due = next(goes_on)
    for hour, end in itertools.pairwise((*range(48, 4, -1), 4, 3.5, 3, 2.5, 2, 1.5, 1, 0.5, 0, -0.25)):
        clock.now = END - hour * HOUR
        while hour == due:
            due = next(goes_on)
        for scrape in (scrape for scrape in JOBS[job] if hour <= scrape.hours):
            if hour == scrape.hours:
                given = scrape.config.encode(), "known", options.parse(scrape.flags)
                exporters[scrape.instance] = app.Exporter(*given, Log().logger, process=True)
            exporter = exporters[scrape.instance]
            if queue := exporter.collector._plan.events:
                await exporter.collector.events.receive(queue)
            await exporter.collector.run_once(lambda _: None)
            target = f'instance="{scrape.instance}",job="{job}"'.encode()
            started = f"process_start_time_seconds {END - scrape.hours * HOUR:.0f}".encode()
            page = _START_TIME.sub(started, exporter.store.uncompressed(TextFormat.OPENMETRICS))
            lines = [b"up 1", *(line for line in page.splitlines() if not line.startswith(b"#"))]
            for line in lines:
                series, _, value = line.rpartition(b" ")
                name, _, labels = series.rstrip(b"}").partition(b"{")
                of = name + b"{" + target + (b"," + labels if labels else b"") + b"} " + value
                samples.writelines(b"%s %d\n" % (of, END - 900 * quarter) for quarter in range(int(4 * hour), int(4 * end), -1))
    for exporter in exporters.values():
        await exporter.closing(asyncio.sleep(0))


def create_blocks(directory: Path, promtool: Path) -> None:
    """Make a data directory for Prometheus that holds all jobs side by side."""
    file = directory / "known.openmetrics"
    hurry = itertools.count(0, 30).__next__  # whoever waits for a message
    with file.open("wb") as samples:
        for job in JOBS:
            clock = HistoryClock()
            fleet = Fleet.empty(clock.time)
            add_accounts(fleet)
            simulator = Simulator(fleet, throttle=False, verify_signatures=False, timer=hurry)
            with simulator, pytest.MonkeyPatch.context() as patch:
                patch.setattr(app, "SystemClock", lambda clock=clock: clock)
                patch.setattr(app, "Endpoints", lambda: Endpoints(LOADER))
                for name, value in simulator.environment().items():
                    patch.setenv(name, value)
                asyncio.run(scrape_hourly(job, story(fleet), clock, samples))
        samples.write(b"# EOF\n")
    command = ["tsdb", "create-blocks-from", "openmetrics", "--quiet", "--max-block-duration=768h"]
    subprocess.run([promtool, *command, file, directory / "data"], stdin=subprocess.DEVNULL, capture_output=True, check=True)
