"""A week of the simulator's fleet as a Prometheus that scraped exporters all the while would have stored it.

The exporter's own roster, poller, instruments and renderer run on a clock that is moved along; only the wire is left out:
the simulated Support API is called, not connected to. `python -m tests.support.history DIR` makes a data directory that
ends now, for a Prometheus to look at.
"""

import argparse
import json
import math
import platform
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import structlog
from structlog.typing import FilteringBoundLogger

from exporter import __revision__, __version__
from exporter.aws.first_response import FirstResponses
from exporter.aws.parse import CasesPage, cases_page, communications_page
from exporter.cases.aggregate import open_cases
from exporter.cases.model import Account, Communication, Reading, Reason
from exporter.collector.poller import Poller
from exporter.collector.publisher import Publisher
from exporter.collector.roster import Roster
from exporter.collector.schedule import Cadence
from exporter.collector.source import Target
from exporter.collector.store import PageStore
from exporter.config import parse
from exporter.errors import ReadFailure
from exporter.metrics import catalog
from exporter.metrics.encode import TextFormat
from exporter.metrics.families import Sample, View
from exporter.metrics.instruments import Instruments
from exporter.metrics.live import LiveMetrics
from exporter.metrics.page import Encoding
from exporter.metrics.renderer import Renderer
from exporter.simulator import account as simulated
from exporter.simulator import support
from exporter.simulator.errors import ApiError
from exporter.simulator.fleet import Fleet
from exporter.simulator.parameters import Parameters
from tests.support.tools import find_tool

DAY = 86400.0
JOB = "aws-support-exporter"
_ATTEMPTS = 4
_SESSION_SECONDS = 3600.0
_POLL_TIMEOUT = 60.0
_PLAIN = Encoding(TextFormat.OPENMETRICS, gzip=False)
_DEMO_SEED = 5
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
            Target(self._named(account), SimulatedSource(account, instruments, clock, random.Random(rng.random())))  # noqa: S311
            for account in mine
        )
        self._poller = Poller(self._roster, _POLL_TIMEOUT, targets, instruments, clock, log)
        staleness = max(config.poll.max_staleness, 3 * step)
        view = View(staleness, targets, config.metrics.cases.limit if scrape.per_case else None)
        self._store = PageStore(clock.monotonic)
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
        page = body.stored + live
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
        build = {"version": __version__, "revision": __revision__, "pythonversion": platform.python_version()}
        yield Sample(catalog.BUILD_INFO, build, 1)
        if self._scrape.total > 1:
            yield Sample(catalog.SHARD, {"ordinal": str(self._scrape.index), "total": str(self._scrape.total)}, 1)


class _RealStopwatch:
    """The history's time of day, but a real stopwatch: how long a page took to make is measured."""

    def __init__(self, clock: HistoryClock) -> None:
        self.time = clock.time
        self.monotonic = time.perf_counter


@dataclass(frozen=True, slots=True)
class Story:
    """A fleet, and the exporters that watched it.

    Attributes:
        fleet: Makes the fleet as it is at the beginning.
        scrapes: The exporters.
        seconds: How long they watched.
        step: Seconds between two scrapes.
    """

    fleet: Callable[[Callable[[], float]], Fleet]
    scrapes: Sequence[Scrape]
    seconds: float = 7 * DAY
    step: float = 300.0


def write_story(story: Story, end: float, stream: BinaryIO) -> None:
    """Write the samples of a story in OpenMetrics, without the end marker.

    Args:
        story: What happened.
        end: When it ends, in Unix seconds.
        stream: Where to write.
    """
    start = end - story.seconds
    clock = HistoryClock(start)
    fleet = story.fleet(clock.time)
    exporters = [RecordedExporter(fleet, scrape, clock, story.step) for scrape in story.scrapes]
    for number in range(int(story.seconds // story.step) + 1):
        clock.move_to(start + number * story.step)
        fleet.advance(clock.time())
        for exporter in exporters:
            exporter.record(stream)


def create_blocks(stories: Iterable[Story], end: float, directory: Path, promtool: Path) -> Path:
    """Make a data directory for Prometheus that holds some stories, and return it.

    Args:
        stories: What happened, side by side; their jobs or instances must differ.
        end: When all of them end, in Unix seconds.
        directory: Where; the data directory is `data` in it.
        promtool: The program that makes the blocks.
    """
    directory.mkdir(parents=True, exist_ok=True)
    samples = directory / "history.openmetrics"
    with samples.open("wb") as stream:
        for story in stories:
            write_story(story, end, stream)
        stream.write(b"# EOF\n")
    data = directory / "data"
    command = [
        str(promtool),
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        "--quiet",
        "--max-block-duration=768h",
        str(samples),
        str(data),
    ]
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    samples.unlink()
    return data


def demo(clock: Callable[[], float]) -> Fleet:
    """Return the fleet of `--demo` at the pace of real life."""
    return Fleet.demo(clock, seed=_DEMO_SEED)


def healthy(accounts: int, cases: float = 4.0) -> Callable[[Callable[[], float]], Fleet]:
    """Return what makes a fleet of which every account can be read."""
    return lambda clock: Fleet.living(clock, accounts=accounts, cases=cases)


def main(arguments: Sequence[str]) -> int:
    """Make a data directory that ends now, and tell how to look at it; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.history", description=__doc__)
    parser.add_argument("directory", type=Path, help="where to put the data; it is made")
    parser.add_argument("--days", type=float, default=7.0, help="how far back (default: %(default)s)")
    parser.add_argument("--step", type=float, default=300.0, help="seconds between two scrapes (default: %(default)s)")
    parser.add_argument("--accounts", type=int, default=0, help="that many healthy accounts (default: the demo's)")
    parser.add_argument("--no-cases", action="store_true", help="without series of single cases")
    options = parser.parse_args(arguments)
    prometheus, promtool = find_tool("prometheus"), find_tool("promtool")
    if prometheus is None or promtool is None:
        parser.error("promtool is not here: run `make tools`")
    fleet = healthy(options.accounts) if options.accounts else demo
    scrape = Scrape("localhost:10047", organization="" if options.accounts == 1 else "demo", per_case=not options.no_cases)
    data = create_blocks([Story(fleet, [scrape], options.days * DAY, options.step)], time.time(), options.directory, promtool)
    config = options.directory / "prometheus.json"
    config.write_text(json.dumps({"scrape_configs": []}))
    sys.stdout.write(f"{prometheus} --config.file={config} --storage.tsdb.path={data} --web.listen-address=127.0.0.1:9090\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
