"""Consumes a queue of events: has the accounts that they name polled at once."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import replace

from structlog.typing import FilteringBoundLogger

from exporter.cases.events import Event, Ignored
from exporter.cases.report import EventQueueStatus
from exporter.clock import Clock
from exporter.collector.accounts import AccountTable
from exporter.collector.ports import EventSource
from exporter.errors import ReadFailure, internal
from exporter.metrics import catalog
from exporter.metrics.families import Sample
from exporter.metrics.instrumentation import Instrumentation

_LONG_POLL = 15
"""Seconds that the queue is asked to wait for a message; less than a connection may be silent."""
_SHORT_POLL = 1
"""As above, while it is not known whether the queue answers, or while others receive beside it."""
_FULL = 10
_MOST_RECEIVERS = 8
_LEAST_SECONDS = 0.5
"""From one request to the next where nothing comes: a queue that does not wait would be asked all the time."""
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 5.0


class EventConsumer:
    """Receives, notes, and deletes what was noted; to be used on one event loop.

    While batches come full, several receive at a time. Polling goes on whatever happens here, and finds what no event told.
    """

    def __init__(
        self, accounts: AccountTable, instrumentation: Instrumentation, *, clock: Clock, log: FilteringBoundLogger
    ) -> None:
        self._accounts = accounts
        self._instrumentation = instrumentation
        self._clock = clock
        self._log = log
        self.source: EventSource | None = None
        self.status = EventQueueStatus()
        self._undeleted: list[str] = []

    def apply(self, source: EventSource | None) -> None:
        """Receive from another queue, or from none, from the next run on."""
        url = "" if source is None else source.url
        if url != self.status.url:
            self.status, self._undeleted = EventQueueStatus(url), []
            self._instrumentation.expect_events()
        self.source = source

    async def run(self, source: EventSource) -> None:
        receivers, wait, failures = 1, _SHORT_POLL, 0
        while True:
            began = self._clock.monotonic()
            try:
                counts = await asyncio.gather(*(self.receive(source, wait) for _ in range(receivers)))
            except Exception as error:  # noqa: BLE001 - a bug here must not keep events from coming until a restart
                self._note(error if isinstance(error, ReadFailure) else internal(error))
                receivers, wait, failures = 1, _SHORT_POLL, failures + 1
                await self._clock.sleep(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(failures, 50)))
                continue
            self._note(None)
            receivers, failures = min(_MOST_RECEIVERS, 2 * receivers) if min(counts) == _FULL else 1, 0
            wait = _LONG_POLL if receivers == 1 else _SHORT_POLL
            if not any(counts):
                await self._clock.sleep(max(0.0, began + _LEAST_SECONDS - self._clock.monotonic()))

    async def receive(self, source: EventSource, wait: int) -> int:
        """Receive once, and return how many messages there were; raises ReadFailure."""
        received = await source.receive(wait)
        now = self._clock.time()
        self.status = replace(self.status, last_receive=now)
        for _, content in received:
            if isinstance(content, Event) and self._accounts.note(content):
                self.status = replace(self.status, last_event=now, count=self.status.count + 1)
                self._instrumentation.message_received(content)
            else:
                self._instrumentation.message_received(Ignored.UNKNOWN_ACCOUNT if isinstance(content, Event) else content)
        # What could not be deleted before goes with it: were it left, the queue would seem to be well until it comes again.
        handles = [*self._undeleted, *(handle for handle, _ in received)][-_FULL:]
        self._undeleted = handles
        if handles:
            await source.delete(handles)
            self._undeleted = [handle for handle in self._undeleted if handle not in handles]
        return len(received)

    def page_shows(self, events: Iterable[float]) -> None:
        """Take note that the page now shows accounts that were read after events of these times (Unix seconds)."""
        for at in events:
            self.status = replace(self.status, delay=max(0.0, self._clock.time() - at))
            self._instrumentation.event_shown(self.status.delay or 0.0)

    def samples(self) -> Iterator[Sample]:
        if self.status.up is not None:
            yield Sample(catalog.EVENT_QUEUE_UP, {}, self.status.up)
        if self.status.last_receive is not None:
            yield Sample(catalog.EVENT_QUEUE_LAST_RECEIVE, {}, self.status.last_receive)

    def _note(self, failure: ReadFailure | None) -> None:
        before, url = self.status, self.status.url
        reason, detail = (failure.reason, failure.detail) if failure else (None, "")
        self.status = replace(before, up=failure is None, reason=reason, detail=detail)
        if (before.up, before.reason) != (self.status.up, reason):
            self._accounts.changed.set()
            if failure:
                self._log.warning("event queue failed", queue=url, reason=failure.reason.value, detail=detail)
            else:
                self._log.info("receiving events", queue=url)
