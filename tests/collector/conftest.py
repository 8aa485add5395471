import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
import structlog
from structlog.testing import CapturingLogger
from structlog.typing import FilteringBoundLogger

from exporter.cases.model import Account, Case, Reading
from exporter.collector.poller import Poller, Terms
from exporter.collector.roster import Roster
from exporter.collector.schedule import Cadence
from exporter.collector.source import Target
from exporter.metrics.instrumentation import Instrumentation

INTERVAL = 300.0
STALE_AFTER = 1800.0
TARGETS = {"critical": 900.0, "low": 86400.0}


class FakeTiming:
    """Clocks that stand still until they are moved."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def time(self) -> float:
        return 1_700_000_000.0 + self.now

    def monotonic(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


Outcome = Iterable[Case] | Exception


class FakeSource:
    """Answers with what it is told to: cases, or a failure."""

    def __init__(self, timing: FakeTiming, outcome: Outcome = ()) -> None:
        self.timing = timing
        self.outcome = outcome
        self.deadlines: list[float] = []
        self.overlaps = 0
        self._reading = threading.Lock()

    def read(self, deadline: float) -> Reading:
        if not self._reading.acquire(blocking=False):
            self.overlaps += 1
            raise AssertionError("two polls of one account at once")
        try:
            return self._read(deadline)
        finally:
            self._reading.release()

    def _read(self, deadline: float) -> Reading:
        self.deadlines.append(deadline)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return Reading(self.timing.time(), tuple(self.outcome))


@dataclass
class World:
    """A roster of accounts with fake sources, and what reads them."""

    timing: FakeTiming
    roster: Roster
    poller: Poller
    log: CapturingLogger
    sources: dict[str, FakeSource] = field(default_factory=dict)

    def add(self, *account_ids: str) -> None:
        """Have these accounts read, and those before them."""
        for account_id in account_ids:
            self.sources[account_id] = FakeSource(self.timing)
        self.assign(self.sources)

    def assign(self, account_ids: Iterable[str]) -> None:
        """Have exactly these accounts read."""
        self.roster.assign([Target(Account(i, f"name-{i}", "us-east-1", "aws"), self.sources[i]) for i in account_ids])

    def poll_due(self) -> list[str]:
        """Read all accounts that are due; return which."""
        polled = []
        while (target := self.roster.take()) is not None:
            self.poller.poll(target)
            polled.append(target.account.account_id)
        return polled


@pytest.fixture
def timing() -> FakeTiming:
    return FakeTiming()


@pytest.fixture
def world(timing: FakeTiming) -> World:
    roster = Roster(Cadence(INTERVAL), timing)
    capturing = CapturingLogger()
    log: FilteringBoundLogger = structlog.wrap_logger(
        capturing, wrapper_class=structlog.make_filtering_bound_logger(0), processors=[lambda *entry: entry[2]]
    )
    poller = Poller(roster, Terms(60.0, TARGETS, STALE_AFTER), Instrumentation(TARGETS.values()), timing, log)
    return World(timing, roster, poller, capturing)
