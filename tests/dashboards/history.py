"""A week of the simulator's fleet as a Prometheus that scraped exporters all the while would have stored it.

All of an exporter is its own but the wire and the clock: the simulated API is called, not connected to.
"""

import asyncio
import itertools
import platform
import random
import re
import subprocess
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from botocore.credentials import Credentials

from exporter import __revision__, __version__
from exporter.aws.client import Client, Parser, Service
from exporter.aws.credentials import AssumedRole, Sts
from exporter.aws.endpoints import Endpoints
from exporter.aws.errors import RequestFailure, refused
from exporter.aws.events import content_of
from exporter.aws.parse import cases_parser
from exporter.aws.retry import Caller
from exporter.aws.support import Memory, SupportReader
from exporter.cases.model import Account, Reason
from exporter.cases.report import Finding
from exporter.cases.targets import SupportPlan, targets
from exporter.collector.collector import Collector, Plan
from exporter.collector.ports import Message, Target
from exporter.config.settings import parse
from exporter.metrics import catalog
from exporter.metrics.exposition import PageStore, TextFormat
from exporter.metrics.families import Sample
from exporter.metrics.instrumentation import Instrumentation
from exporter.simulator import account as simulated
from exporter.simulator import support
from exporter.simulator.errors import ApiError
from exporter.simulator.fleet import Fleet
from exporter.simulator.parameters import Parameters
from exporter.simulator.sqs import EventQueue
from tests.support.credentials import OwnCredentials
from tests.support.log import Log

DAY = 86400.0
JOB = "aws-support-exporter"
_REGION = "us-east-1"
_SESSION_SECONDS = 3600.0
_LOOK_SECONDS = 0.001
_PLANS = (SupportPlan.ENTERPRISE, SupportPlan.BUSINESS_SUPPORT_PLUS)
"""Every other account has the second one."""
_START_TIME = re.compile(rb"^process_start_time_seconds .*$", re.MULTILINE)


class HistoryClock:
    """A given time, plus what calls took: they delay each other, but not the history."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._spent = 0.0

    def time(self) -> float:
        """Return Unix seconds."""
        return self._now

    def monotonic(self) -> float:
        """Return seconds that never go back; who looks twice finds that a little time has passed."""
        self._spent += _LOOK_SECONDS
        return self._now + self._spent

    async def sleep(self, seconds: float) -> None:
        """Let a call or a pause take that long."""
        self._spent += seconds

    def move_to(self, now: float) -> None:
        """Let it be that time, in Unix seconds."""
        self._now = now


@dataclass(frozen=True, slots=True)
class Scrape:
    """One target of Prometheus."""

    instance: str
    job: str = JOB
    index: int = 0
    total: int = 1
    organization: str = "demo"
    per_case: bool = True
    since: float = 0.0
    """After how many seconds of the story it starts."""
    owners: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """The team and the organizational unit of accounts, by their names."""


@dataclass(frozen=True, slots=True)
class Story:
    """A fleet, and the exporters that watched it."""

    fleet: Callable[[Callable[[], float]], Fleet]
    scrapes: Sequence[Scrape]
    seconds: float = 7 * DAY
    step: float = 300.0


class CalledClient(Client):
    """Calls the simulator's functions for one account in place of AWS; calls take time and may be throttled."""

    def __init__(self, of: "RecordedExporter", account: simulated.Account) -> None:
        self._rng = random.Random(of.rng.random())  # noqa: S311 - a story, not a secret
        super().__init__(of.endpoints, of.instrumentation.request_ended, of.clock, self._rng.random)
        self._of = of
        self._account = account

    async def request(
        self,
        service: Service,  # noqa: ARG002 - as the client has it
        operation: str,
        parameters: Mapping[str, object],
        credentials: Credentials,  # noqa: ARG002 - as above
        caller: Caller,  # noqa: ARG002 - as above
        parse: Parser | None = None,
    ) -> Any:  # noqa: ANN401 - as above
        """Return what the simulator answers."""
        duration = 0.12 * self._rng.lognormvariate(0.0, 0.5)
        await self._of.clock.sleep(duration)
        reason: Reason | None = None
        try:
            return self._assumed_role(operation) if parse is None else parse(self._answer(operation, parameters))
        except RequestFailure as failure:
            reason = failure.reason
            raise
        finally:
            self._of.instrumentation.request_ended(operation, duration, reason)

    def _assumed_role(self, operation: str) -> dict[str, object]:
        if not self._account.trusts:
            raise refused(operation, 403, "AccessDenied", "")
        expiration = datetime.fromtimestamp(self._of.clock.time() + _SESSION_SECONDS, UTC).isoformat()
        issued = {"AccessKeyId": "id", "SecretAccessKey": "key", "SessionToken": "token", "Expiration": expiration}
        return {"Credentials": issued}

    def _answer(self, operation: str, parameters: Mapping[str, object]) -> bytes:
        if self._rng.random() < self._account.contention:
            raise refused(operation, 400, "ThrottlingException", "")
        try:
            return support.answer(operation, Parameters(parameters), self._account)
        except ApiError as error:
            raise refused(operation, 400, error.code, "") from error


@dataclass(slots=True)
class Members:
    """The accounts of an organization, which stay."""

    name: str
    targets: Sequence[Target]
    refresh_interval: float = 3600.0
    selects_by_tags: bool = False
    excluded: int | None = None

    async def pages(self, timeout: float) -> AsyncIterator[Sequence[Target]]:  # noqa: ARG002, ASYNC109 - as of any discovery
        """Yield them all."""
        yield self.targets

    def known(self) -> Sequence[Target]:
        """Return them all."""
        return self.targets

    async def look_up(self, owns: object, most: int) -> tuple[float, Sequence[Finding], None]:  # noqa: ARG002 - as above
        """Return that there is nothing to look up."""
        return float("inf"), (), None


class CalledQueue:
    """The simulator's queue in place of SQS. Shards have one each, and each message is in all of them."""

    def __init__(self, queue: EventQueue, shards: int) -> None:
        self.url = queue.url
        self._queue = queue
        self._hidden_seconds = 0 if shards > 1 else 30

    async def receive(self, wait: int) -> Sequence[Message]:  # noqa: ARG002 - as of any queue
        """Return all that there is."""
        found = self._queue.receive(1000, self._hidden_seconds)
        return [(handle, content_of(body)) for handle, body in found.items()]

    async def delete(self, handles: Sequence[str]) -> None:
        """Delete messages."""
        for handle in handles:
            self._queue.delete(handle)


class RecordedExporter:
    """An exporter whose pages are written down with the time at which they were scraped."""

    def __init__(self, fleet: Fleet, scrape: Scrape, clock: HistoryClock, step: float) -> None:
        self.endpoints = Endpoints()
        settings = parse(b"{}", source="history", partition_of=self.endpoints.partition_of)
        self.instrumentation = Instrumentation(settings.first_response_targets, process=True)
        self._scrape = scrape
        self.clock = clock
        self.rng = random.Random(scrape.instance)  # noqa: S311 - a story, not a secret
        mine = [account for account in fleet.accounts if account.state == "ACTIVE"][scrape.index :: scrape.total]
        plans = {account.account_id: plan for account, plan in zip(fleet.accounts, itertools.cycle(_PLANS))}
        read = [self._target(account, plans[account.account_id]) for account in mine]
        self._interval = step / 2
        self._policy = replace(
            settings.policy,
            max_staleness=max(settings.policy.max_staleness, 3 * step),
            case_limit=settings.config.metrics.cases.limit if scrape.per_case else None,
        )
        poll = settings.config.poll
        in_organization = [Members(scrape.organization, read)] if scrape.organization else []
        found = ([], in_organization) if in_organization else (read, [])
        self._queue = CalledQueue(fleet.events, scrape.total) if fleet.events else None
        plan = Plan(*found, self._interval, poll.timeout, poll.concurrency, self._policy, self._queue)
        self._store = PageStore()
        parts = (plan, self.instrumentation, self._store, self._samples)
        self._collector = Collector(*parts, owns=lambda _: True, clock=clock, log=Log().logger)
        self._started = clock.time()
        labels = f'instance="{scrape.instance}",job="{scrape.job}"'
        self._up = f"up{{{labels}}} 1".encode()
        self._labels = f"{{{labels}".encode()

    async def record(self, stream: BinaryIO) -> None:
        """Read what is due, and write the page with its time."""
        collector = self._collector
        for listing in collector.discoverer.listings:
            if listing.due <= self.clock.monotonic():
                await collector.discoverer.refresh(listing)
        if self._queue:
            await collector.events.receive(self._queue)
        while due := collector.accounts.due():
            for entry in due:
                await collector.poll(entry)
        await collector.publisher.publish()
        page = self._store.uncompressed(TextFormat.OPENMETRICS)
        page = _START_TIME.sub(f"process_start_time_seconds {self._started:.3f}".encode(), page)
        stamp = f" {self.clock.time():.3f}\n".encode()
        stream.write(self._up + stamp)
        stream.writelines(self._told(line) + stamp for line in page.splitlines() if not line.startswith(b"#"))

    def _told(self, line: bytes) -> bytes:
        """Return a sample's line with the labels that Prometheus gives its target."""
        series, _, value = line.rpartition(b" ")
        name, _, labels = series.rstrip(b"}").partition(b"{")
        return name + self._labels + (b"," + labels if labels else b"") + b"} " + value

    def _target(self, account: simulated.Account, plan: SupportPlan) -> Target:
        client = CalledClient(self, account)
        role = AssumedRole(Sts(client, [_REGION]), OwnCredentials(), {})
        reader = SupportReader(
            account.account_id,
            client,
            client.services("support", [_REGION]),
            role,
            Memory(),
            {None: cases_parser(keep_subject=False)},
        )
        team, unit = self._scrape.owners.get(account.name, ("", ""))
        named = Account(
            account.account_id,
            account.name,
            _REGION,
            "aws",
            self._scrape.organization,
            (("team", team),) if team else (),
            targets(plan),
            organizational_unit=unit,
        )
        return Target(named, reader)

    def _samples(self) -> Iterator[Sample]:
        yield Sample(catalog.CONFIG_RELOAD_SUCCESSFUL, {}, 1)
        yield Sample(catalog.CONFIG_RELOAD_SUCCESS, {}, self._started)
        yield Sample(catalog.POLL_INTERVAL, {}, self._interval)
        yield Sample(catalog.MAX_STALENESS, {}, self._policy.max_staleness)
        build = {"version": __version__, "revision": __revision__, "pythonversion": platform.python_version()}
        yield Sample(catalog.BUILD_INFO, build, 1)
        yield Sample(catalog.STATE_WRITE_ERRORS, {}, 0)
        yield Sample(catalog.STATE_WRITTEN, {}, self.clock.time())
        if self._scrape.total > 1:
            yield Sample(catalog.SHARDS, {}, self._scrape.total)
            yield Sample(catalog.SHARD, {"ordinal": str(self._scrape.index), "total": str(self._scrape.total)}, 1)


async def write_story(story: Story, end: float, stream: BinaryIO) -> None:
    """Write the samples of a story in OpenMetrics, without the end marker."""
    start = end - story.seconds
    clock = HistoryClock(start)
    fleet = story.fleet(clock.time)
    exporters: dict[str, RecordedExporter] = {}
    for number in range(int(story.seconds // story.step) + 1):
        clock.move_to(start + number * story.step)
        fleet.advance(clock.time())
        for scrape in story.scrapes:
            if number * story.step >= scrape.since:
                if scrape.instance not in exporters:
                    exporters[scrape.instance] = RecordedExporter(fleet, scrape, clock, story.step)
                await exporters[scrape.instance].record(stream)


def create_blocks(stories: Iterable[Story], end: float, directory: Path, promtool: Path) -> Path:
    """Make a data directory for Prometheus that holds stories side by side: their jobs or instances must differ."""
    directory.mkdir(parents=True, exist_ok=True)
    samples = directory / "history.openmetrics"
    with samples.open("wb") as stream:
        for story in stories:
            asyncio.run(write_story(story, end, stream))
        stream.write(b"# EOF\n")
    data = directory / "data"
    command = ["tsdb", "create-blocks-from", "openmetrics", "--quiet", "--max-block-duration=768h"]
    subprocess.run([promtool, *command, samples, data], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    samples.unlink()
    return data


def healthy(accounts: int, cases: float = 4.0) -> Callable[[Callable[[], float]], Fleet]:
    """Return what makes a fleet of which every account can be read."""
    return lambda clock: Fleet.living(clock, accounts=accounts, cases=cases)
