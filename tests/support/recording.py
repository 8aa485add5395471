"""An exporter on a clock that is moved along, whose pages are written down as Prometheus would have stored them.

The exporter's own roster, poller, instruments and renderer; only the wire is left out: the simulated Support API is called,
not connected to.
"""

import math
import platform
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import structlog
from exporter.collector.roster import Roster
from exporter.collector.source import Target
from exporter.collector.store import PageStore
from exporter.metrics.encode import TextFormat
from exporter.metrics.instruments import Instruments
from exporter.metrics.live import LiveMetrics
from exporter.metrics.page import Encoding
from structlog.typing import FilteringBoundLogger

from exporter import __revision__, __version__
from exporter.aws.first_response import FirstResponses
from exporter.aws.parse import CasesPage, cases_page, communications_page
from exporter.cases.aggregate import open_cases
from exporter.cases.model import Account, Communication, Reading, Reason
from exporter.collector.poller import Poller, Terms
from exporter.collector.publisher import Publisher
from exporter.collector.schedule import Cadence
from exporter.config import parse
from exporter.errors import ReadFailure
from exporter.metrics import catalog
from exporter.metrics.families import Sample, View
from exporter.metrics.renderer import Renderer
from exporter.simulator import account as simulated
from exporter.simulator import support
from exporter.simulator.errors import ApiError
from exporter.simulator.fleet import Fleet
from exporter.simulator.parameters import Parameters

JOB = "aws-support-exporter"
_ATTEMPTS = 4
_SESSION_SECONDS = 3600.0
_POLL_TIMEOUT = 60.0
_PLAIN = Encoding(TextFormat.OPENMETRICS, gzip=False)
_START_TIME = re.compile(rb"^process_start_time_seconds .*$", re.MULTILINE)


class HistoryClock:
    """Time that is told, and on top of it what calls took: they delay each other, but not the history."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._spent = 0.0

    def time(self) -> float:
        """Return Unix seconds."""
        return self._now

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return self._now + self._spent

    def spend(self, seconds: float) -> None:
        """Let a call take that long."""
        self._spent += seconds

    def move_to(self, now: float) -> None:
        """Let it be that time, in Unix seconds."""
        self._now = now


@dataclass(frozen=True, slots=True)
class Scrape:
    """One target of Prometheus.

    Attributes:
        instance: Its `instance` label.
        job: Its `job` label.
        index: Which share of the accounts it reads.
        total: Among how many the accounts are shared.
        organization: The organization that the accounts are found in, or empty.
        per_case: Whether each case has series of its own.
    """

    instance: str
    job: str = JOB
    index: int = 0
    total: int = 1
    organization: str = "demo"
    per_case: bool = True


class SimulatedSource:
    """Reads one account of the simulator without a wire between; calls take time and may be throttled.

    Args:
        account: The simulated account.
        instruments: Count the calls.
        clock: Passes while calls last.
        rng: How long they last, and which are throttled.
    """

    def __init__(self, account: simulated.Account, instruments: Instruments, clock: HistoryClock, rng: random.Random) -> None:
        self._account = account
        self._instruments = instruments
        self._clock = clock
        self._rng = rng
        self._first_responses = FirstResponses()
        self._session_ends = -math.inf

    def read(self, _deadline: float) -> Reading:
        """Return a complete reading, as the exporter's own reader does."""
        if self._clock.time() >= self._session_ends:
            self._assume_role()
        cases = [case for page in self._pages() for case in page.cases]
        return Reading(self._clock.time(), self._first_responses.complete(open_cases(cases), self._communications))

    def _assume_role(self) -> None:
        denied = None if self._account.trusts else Reason.ASSUME_ROLE_DENIED
        self._ended("AssumeRole", denied)
        if denied:
            raise ReadFailure(denied, "AssumeRole: AccessDenied")
        self._session_ends = self._clock.time() + _SESSION_SECONDS

    def _pages(self) -> Iterator[CasesPage]:
        token: str | None = None
        while True:
            page = cases_page(self._answer("DescribeCases", token, includeCommunications=True), keep_subject=False)
            yield page
            token = page.next_token
            if token is None:
                return

    def _communications(self, case_id: str) -> tuple[Communication, ...]:
        return communications_page(self._answer("DescribeCommunications", None, caseId=case_id)).communications

    def _answer(self, operation: str, token: str | None, **parameters: object) -> bytes:
        values = {**parameters, "maxResults": 100} | ({} if token is None else {"nextToken": token})
        for _ in range(_ATTEMPTS):
            throttled = self._rng.random() < self._account.contention
            try:
                answer = b"" if throttled else support.answer(operation, Parameters(values), self._account)
            except ApiError as error:
                if error.code != "SubscriptionRequiredException":
                    raise
                self._ended(operation, Reason.SUBSCRIPTION_REQUIRED)
                raise ReadFailure(Reason.SUBSCRIPTION_REQUIRED, error.code) from error
            self._ended(operation, Reason.THROTTLED if throttled else None)
            if not throttled:
                return answer
        raise ReadFailure(Reason.THROTTLED, "ThrottlingException")

    def _ended(self, operation: str, reason: Reason | None) -> None:
        duration = 0.12 * self._rng.lognormvariate(0.0, 0.5)
        self._clock.spend(duration)
        self._instruments.request_ended(operation, duration, reason)


class RecordedExporter:
    """An exporter whose pages are written down with the time at which they were scraped.

    Args:
        fleet: What it reads.
        scrape: How Prometheus knows it.
        clock: Its clock, and the fleet's.
        step: Seconds between two scrapes; every account that is well is read between them.
    """

    def __init__(self, fleet: Fleet, scrape: Scrape, clock: HistoryClock, step: float) -> None:
        config = parse(b"{}", source="history", partition_of=lambda _: "aws").config
        targets = config.metrics.first_response_targets
        silent = structlog.make_filtering_bound_logger("critical")
        log: FilteringBoundLogger = structlog.wrap_logger(structlog.PrintLogger(), wrapper_class=silent)
        instruments = Instruments(targets)
        self._scrape = scrape
        self._clock = clock
        self._targets = targets
        self._roster = Roster(Cadence(step / 2), clock)
        rng = random.Random(scrape.instance)  # noqa: S311 - a story, not a secret
        mine = [account for account in fleet.accounts if account.state == "ACTIVE"][scrape.index :: scrape.total]
        self._roster.assign(
            Target(self._named(account), SimulatedSource(account, instruments, clock, random.Random(rng.random())))  # noqa: S311 - as above
            for account in mine
        )
        staleness = max(config.poll.max_staleness, 3 * step)
        self._poller = Poller(self._roster, Terms(_POLL_TIMEOUT, targets, staleness), instruments, clock, log)
        view = View(staleness, targets, config.metrics.cases.limit if scrape.per_case else None)
        self._store = PageStore()
        self._publisher = Publisher(
            self._roster, Renderer(view, instruments), self._store, self._fleet_samples, _RealStopwatch(clock)
        )
        self._live = LiveMetrics().encode
        self._started = clock.time()
        labels = f'instance="{scrape.instance}",job="{scrape.job}"'
        self._up = f"up{{{labels}}} 1".encode()
        self._labels = f"{{{labels}".encode()

    def record(self, stream: BinaryIO) -> None:
        """Read what is due, and write the page with its time."""
        while (target := self._roster.take()) is not None:
            self._poller.poll(target)
        self._publisher.publish()
        body = self._store.prepare(_PLAIN)
        assert body is not None
        live = _START_TIME.sub(f"process_start_time_seconds {self._started:.3f}".encode(), self._live(TextFormat.OPENMETRICS))
        page = body.whole(live)
        stamp = f" {self._clock.time():.3f}\n".encode()
        stream.write(self._up + stamp)
        stream.writelines(self._told(line) + stamp for line in page.splitlines() if not line.startswith(b"#"))

    def _told(self, line: bytes) -> bytes:
        """Return a sample's line with the labels that Prometheus gives its target."""
        name, brace, rest = line.partition(b"{")
        if brace:
            return name + self._labels + b"," + rest
        name, _, value = line.partition(b" ")
        return name + self._labels + b"} " + value

    def _named(self, account: simulated.Account) -> Account:
        return Account(account.account_id, account.name, "us-east-1", "aws", self._scrape.organization)

    def _fleet_samples(self) -> Iterator[Sample]:
        for severity_code, seconds in sorted(self._targets.items()):
            yield Sample(catalog.FIRST_RESPONSE_TARGET, {"severity_code": severity_code}, seconds)
        if self._scrape.organization:
            organization = {"organization": self._scrape.organization}
            yield Sample(catalog.ORGANIZATION_UP, organization, 1)
            yield Sample(catalog.ORGANIZATION_LAST_SUCCESS, organization, self._clock.time())
        yield Sample(catalog.CONFIG_RELOAD_SUCCESSFUL, {}, 1)
        yield Sample(catalog.CONFIG_RELOAD_SUCCESS, {}, self._started)
        build = {"version": __version__, "revision": __revision__, "pythonversion": platform.python_version()}
        yield Sample(catalog.BUILD_INFO, build, 1)
        if self._scrape.total > 1:
            yield Sample(catalog.SHARDS, {}, self._scrape.total)
            yield Sample(catalog.SHARD, {"ordinal": str(self._scrape.index), "total": str(self._scrape.total)}, 1)


class _RealStopwatch:
    """The history's time of day, but a real stopwatch: how long a page took to make is measured."""

    def __init__(self, clock: HistoryClock) -> None:
        self.time = clock.time
        self.monotonic = time.perf_counter
