"""Reads accounts as they fall due, in threads that mostly wait for the network."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import Protocol

from structlog.typing import FilteringBoundLogger

from exporter.cases.changes import Changes, baseline, changes
from exporter.cases.model import Reading, Reason
from exporter.cases.status import AccountState, AccountStatus, Poll
from exporter.collector.pulse import Pulse
from exporter.collector.roster import Roster
from exporter.collector.source import Target, Timing
from exporter.errors import ReadFailure, internal

_LONGEST_WAIT = 60.0
_HOUR = 3600.0


class ChangeObserver(Protocol):
    """Is told what happened to cases between two readings of their account."""

    def changes_seen(self, changes: Changes) -> None:
        """Take note of the changes."""


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms accounts are read.

    Attributes:
        timeout: Seconds within which an account must be read, retries included.
        targets: First-response targets in seconds, by severity code.
        max_staleness: For how many seconds the cases of a failing account are shown.
    """

    timeout: float
    targets: Mapping[str, float]
    max_staleness: float


class Poller:
    """Reads the accounts of a roster.

    Args:
        roster: Which accounts, and where results go.
        terms: On which terms.
        observer: Is told what was seen to change.
        timing: The clocks.
        log: Where changes of an account's state are told.
    """

    def __init__(
        self,
        roster: Roster,
        terms: Terms,
        observer: ChangeObserver,
        timing: Timing,
        log: FilteringBoundLogger,
    ) -> None:
        self._roster = roster
        self._terms = terms
        self._observer = observer
        self._timing = timing
        self._log = log
        # A queue wakes one thread per account; were all to wait for the roster, each change would wake all of them.
        self._due: SimpleQueue[Target | None] = SimpleQueue()

    def adopt(self, terms: Terms) -> None:
        """Read accounts on other terms from the next poll on."""
        self._terms = terms

    def dispatch(self, stop: threading.Event, pulse: Pulse) -> None:
        """Hand accounts that fall due to the threads that read them, until told to stop."""
        while not stop.is_set():
            pulse.beat(_LONGEST_WAIT)
            target = self._roster.take()
            if target is None:
                self._roster.wait_until_due(_LONGEST_WAIT)
            else:
                self._due.put(target)

    def run(self, stop: threading.Event, pulse: Pulse) -> None:
        """Read accounts that are handed over, until told to stop."""
        while (target := self._due.get()) is not None and not stop.is_set():
            pulse.beat(self._terms.timeout)
            self.poll(target)
            pulse.rest()

    def release(self, threads: int) -> None:
        """End the wait of as many threads for accounts that fall due."""
        for _ in range(threads):
            self._due.put(None)

    def poll(self, target: Target) -> None:
        """Read one account that was taken from the roster, and record how it went."""
        before = self._roster.status(target.account.account_id) or AccountStatus(target.account)
        after = self._poll(target, before)
        self._roster.finish(target, after)
        self._tell(before, after)

    def _poll(self, target: Target, before: AccountStatus) -> AccountStatus:
        started = self._timing.monotonic()
        terms = self._terms
        try:
            reading = target.source.read(started + terms.timeout)
            if before.reading is not None and before.reading.cases == reading.cases:
                # The same values need not be held, nor encoded, twice.
                reading = replace(reading, cases=before.reading.cases)
            seen = _changes(before, reading, terms.targets)
        except ReadFailure as told:
            failure = told
        except Exception as error:  # noqa: BLE001 - one account's bug must not end the polling of all others
            failure = internal(error)
        else:
            self._observer.changes_seen(seen)
            return before.after_success(reading, self._ended(started), seen)
        return before.after_failure(failure.reason, self._ended(started, failure.reason, failure.detail))

    def _ended(self, started: float, reason: Reason | None = None, detail: str = "") -> Poll:
        return Poll(self._timing.time(), self._timing.monotonic() - started, reason, detail)

    def _tell(self, before: AccountStatus, after: AccountStatus) -> None:
        """Log a change of state: when it fails or fails differently, then hourly; and when it is well again."""
        earlier = before.last_poll.reason if before.last_poll else None
        poll = after.last_poll
        account = {"account_id": after.account.account_id, "account_name": after.account.name}
        if self._is_stale(after) and not self._is_stale(before):
            self._log.warning("the account's last good cases are too old to be shown", **account)
        if poll is None or (poll.reason == earlier and not _an_hour_is_over(before, after)):
            return
        if poll.reason is None:
            self._log.info("account is read again", **account)
        elif poll.reason is Reason.SUBSCRIPTION_REQUIRED:
            self._log.info("account has no plan with the Support API", **account)
        else:
            lasting = {} if poll.reason != earlier else {"for": f"{_hours(after)}h"}
            self._log.warning("account cannot be read", **account, reason=poll.reason.value, detail=poll.detail, **lasting)

    def _is_stale(self, status: AccountStatus) -> bool:
        """Return whether an account was stale when its last poll ended."""
        polled_at = status.last_poll.ended_at if status.last_poll else 0.0
        return status.state(polled_at, self._terms.max_staleness) is AccountState.STALE


def _an_hour_is_over(before: AccountStatus, after: AccountStatus) -> bool:
    """Return whether one more hour of failures has passed; a plan without the Support API is no failure to be reminded of."""
    return after.supported is not False and _hours(after) > _hours(before)


def _hours(status: AccountStatus) -> int:
    """Return for how many whole hours an account had failed when it was last polled."""
    if status.failing_since is None or status.last_poll is None:
        return 0
    return int((status.last_poll.ended_at - status.failing_since) / _HOUR)


def _changes(before: AccountStatus, reading: Reading, targets: Mapping[str, float]) -> Changes:
    if before.reading is None:
        return baseline(reading, targets)
    return changes(before.reading, reading, before.watched, targets)
