"""Consumes a queue of events: has the accounts that they name read at once."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import replace

from structlog.typing import FilteringBoundLogger

from exporter.cases.events import Ignored
from exporter.cases.report import EventQueueStatus
from exporter.clock import Clock
from exporter.collector.accounts import AccountTable
from exporter.collector.ports import EventSource
from exporter.errors import ReadFailure, internal
from exporter.metrics import catalog
from exporter.metrics.families import Sample
from exporter.metrics.instrumentation import Instrumentation

LONG_POLL = 15
"""Seconds that the queue is asked to wait for a message; the reader gives up after 20."""
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
        self._failures = 0
        self._undeleted: list[str] = []
        self.status: EventQueueStatus | None = None

    def begin(self, source: EventSource | None) -> None:
        """Tell of another queue from now on, or of none."""
        self._failures, self._undeleted = 0, []
        self.status = None if source is None else EventQueueStatus(source.url)
        if source is not None:
            self._instrumentation.expect_events()
        self._accounts.changed.set()

    async def run(self, source: EventSource) -> None:
        receivers, wait = 1, _SHORT_POLL
        while True:
            began = self._clock.monotonic()
            work = (self.receive(source, wait) for _ in range(receivers))
            counts, failure = _outcome(await asyncio.gather(*work, return_exceptions=True))
            if failure is not None:
                self._failed(failure)
                receivers, wait, pause = 1, _SHORT_POLL, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(self._failures, 50))
            else:
                self._succeeded()
                receivers = min(_MOST_RECEIVERS, 2 * receivers) if min(counts, default=0) == _FULL else 1
                wait = LONG_POLL if receivers == 1 else _SHORT_POLL
                pause = 0.0 if any(counts) else began + _LEAST_SECONDS - self._clock.monotonic()
            if pause > 0:
                await self._clock.sleep(pause)

    async def receive(self, source: EventSource, wait: int) -> int:
        """Receive once, and return how many messages there were; raises ReadFailure."""
        received = await source.receive(wait)
        if self.status is not None:
            self.status = replace(self.status, last_receive=self._clock.time())
        for message in received:
            content = message.content
            if isinstance(content, Ignored) or not self._accounts.note(content):
                self._instrumentation.event_ignored(content if isinstance(content, Ignored) else Ignored.UNKNOWN_ACCOUNT)
                continue
            self._instrumentation.event_received(content.name, content.origin)
            if self.status is not None:
                self.status = replace(self.status, last_event=self._clock.time(), count=self.status.count + 1)
        # What could not be deleted before goes with it: were it left, the queue would seem to be well until it comes again.
        handles = [*self._undeleted, *(message.handle for message in received)][-_FULL:]
        self._undeleted = []
        try:
            if handles:
                await source.delete(handles)
        except Exception:
            self._undeleted = handles
            raise
        return len(received)

    def page_shows(self, events: Iterable[float]) -> None:
        """Take note that the page now shows accounts that were read after events of these times (Unix seconds)."""
        now = self._clock.time()
        for at in events:
            delay = max(0.0, now - at)
            self._instrumentation.event_shown(delay)
            if self.status is not None:
                self.status = replace(self.status, delay=delay)

    def samples(self) -> Iterator[Sample]:
        status = self.status
        if status is not None and status.up is not None:
            yield Sample(catalog.EVENT_QUEUE_UP, {}, status.up)
        if status is not None and status.last_receive is not None:
            yield Sample(catalog.EVENT_QUEUE_LAST_RECEIVE, {}, status.last_receive)

    def _succeeded(self) -> None:
        self._failures = 0
        if self.status is not None and not self.status.up:
            self._log.info("receiving events", queue=self.status.url)
            self.status = replace(self.status, up=True, reason=None, detail="")
            self._accounts.changed.set()

    def _failed(self, failure: ReadFailure) -> None:
        self._failures += 1
        status = self.status
        if status is None:
            return
        if status.reason is not failure.reason:
            self._log.warning("event queue failed", queue=status.url, reason=failure.reason.value, detail=failure.detail)
            self._accounts.changed.set()
        self.status = replace(status, up=False, reason=failure.reason, detail=failure.detail)


def _outcome(results: Iterable[int | BaseException]) -> tuple[list[int], ReadFailure | None]:
    failures = [each for each in results if isinstance(each, Exception)]
    failure = next((each if isinstance(each, ReadFailure) else internal(each) for each in failures), None)
    return [each for each in results if isinstance(each, int)], failure
