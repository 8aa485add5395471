"""Consumes a queue of events: has the accounts that they name polled at once."""

import asyncio
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from structlog.typing import FilteringBoundLogger

from exporter.cases.events import Event, Ignored
from exporter.cases.report import EventQueueStatus
from exporter.cases.status import AccountStatus
from exporter.clock import Clock
from exporter.collector.accounts import AccountTable
from exporter.collector.ports import EventSource
from exporter.errors import ReadFailure, internal
from exporter.metrics import catalog
from exporter.metrics.families import Sample
from exporter.metrics.instrumentation import Instrumentation

_LONG_POLL, _SHORT_POLL = 15, 1
"""Seconds to wait for a message: less than a connection may be silent, and short while the queue is not known to answer."""
_FULL, _AT_ONCE = 10, 10  # messages in a full batch, and how many batches are received at a time after one
_LONGEST_KEPT = 14 * 86400.0  # seconds that SQS keeps a message: an older event has a wrong time
_PAUSE, _LONGEST_PAUSE = 0.5, 5.0
"""The shorter where nothing came: a queue that does not wait would be asked all the time."""


@dataclass(eq=False, repr=False)
class EventConsumer:
    """Receives messages, has accounts polled, and deletes the messages; to be used on one event loop."""

    accounts: AccountTable
    instrumentation: Instrumentation
    clock: Clock
    log: FilteringBoundLogger
    status: EventQueueStatus = field(default_factory=EventQueueStatus, init=False)
    _handled: list[Sequence[str]] = field(default_factory=list, init=False)  # batches to be deleted
    # Of which account, when it came, when it happened.
    _awaited: list[tuple[str, float, float]] = field(default_factory=list, init=False)

    def apply(self, source: EventSource | None) -> None:
        """Receive from another queue, or from none, from the next run on."""
        url = "" if source is None else source.url
        if url != self.status.url:
            self.status, self._handled, self._awaited = EventQueueStatus(url), [], []
            self.instrumentation.expect_events()

    async def run(self, source: EventSource) -> None:
        pause = 0.0
        while True:
            try:
                pause = 0.0 if await self.receive(source) else _PAUSE
            except Exception as error:  # noqa: BLE001 - a bug here must not keep events from coming until a restart
                self._note(error if isinstance(error, ReadFailure) else internal(error))
                pause = min(_LONGEST_PAUSE, 2 * max(pause, _PAUSE))
            await self.clock.sleep(pause)

    async def receive(self, source: EventSource) -> int:
        """Delete what was handled, receive more, and return how many messages there were; raises ReadFailure."""
        full = any(len(batch) == _FULL for batch in self._handled)
        await _all(self._delete(source, batch) for batch in self._handled)
        waits = [0] * _AT_ONCE if full else [_LONG_POLL if self.status.up else _SHORT_POLL]
        await _all(self._take(source, wait) for wait in waits)
        self._note(None)
        return sum(map(len, self._handled))

    async def _delete(self, source: EventSource, batch: Sequence[str]) -> None:
        await source.delete(batch)
        self._handled.remove(batch)

    async def _take(self, source: EventSource, wait: int) -> None:
        received, now = await source.receive(wait), self.clock.time()
        if received:
            self._handled.append([handle for handle, _ in received])
        self.status = replace(self.status, last_receive=now)
        for _, content in received:
            if isinstance(content, Event) and self.accounts.note(content):
                self.status = replace(self.status, last_event=now, count=self.status.count + 1)
                self.instrumentation.message_received(content)
                if content.at is not None and abs(now - content.at) < _LONGEST_KEPT:
                    self._awaited.append((content.account_id, now, content.at))
            else:
                self.instrumentation.message_received(Ignored.UNKNOWN_ACCOUNT if isinstance(content, Event) else content)

    def page_shows(self, statuses: Iterable[AccountStatus]) -> None:
        """Take note of the events whose accounts the page now shows as read after they came."""
        if not self._awaited:
            return
        read_at = {each.account.account_id: each.reading.taken_at if each.reading else 0.0 for each in statuses}
        awaited, self._awaited = self._awaited[-10_000:], []
        for account_id, came, happened in awaited:
            if account_id in read_at and read_at[account_id] < came:
                self._awaited.append((account_id, came, happened))
            elif account_id in read_at:
                delay = max(0.0, self.clock.time() - happened)
                self.status = replace(self.status, delay=delay)
                self.instrumentation.event_shown(delay)

    def samples(self) -> Iterator[Sample]:
        if self.status.up is not None:
            yield Sample(catalog.EVENT_QUEUE_UP, {}, self.status.up)
        if self.status.last_receive is not None:
            yield Sample(catalog.QUEUE_RECEIVED, {}, self.status.last_receive)

    def _note(self, failure: ReadFailure | None) -> None:
        before, (reason, detail) = self.status, (failure.reason, failure.detail) if failure else (None, "")
        self.status = replace(before, up=failure is None, reason=reason, detail=detail)
        if (before.up, before.reason) != (self.status.up, reason):
            self.accounts.changed.set()
            if reason:
                self.log.warning("receiving events failed", queue=before.url, reason=reason.value, detail=detail)
            else:
                self.log.info("receiving events", queue=before.url)


async def _all(work: Iterable[Awaitable[None]]) -> None:
    """Wait for all, and raise what the first that failed raised."""
    for failure in await asyncio.gather(*work, return_exceptions=True):
        if failure is not None:
            raise failure
