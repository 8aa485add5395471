import asyncio
from collections.abc import Callable, Iterable, Sequence

import pytest

from exporter.cases.model import Account, Case, Reading
from exporter.cases.policy import Policy
from exporter.cases.status import AccountStatus
from exporter.clock import Clock, SystemClock
from exporter.collector.collector import Collector, Plan
from exporter.collector.ports import Discovery, Target
from exporter.metrics.exposition import PageStore
from exporter.metrics.families import Sample
from exporter.metrics.instrumentation import Instrumentation
from tests.support.clock import FakeClock
from tests.support.log import Log

A, B, C = "111111111111", "222222222222", "333333333333"
INTERVAL, STALE_AFTER, TIMEOUT = 300.0, 1800.0, 60.0
Outcome = Iterable[Case] | Exception


class FakeSource:
    """Answers with given cases, or a failure; to one who waits, once it is let."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.outcome: Outcome = ()
        self.timeouts: list[float] = []
        self.let = asyncio.Event()
        self.let.set()

    def resume(self, reading: Reading) -> None:
        pass

    async def read(self, timeout: float) -> Reading:  # noqa: ASYNC109 - as the reader's own
        self.timeouts.append(timeout)
        await self.let.wait()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return Reading(self.clock.time(), tuple(self.outcome))


class World:
    """A collector of accounts with fake sources, on the machine's own clock."""

    def __init__(self, samples: Callable[[], Iterable[Sample]] = tuple, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self.log = Log()
        self.sources: dict[str, FakeSource] = {}
        self.store = PageStore()
        own = (Instrumentation(()), self.store, samples)
        self.collector = Collector(self.plan(), *own, owns=lambda _: True, clock=self.clock, log=self.log.logger)

    def plan(self, *account_ids: str, discoveries: Sequence[Discovery] = (), concurrency: int = 16) -> Plan:
        """Return a plan that polls these accounts."""
        targets = [self.target(each) for each in account_ids]
        return Plan(targets, discoveries, INTERVAL, TIMEOUT, concurrency, Policy(STALE_AFTER))

    def target(self, account_id: str) -> Target:
        """Return an account and its source, which stays the same."""
        source = self.sources.setdefault(account_id, FakeSource(self.clock))
        return Target(Account(account_id, f"name-{account_id}", "us-east-1", "aws"), source)

    def answer(self, outcome: Outcome, *account_ids: str) -> None:
        """Have accounts answer so from now on."""
        for account_id in account_ids:
            self.target(account_id)
            self.sources[account_id].outcome = outcome

    async def apply(self, plan: Plan) -> None:
        self.collector.apply(plan)
        await self.collector.publisher.publish()

    def status(self, account_id: str) -> AccountStatus:
        entry = self.collector.accounts.get(account_id)
        assert entry is not None
        return entry.status


class FakeWorld(World):
    """The same on a clock that moves when told to."""

    clock: FakeClock

    async def assign(self, *account_ids: str) -> None:
        """Poll exactly these accounts from now on."""
        await self.apply(self.plan(*account_ids))

    async def poll_due(self, *, publish: bool = True) -> list[str]:
        """Poll all accounts that are due, make a page, which logs what has changed, and return which they were."""
        due = self.collector.accounts.due()
        for entry in due:
            await self.collector.poll(entry)
        if publish:
            await self.collector.publisher.publish()
        return [entry.target.account.account_id for entry in due]

    async def fail(self, failure: Exception, *account_ids: str) -> None:
        """Poll these accounts, and have each fail from the first time on."""
        self.answer(failure, *account_ids)
        await self.assign(*account_ids)
        await self.poll_due()


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld(clock=FakeClock())
