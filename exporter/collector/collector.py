"""Runs the polling: a task for each poll in flight, one for each discovery, one that publishes; all on one event loop."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from structlog.typing import FilteringBoundLogger

from exporter.cases.events import Event
from exporter.cases.model import Account
from exporter.cases.policy import Policy
from exporter.cases.report import AccountReport, account_report
from exporter.cases.status import AccountStatus
from exporter.clock import Clock
from exporter.collector.accounts import AccountTable, Entry, wait
from exporter.collector.changelog import ChangeLog
from exporter.collector.discovery import BATCH, Discoverer, Listing
from exporter.collector.events import EventConsumer
from exporter.collector.poller import poll
from exporter.collector.ports import Discovery, EventSource, Target
from exporter.collector.publisher import LONGEST_AGE, Publisher, Save
from exporter.collector.schedule import Schedule
from exporter.errors import internal
from exporter.metrics.exposition import PageStore
from exporter.metrics.families import Sample
from exporter.metrics.instrumentation import Instrumentation

_STUCK_AFTER = 2 * LONGEST_AGE + 300.0
_PROGRESS_SECONDS = 0.1
_PATIENCE = 30.0  # seconds that a request for a refresh waits, of the 60 of a response


@dataclass(frozen=True, slots=True)
class Plan:
    """What a configuration asks of the collector; seconds."""

    targets: Sequence[Target]
    discoveries: Sequence[Discovery]
    interval: float
    timeout: float
    concurrency: int
    policy: Policy
    events: EventSource | None = None


class Collector:
    """Polls accounts and publishes pages by a plan, which can be replaced."""

    def __init__(  # noqa: PLR0913 - all that it puts together
        self,
        plan: Plan,
        instrumentation: Instrumentation,
        store: PageStore,
        samples: Callable[[], Iterable[Sample]],
        *,
        owns: Callable[[str], bool],
        known: Callable[[Account], AccountStatus] = AccountStatus,  # of an account that is new
        save: Save = lambda *_: None,  # what a page is about to show
        clock: Clock,
        log: FilteringBoundLogger,
    ) -> None:
        self._clock = clock
        self._log = log
        self._instrumentation = instrumentation
        self._changes = ChangeLog(clock, log)
        self.accounts = AccountTable(Schedule(plan.interval), clock, known)
        self.discoverer = Discoverer(self.accounts, owns, self._drop, clock, log)
        self.events = EventConsumer(self.accounts, instrumentation, clock, log)
        shown = (self.accounts, self.discoverer, self.events, instrumentation, self._changes, samples)
        self.publisher = Publisher(plan.policy, *shown, store=store, save=save, clock=clock)
        self._running = False
        self._polls: dict[Entry, asyncio.Task[None]] = {}
        self._listings: list[asyncio.Task[None]] = []
        self._crashes: list[str] = []
        self.apply(plan)

    async def run(self) -> None:
        self._running = True
        others = [self._spawn("publish", self.publisher.run()), self._spawn("dispatch", self._dispatch())]
        self._refresh_listings()
        try:
            await asyncio.Event().wait()
        finally:
            self._running = False
            for task in (*others, *self._listings, *self._polls.values()):
                task.cancel()

    def apply(self, plan: Plan) -> None:
        """Replace the plan; `publish` shows what follows from it.

        What is known of accounts that stay is kept: cases, counts and credentials. Polls in flight continue, unless the account
        is gone or is read in another way now.
        """
        self._plan = plan
        self.publisher.policy = plan.policy
        self.accounts.reschedule(Schedule(plan.interval))
        self.discoverer.apply(plan.targets, plan.discoveries)
        self.events.apply(plan.events)
        self.accounts.planned.set()  # more polls may fit in now
        self._refresh_listings()

    async def run_once(self, progress: Callable[[str], None]) -> None:
        """Discover all accounts, poll each once, and publish the page; tags are waited for only where they select accounts."""
        listings = [asyncio.create_task(self._discover(listing)) for listing in self.discoverer.listings]
        polls: dict[Entry, asyncio.Task[None]] = {}
        slots = asyncio.Semaphore(self._plan.concurrency)

        async def poll_when_free(entry: Entry) -> None:
            async with slots:
                await self.poll(entry)

        while True:
            for entry in self.accounts.due():
                if entry not in polls:
                    polls[entry] = asyncio.create_task(poll_when_free(entry))
            pending = [task for task in (*listings, *polls.values()) if not task.done()]
            done = sum(task.done() for task in polls.values())
            step = f"Polling accounts {done}/{len(polls)}" if polls else "Discovering accounts"
            waits = any(each.last_success is not None and not each.looked_up for each in self.discoverer.listings)
            progress(f"{step}, reading tags" if waits else step)
            if not pending:
                break
            await asyncio.wait(pending, timeout=_PROGRESS_SECONDS)
        await self.publisher.publish()

    async def _discover(self, listing: Listing) -> None:
        await self.discoverer.refresh(listing)
        most = 1 if listing.looked_up else BATCH  # one account shows whether tags can be read
        while not (await self.discoverer.look_up(listing, most) or listing.looked_up):
            pass

    async def poll(self, entry: Entry) -> None:
        self.accounts.begin(entry)
        before = entry.status
        after = await poll(entry, self._plan.timeout, self._instrumentation, self._clock)
        self._changes.note(before, after, self._plan.policy.max_staleness)
        self.accounts.finish(entry, after)

    async def refresh(self, account_id: str) -> tuple[AccountReport, bool] | None:
        """Poll an account at once, and return how it is doing when a page shows that, and whether one does in time."""
        if (entry := self.accounts.get(account_id)) is None:
            return None
        before, patience = self.publisher.shown_poll(account_id), _PATIENCE
        if entry.status.last_poll is before and not entry.polling:  # or else who asks gets what is on its way
            self.accounts.note(Event(account_id), by_person=True)
            patience = _PATIENCE if entry.due - self._clock.monotonic() < _PATIENCE else 0.0
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while (poll := self.publisher.shown_poll(account_id)) is before:
                    await self.publisher.published.wait()
        return account_report(entry.status, self.publisher.policy, self._clock.time()), poll is not before

    def health_problems(self) -> list[str]:
        """Return what keeps accounts from being polled and pages from being made; safe to call from another thread."""
        age = self._clock.monotonic() - self.publisher.published_at
        stuck = [f"collector stuck: the last page is {age:.0f} s old"] if age > _STUCK_AFTER else []
        return [*self._crashes, *stuck]

    async def _dispatch(self) -> None:
        while True:
            self.accounts.planned.clear()
            while (entry := self._next()) is not None:
                self._polls[entry] = self._spawn("poll", self._poll_from(entry))
            full = len(self._polls) >= self._plan.concurrency
            await wait(self.accounts.planned, None if full else self.accounts.seconds_to_next())

    async def _poll_from(self, entry: Entry | None) -> None:
        """Poll an account, and then what is due: left to the dispatcher, polls would end and begin in bursts."""
        task = asyncio.current_task()
        try:
            while entry is not None and task is not None:
                self._polls[entry] = task
                try:
                    await self.poll(entry)
                finally:
                    if self._polls.get(entry) is task:
                        del self._polls[entry]
                if entry.failures:
                    await asyncio.sleep(0)  # it may have waited for nothing, as where a circuit is open
                entry = self._next()
        finally:
            self.accounts.planned.set()

    def _next(self) -> Entry | None:
        return self.accounts.take() if len(self._polls) < self._plan.concurrency else None

    def _drop(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if (task := self._polls.pop(entry, None)) is not None:
                task.cancel()

    def _refresh_listings(self) -> None:
        for task in self._listings:
            task.cancel()
        if self._running:
            runs = (self.discoverer.run, self.discoverer.run_look_ups)
            self._listings = [self._spawn("discovery", run(listing)) for listing in self.discoverer.listings for run in runs]
            if self._plan.events is not None:
                self._listings.append(self._spawn("events", self._receive(self._plan.events)))

    async def _receive(self, source: EventSource) -> None:
        # What waited in the queue is of accounts that may not have been found yet; and it is read in the first round anyway.
        while not self.publisher.ready:
            await self._clock.sleep(_PROGRESS_SECONDS)
        await self.events.run(source)

    def _spawn(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(partial(self._ended, name))
        return task

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            detail = internal(error).detail
            self._crashes.append(f"{name} task crashed: {detail}")
            self._log.error("task crashed", task=name, detail=detail)
