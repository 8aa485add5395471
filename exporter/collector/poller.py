"""Polls one account."""

from collections.abc import Sequence

from exporter.cases.changes import baseline, changes
from exporter.cases.events import Event
from exporter.cases.model import Reading, Reason
from exporter.cases.policy import Policy
from exporter.cases.status import AccountStatus, Poll
from exporter.clock import Clock
from exporter.collector.changelog import ChangeLog
from exporter.collector.ports import Target
from exporter.errors import ReadFailure, internal
from exporter.metrics.instrumentation import Instrumentation


class Poller:
    """Polls accounts; the timeout is in seconds, retries included."""

    def __init__(
        self, policy: Policy, timeout: float, instrumentation: Instrumentation, changes: ChangeLog, *, clock: Clock
    ) -> None:
        self.policy = policy
        self.timeout = timeout
        self._instrumentation = instrumentation
        self._changes = changes
        self._clock = clock

    async def poll(self, target: Target, before: AccountStatus, events: Sequence[Event] = ()) -> AccountStatus:
        """Poll an account; `events` of it may grow until the end of the reading."""
        after = await self._poll(target, before, events)
        self._changes.note(before, after, self.policy.max_staleness)
        return after

    async def _poll(self, target: Target, before: AccountStatus, events: Sequence[Event]) -> AccountStatus:
        started = self._clock.monotonic()
        targets = target.account.targets
        try:
            reading = await target.source.read(self.timeout)
            if before.reading is not None and before.last_poll is not None and before.reading.cases == reading.cases:
                # The same values need not be held, nor encoded, twice; those that were stored share none with others.
                reading = Reading(reading.taken_at, before.reading.cases)
            seen = (
                baseline(reading, targets)
                if before.reading is None
                else changes(before.reading, reading, before.watched, targets, events)
            )
        except ReadFailure as failure:  # not kept: its frames hold what was read
            return before.after_failure(failure.reason, self._ended(started, failure))
        except Exception as error:  # noqa: BLE001 - one account's bug must not end the polling of all others
            return before.after_failure(Reason.INTERNAL, self._ended(started, internal(error)))
        self._instrumentation.changes_seen(seen, {event.case_id for event in events})
        return before.after_success(reading, self._ended(started), seen)

    def _ended(self, started: float, failure: ReadFailure | None = None) -> Poll:
        why = (failure.reason, failure.detail, failure.passes) if failure else ()
        return Poll(self._clock.time(), self._clock.monotonic() - started, *why)
