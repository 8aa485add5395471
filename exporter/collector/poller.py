"""Polls one account."""

from exporter.cases.changes import baseline, changes
from exporter.cases.model import Reading, Reason
from exporter.cases.status import AccountStatus, Poll
from exporter.clock import Clock
from exporter.collector.accounts import Entry
from exporter.errors import ReadFailure, internal
from exporter.metrics.instrumentation import Instrumentation


async def poll(entry: Entry, seconds: float, instrumentation: Instrumentation, clock: Clock) -> AccountStatus:
    """Poll an account within so many seconds, retries included; events of it may come until the end of the reading."""
    before, events, targets = entry.status, entry.events, entry.target.account.targets
    started = clock.monotonic()

    def ended(failure: ReadFailure | None = None) -> Poll:
        why = (failure.reason, failure.detail, failure.passes) if failure else ()
        return Poll(clock.time(), clock.monotonic() - started, *why)

    try:
        reading = await entry.target.source.read(seconds)
        if before.reading is not None and before.last_poll is not None and before.reading.cases == reading.cases:
            # The same values need not be held, nor encoded, twice; those that were stored share none with others.
            reading = Reading(reading.taken_at, before.reading.cases)
        seen = (
            baseline(reading, targets)
            if before.reading is None
            else changes(before.reading, reading, before.watched, targets, events)
        )
    except ReadFailure as failure:  # not kept: its frames hold what was read
        return before.after_failure(failure.reason, ended(failure))
    except Exception as error:  # noqa: BLE001 - one account's bug must not end the polling of all others
        return before.after_failure(Reason.INTERNAL, ended(internal(error)))
    instrumentation.changes_seen(seen, {event.case_id for event in events})
    return before.after_success(reading, ended(), seen)
