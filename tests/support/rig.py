"""The exporter's own parts in the test's process, put together as the command does, on a clock of the test's choice."""

import asyncio
import math
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import structlog
from botocore.loaders import create_loader
from structlog.typing import FilteringBoundLogger

from exporter import targets
from exporter.aws.endpoints import Endpoints
from exporter.aws.readers import Readers
from exporter.cases.report import FleetReport, fleet_report
from exporter.cases.status import AccountStatus
from exporter.clock import Clock
from exporter.collector.accounts import Entry
from exporter.collector.collector import Collector
from exporter.config.settings import Settings, parse
from exporter.loop_thread import LoopThread
from exporter.metrics.exposition import PageStore, TextFormat
from exporter.metrics.instrumentation import Instrumentation
from exporter.state import State
from tests.support.clock import FakeClock
from tests.support.page import Page

T = TypeVar("T")
_STOP_SECONDS = 10
LOADER = create_loader()
"""botocore's data files, read once for all tests."""


class Rig:
    """An exporter without its web server, on an event loop in a thread of its own; to be closed."""

    def __init__(
        self,
        config: str,
        clock: Clock,
        *,
        random: Callable[[], float] = lambda: 0.5,
        log: FilteringBoundLogger | None = None,
        storage: Path | None = None,
    ) -> None:
        silent = structlog.make_filtering_bound_logger("critical")
        nowhere: FilteringBoundLogger = structlog.wrap_logger(structlog.PrintLogger(), wrapper_class=silent)
        self.clock = clock
        self._endpoints = Endpoints(LOADER)
        settings = self.parse(config)
        self._thread = LoopThread("rig", asyncio.sleep(math.inf))
        self._storage = storage
        self.state = State(storage, clock, log or nowhere)
        instrumentation = Instrumentation(settings.first_response_targets, stored=self.state.load())
        self.readers = Readers(self._endpoints, instrumentation.request_ended, clock=clock, random=random, log=log or nowhere)
        self.store = PageStore()
        self.collector = Collector(
            targets.plan(settings, self.readers),
            instrumentation,
            self.store,
            self.state.samples,
            owns=lambda _: True,
            known=self.state.status,
            save=self.state.save,
            clock=clock,
            log=log or nowhere,
        )
        self.accounts, self.discoverer = self.collector.accounts, self.collector.discoverer
        self.publisher = self.collector.publisher

    def kill(self) -> None:
        """Let go of the stored state, as the end of a process does; nothing more is written."""
        self.state._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self.readers.close())
        if self._storage:
            self.kill()
        self._thread.stop(_STOP_SECONDS)

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._thread._loop)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.submit(work).result()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Have it poll and publish by itself meanwhile."""
        collecting = self.submit(self.collector.run())
        try:
            yield
        finally:
            collecting.cancel()

    def wake(self) -> None:
        """Have it notice that its clock was moved."""
        self._thread._loop.call_soon_threadsafe(self.accounts.planned.set)

    def parse(self, config: str) -> Settings:
        return parse(config.encode(), source="test", partition_of=self._endpoints.partition_of)

    def apply(self, config: str) -> None:
        self.run(self.applying(config))

    async def applying(self, config: str) -> None:
        """Reload with another configuration, on the exporter's event loop."""
        known = [listing.discovery for listing in self.discoverer.listings]
        self.collector.apply(targets.plan(self.parse(config), self.readers, known))
        await self.collector.publisher.publish()

    def status(self, account_id: str) -> AccountStatus | None:
        return next((e.status for e in self.accounts.entries() if e.target.account.account_id == account_id), None)

    def report(self) -> FleetReport:
        """Return how the fleet is doing, as of the published page."""
        snapshot = self.publisher.snapshot
        return fleet_report(
            snapshot.statuses, snapshot.organizations, snapshot.policy, self.clock.time(), self.collector.events.status
        )

    def page(self) -> Page:
        self.run(self.publisher.publish())
        return self.published()

    def published(self) -> Page:
        return Page(self.store.uncompressed(TextFormat.PROMETHEUS).decode())

    def due(self) -> list[Entry]:
        """Return the accounts that are due in the order in which their tasks would wake up."""
        return sorted(self.accounts.due(), key=lambda entry: entry.due)

    def list_due(self) -> None:
        """List the organizations that are due, and look up what is due of their units and tags."""

        async def listing() -> None:
            for found in self.discoverer.listings:
                if found.due <= self.clock.monotonic():
                    await self.discoverer.refresh(found)
                while not await self.discoverer.look_up(found):
                    pass

        self.run(listing())

    def poll(self, *entries: Entry, together: bool = False) -> None:
        """Poll accounts, one after the other or all at once."""

        async def polling() -> None:
            if together:
                await asyncio.gather(*map(self.collector.poll, entries))
                return
            for entry in entries:
                await self.collector.poll(entry)

        self.run(polling())

    def round(self, *, together: bool = False) -> Page:
        """List the accounts if that is due, poll each account that is due once, the longest due first, and return the page."""
        self.list_due()
        self.poll(*self.due(), together=together)
        return self.page()


class FakeRig(Rig):
    """A rig on a clock that moves when told to."""

    clock: FakeClock

    def after(self, seconds: float) -> Page:
        """Let time pass, read what fell due meanwhile, and return the page."""
        self.clock.advance(seconds)
        return self.round()
