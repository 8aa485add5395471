"""Which accounts there are, what is known of each, and which is to be read next."""

import heapq
import threading
from collections.abc import Iterable
from dataclasses import replace

from exporter.cases.status import AccountStatus
from exporter.collector.schedule import Cadence
from exporter.collector.source import Target, Timing


class _Entry:
    """An account's place in the roster."""

    __slots__ = ("due", "ended", "failures", "status", "target")

    def __init__(self, target: Target, due: float) -> None:
        self.target = target
        self.status = AccountStatus(target.account)
        self.due = due
        self.ended: float | None = None
        self.failures = 0


class Roster:
    """The accounts that are read; safe to use from many threads.

    An account is handed out to one thread at a time, so that its polls never overlap.
    """

    def __init__(self, cadence: Cadence, timing: Timing) -> None:
        self._cadence = cadence
        self._timing = timing
        lock = threading.Lock()
        self._changed = threading.Condition(lock)
        self._due_earlier = threading.Condition(lock)
        self._round_ended = threading.Condition(lock)
        self._entries: dict[str, _Entry] = {}
        self._departed: dict[str, _Entry] = {}
        self._in_flight: dict[str, Target] = {}
        self._never_polled: set[str] = set()
        self._due: list[tuple[float, str]] = []
        self._version = 0

    def assign(self, targets: Iterable[Target], *, may_return: bool = False) -> None:
        """Make these the accounts that are read.

        What is known of accounts that stay is kept; those that are new, or are to be read in another way, are due at once;
        those that are gone are forgotten.

        Args:
            targets: The accounts.
            may_return: Whether some that are gone may be found again by the next call; what is known of them waits for it.
        """
        ordered = sorted(targets, key=lambda target: target.account.account_id)
        with self._changed:
            before = self._departed | self._entries
            self._entries = {}
            for target in ordered:
                account_id = target.account.account_id
                entry = before.pop(account_id, None)
                if entry is None:
                    entry = _Entry(target, self._timing.monotonic())
                    self._plan(entry, entry.due)
                elif account_id in self._departed:
                    self._plan(entry, entry.due)
                if entry.target.account != target.account:
                    entry.status = replace(entry.status, account=target.account)
                if entry.target.source is not target.source:
                    self._plan(entry, self._timing.monotonic())
                entry.target = target
                self._entries[account_id] = entry
            self._departed = before if may_return else {}
            self._never_polled = {account_id for account_id, entry in self._entries.items() if entry.status.last_poll is None}
            self._due_earlier.notify_all()
            self._note_change()

    def forget_departed(self) -> None:
        """Forget accounts that are gone: none of them will return."""
        with self._changed:
            self._departed = {}

    def adopt(self, cadence: Cadence) -> None:
        """Read accounts in another cadence from now on, and those that failed at once: what they need may be there now."""
        with self._changed:
            self._cadence = cadence
            now = self._timing.monotonic()
            for account_id, entry in self._entries.items():
                if entry.ended is not None:
                    self._plan(entry, now if entry.failures else cadence.after_success(entry.ended, account_id))
            self._due_earlier.notify_all()
            self._note_change()

    def take(self) -> Target | None:
        """Return an account that is due and nobody is reading, or None when there is none."""
        with self._changed:
            while self._due and self._due[0][0] <= self._timing.monotonic():
                due, account_id = heapq.heappop(self._due)
                entry = self._entries.get(account_id)
                if entry is not None and entry.due == due and account_id not in self._in_flight:
                    self._in_flight[account_id] = entry.target
                    return entry.target
            return None

    def finish(self, target: Target, status: AccountStatus) -> None:
        """Record how the poll of an account that was taken ended, and plan the next.

        Args:
            target: What `take` returned.
            status: What is known of the account now.
        """
        account_id = target.account.account_id
        with self._changed:
            if self._in_flight.get(account_id) is not target:
                return
            del self._in_flight[account_id]
            entry = self._entries.get(account_id) or self._departed.get(account_id)
            if entry is None:
                return
            now = entry.ended = self._timing.monotonic()
            poll = status.last_poll
            entry.failures = 0 if poll is None or poll.reason is None else entry.failures + 1
            entry.status = replace(status, account=entry.target.account)
            self._never_polled.discard(account_id)
            if entry.target.source is not target.source:
                self._plan(entry, now)
            elif poll is None or poll.reason is None:
                self._plan(entry, self._cadence.after_success(now, account_id))
            else:
                self._plan(entry, self._cadence.after_failure(now, account_id, poll.reason, entry.failures))
            if self._due[0] == (entry.due, account_id):
                self._due_earlier.notify_all()
            self._note_change()

    def status(self, account_id: str) -> AccountStatus | None:
        """Return what is known of one account, or None when it is not read."""
        with self._changed:
            entry = self._entries.get(account_id) or self._departed.get(account_id)
            return None if entry is None else entry.status

    def targets(self) -> list[Target]:
        """Return all accounts and how they are read, ordered by account id."""
        with self._changed:
            return [entry.target for entry in self._entries.values()]

    def statuses(self) -> tuple[int, list[AccountStatus]]:
        """Return a number that grows with every change, and what is known of every account, ordered by account id."""
        with self._changed:
            return self._version, [entry.status for entry in self._entries.values()]

    def all_polled(self) -> bool:
        """Return whether every account has been tried at least once."""
        return not self._never_polled

    def wait_until_all_polled(self, longest: float) -> None:
        """Wait until every account has been tried, but no longer than `longest` seconds."""
        with self._round_ended:
            if self._never_polled:
                self._round_ended.wait(longest)

    def wait_until_due(self, longest: float) -> None:
        """Wait until an account is due, or one may be due earlier than before, but no longer than `longest` seconds."""
        with self._due_earlier:
            pause = self._due[0][0] - self._timing.monotonic() if self._due else longest
            if pause > 0:
                self._due_earlier.wait(min(pause, longest))

    def wait_for_change(self, version: int, longest: float) -> None:
        """Wait until there is a change after that version, but no longer than `longest` seconds."""
        with self._changed:
            if self._version == version:
                self._changed.wait(longest)

    def wake(self) -> None:
        """End all waits."""
        with self._changed:
            self._changed.notify_all()
            self._due_earlier.notify_all()
            self._round_ended.notify_all()

    def _note_change(self) -> None:
        self._version += 1
        self._changed.notify_all()
        if not self._never_polled:
            self._round_ended.notify_all()

    def _plan(self, entry: _Entry, due: float) -> None:
        """Have an account read at a time on the monotonic clock."""
        entry.due = due
        entry.status = replace(entry.status, next_poll=self._timing.time() + due - self._timing.monotonic())
        heapq.heappush(self._due, (due, entry.target.account.account_id))
