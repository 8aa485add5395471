"""Polls one account, and logs when its state changes."""

from structlog.typing import FilteringBoundLogger

from exporter.cases.changes import baseline, changes
from exporter.cases.model import Reading, Reason
from exporter.cases.policy import Policy
from exporter.cases.status import AccountState, AccountStatus, Poll
from exporter.clock import Clock
from exporter.collector.ports import Target
from exporter.errors import ReadFailure, internal
from exporter.metrics.instrumentation import Instrumentation

_HOUR = 3600.0


class Poller:
    """Polls accounts; the timeout is in seconds, retries included."""

    def __init__(
        self, policy: Policy, timeout: float, instrumentation: Instrumentation, *, clock: Clock, log: FilteringBoundLogger
    ) -> None:
        self.policy = policy
        self.timeout = timeout
        self._instrumentation = instrumentation
        self._clock = clock
        self._log = log

    async def poll(self, target: Target, before: AccountStatus) -> AccountStatus:
        """Return what is known of an account after one more poll."""
        after = await self._poll(target, before)
        self._log_change(before, after)
        return after

    async def _poll(self, target: Target, before: AccountStatus) -> AccountStatus:
        started = self._clock.monotonic()
        targets = self.policy.first_response_targets
        try:
            reading = await target.source.read(self.timeout)
            if before.reading is not None and before.reading.cases == reading.cases:
                # The same values need not be held, nor encoded, twice.
                reading = Reading(reading.taken_at, before.reading.cases)
            seen = (
                baseline(reading, targets)
                if before.reading is None
                else changes(before.reading, reading, before.watched, targets)
            )
        except ReadFailure as known:
            failure = known
        except Exception as error:  # noqa: BLE001 - one account's bug must not end the polling of all others
            failure = internal(error)
        else:
            self._instrumentation.changes_seen(seen)
            return before.after_success(reading, self._ended(started), seen)
        return before.after_failure(failure.reason, self._ended(started, failure))

    def _ended(self, started: float, failure: ReadFailure | None = None) -> Poll:
        why = (failure.reason, failure.detail, failure.passes) if failure else ()
        return Poll(self._clock.time(), self._clock.monotonic() - started, *why)

    def _log_change(self, before: AccountStatus, after: AccountStatus) -> None:
        """Log when it fails or fails differently, then hourly; and when it recovers."""
        earlier = before.last_poll.reason if before.last_poll else None
        poll = after.last_poll
        account = {"account_id": after.account.account_id, "account_name": after.account.name}
        if self._is_stale(after) and not self._is_stale(before):
            self._log.warning("account stale: its last good cases are no longer shown", **account)
        if poll is None or (poll.reason == earlier and not _an_hour_is_over(before, after)):
            return
        if poll.reason is None:
            self._log.info("account recovered", **account)
        elif poll.reason is Reason.SUBSCRIPTION_REQUIRED:
            self._log.info("account's support plan has no API access", **account)
        else:
            lasting = {} if poll.reason != earlier else {"for": f"{_hours(after)}h"}
            self._log.warning("polling account failed", **account, reason=poll.reason.value, detail=poll.detail, **lasting)

    def _is_stale(self, status: AccountStatus) -> bool:
        """Return whether an account was stale when its last poll ended."""
        polled_at = status.last_poll.ended_at if status.last_poll else 0.0
        return status.state(polled_at, self.policy.max_staleness) is AccountState.STALE


def _an_hour_is_over(before: AccountStatus, after: AccountStatus) -> bool:
    """Return whether one more hour of failures has passed; a plan without the Support API needs no reminder."""
    return after.supported is not False and _hours(after) > _hours(before)


def _hours(status: AccountStatus) -> int:
    """Return for how many whole hours an account had failed when it was last polled."""
    if status.failing_since is None or status.last_poll is None:
        return 0
    return int((status.last_poll.ended_at - status.failing_since) / _HOUR)
