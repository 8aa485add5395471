"""Publishes a new page when something changed, and every 15 seconds, because ages move."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from exporter.cases.policy import Policy
from exporter.cases.report import OrganizationStatus
from exporter.cases.status import AccountStatus, Poll
from exporter.clock import Clock
from exporter.collector.accounts import AccountTable, wait
from exporter.collector.changelog import ChangeLog
from exporter.collector.discovery import Discoverer
from exporter.collector.events import EventConsumer
from exporter.metrics import catalog
from exporter.metrics.exposition import PageStore
from exporter.metrics.families import Sample
from exporter.metrics.histograms import HistogramMap
from exporter.metrics.instrumentation import Instrumentation
from exporter.metrics.renderer import Renderer

LONGEST_AGE = 15.0  # seconds after which a page is rendered even if nothing changed
_SHORTEST_AGE = 1.0
_SHARE_OF_A_CORE = 0.02
Save = Callable[[Sequence[AccountStatus], HistogramMap], None]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a page was made from; read by other threads."""

    statuses: tuple[AccountStatus, ...]
    organizations: tuple[OrganizationStatus, ...]
    policy: Policy


def pause_after(cost: float) -> float:
    """Return the seconds to pause after a page that took so many of CPU, so that a large fleet's changes keep no core busy."""
    return min(LONGEST_AGE, max(_SHORTEST_AGE, cost / _SHARE_OF_A_CORE))


@dataclass(eq=False, repr=False)
class Publisher:
    """Makes pages of what is known, in a thread, and puts them into the store.

    `ready` once a page was published on which every account had been tried; `samples` returns those that are neither
    accounts' nor discoveries' nor of events; `save` stores what a page is about to show.
    """

    policy: Policy
    accounts: AccountTable
    discoverer: Discoverer
    events: EventConsumer
    instrumentation: Instrumentation
    changes: ChangeLog
    samples: Callable[[], Iterable[Sample]]
    store: PageStore
    save: Save
    clock: Clock
    ready: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.snapshot = Snapshot((), (), self.policy)
        self.published = asyncio.Event()  # set for a moment after each page
        self.published_at = self.clock.monotonic()  # before the first page, when this began
        self._histograms = self.instrumentation.histograms  # of the page that is made
        self._renderer = Renderer(lambda: self.instrumentation.encode(self._histograms))
        self._lock = asyncio.Lock()
        self._cost = 0.0
        self._duration: float | None = None

    async def run(self) -> None:
        while True:
            # Asked before: a page that was begun without the last accounts does not show them.
            first_round = not self.accounts.all_polled.is_set()
            await self.publish()
            pause = pause_after(self._cost)
            least = 0.0 if first_round else max(_SHORTEST_AGE, 3 * self._cost)  # events may have a quarter of a core
            await asyncio.sleep(least)
            await wait(self.accounts.all_polled if first_round else self.accounts.events_read, pause - least)
            await wait(self.accounts.changed, LONGEST_AGE - pause)

    def shown_poll(self, account_id: str) -> Poll | None:
        return next((each.last_poll for each in self.snapshot.statuses if each.account.account_id == account_id), None)

    async def publish(self) -> None:
        async with self._lock:
            self.accounts.changed.clear()
            self.accounts.events_read.clear()
            self.changes.write()
            tried = self.discoverer.all_tried() and self.accounts.all_polled.is_set()
            statuses = tuple(entry.status for entry in self.accounts.entries())
            snapshot = Snapshot(statuses, tuple(self.discoverer.organizations()), self.policy)
            self._histograms = self.instrumentation.histograms
            now = self.clock.time()
            samples = [*self.discoverer.samples(), *self.events.samples(), *self.samples()]
            samples.append(Sample(catalog.PAGE_TIMESTAMP, {}, now))
            if self._duration is not None:
                samples.append(Sample(catalog.RENDER_DURATION, {}, self._duration))
            self._cost, self._duration = await asyncio.to_thread(self._render, snapshot, samples, now)
            self.events.page_shows(statuses)
            self.published_at = self.clock.monotonic()
            self.ready = self.ready or tried
            self.published.set()
            self.published.clear()

    def _render(self, snapshot: Snapshot, samples: Iterable[Sample], now: float) -> tuple[float, float]:
        """Publish a page, and return the CPU seconds and the seconds that it took."""
        cpu = time.thread_time()
        self.save(snapshot.statuses, self._histograms)
        began = time.perf_counter()
        page = self._renderer.render(snapshot.statuses, snapshot.policy, samples, now)
        self.snapshot = snapshot  # first: what shows it is rendered again when the page is there, and kept until the next page
        self.store.publish(page)
        return time.thread_time() - cpu, time.perf_counter() - began
