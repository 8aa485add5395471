import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

import pytest

from exporter.cases.model import Account, Case, Reading
from exporter.cases.policy import Policy
from exporter.cases.status import AccountStatus
from exporter.clock import Clock
from exporter.collector.collector import Collector, Plan
from exporter.collector.ports import Discovery, Target
from exporter.metrics.exposition import PageStore
from exporter.metrics.families import Sample
from exporter.metrics.instrumentation import Instrumentation
from tests.support.clock import FakeClock
from tests.support.log import Log

INTERVAL = 300.0
STALE_AFTER = 1800.0
POLICY = Policy(STALE_AFTER)

Outcome = Iterable[Case] | Exception
C = TypeVar("C", bound=Clock)


class FakeSource:
    """Answers with given cases, or a failure."""

    def __init__(self, clock: Clock, outcome: Outcome = ()) -> None:
        self.clock = clock
        self.outcome = outcome
        self.timeouts: list[float] = []
        self.release: asyncio.Event | None = None

    def resume(self, reading: Reading) -> None:
        pass

    async def read(self, timeout: float) -> Reading:  # noqa: ASYNC109 - as the reader's own
        self.timeouts.append(timeout)
        if self.release is not None:
            await self.release.wait()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return Reading(self.clock.time(), tuple(self.outcome))


class World(Generic[C]):
    """A collector of accounts with fake sources."""

    def __init__(self, clock: C, samples: Callable[[], Iterable[Sample]] = tuple) -> None:
        self.clock = clock
        self.log = Log()
        self.sources: dict[str, FakeSource] = {}
        self.store = PageStore()
        instrumentation = Instrumentation(())
        self.collector = Collector(
            self.plan(),
            instrumentation,
            self.store,
            samples,
            owns=lambda _: True,
            clock=clock,
            log=self.log.logger,
        )

    def plan(
        self,
        *account_ids: str,
        discoveries: Sequence[Discovery] = (),
        interval: float = INTERVAL,
        concurrency: int = 16,
    ) -> Plan:
        """Return a plan that polls these accounts."""
        return Plan([self.target(i) for i in account_ids], discoveries, interval, 60.0, concurrency, POLICY)

    def target(self, account_id: str) -> Target:
        """Return an account and its source, which stays the same."""
        source = self.sources.setdefault(account_id, FakeSource(self.clock))
        return Target(Account(account_id, f"name-{account_id}", "us-east-1", "aws"), source)

    async def assign(self, *account_ids: str) -> None:
        """Poll exactly these accounts from now on."""
        self.collector.apply(self.plan(*account_ids))
        await self.collector.publisher.publish()

    async def poll_due(self) -> list[str]:
        """Poll all accounts that are due, and return which."""
        due = self.collector.accounts.due()
        for entry in due:
            await self.collector.poll(entry)
        await self.collector.publisher.publish()  # which logs what has changed
        return [entry.target.account.account_id for entry in due]

    def status(self, account_id: str) -> AccountStatus:
        """Return what is known of an account."""
        return next(
            entry.status for entry in self.collector.accounts.entries() if entry.target.account.account_id == account_id
        )


@pytest.fixture
def world() -> World[FakeClock]:
    return World(FakeClock())
