"""Which accounts are polled, what is known of each, and when each is polled next."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace

from exporter.cases.status import AccountStatus
from exporter.clock import Clock
from exporter.collector.ports import Target
from exporter.collector.schedule import Schedule


@dataclass(slots=True, eq=False)
class Entry:
    """One account.

    Attributes:
        due: When it is polled next, on the monotonic clock.
        ended: When its last poll ended, on the same clock.
        failures: Failed polls in a row.
        polling: Whether a poll is in flight.
    """

    target: Target
    status: AccountStatus
    due: float
    ended: float | None = None
    failures: int = 0
    polling: bool = False


class AccountTable:
    """The accounts; to be used on one event loop.

    Attributes:
        changed: Set by every change; whoever waits for it clears it.
        all_polled: Set while no account is waiting for its first poll.
    """

    def __init__(self, schedule: Schedule, clock: Clock) -> None:
        self.changed = asyncio.Event()
        self.all_polled = asyncio.Event()
        self._schedule = schedule
        self._clock = clock
        self._entries: dict[str, Entry] = {}
        self._departed: dict[str, Entry] = {}
        self._unpolled: set[str] = set()

    def assign(self, targets: Iterable[Target], *, may_return: bool = False) -> tuple[list[Entry], list[Entry]]:
        """Poll these accounts and no others, and keep what is known of those that stay.

        Args:
            targets: The accounts.
            may_return: Whether accounts that are gone may be back in the next call: what is known of them is kept until then.

        Returns:
            Those that are due at once (new, back, or read in another way), and those that are gone.
        """
        before = self._departed | self._entries
        absent = self._departed.keys()
        self._entries, to_start = {}, []
        for target in targets:
            account_id = target.account.account_id
            entry = before.pop(account_id, None)
            if entry is None:
                to_start.append(self._add(target))
                continue
            if entry.target.account != target.account:
                entry.status = replace(entry.status, account=target.account)
            if entry.target.source is not target.source:
                self._plan(entry, self._clock.monotonic())
            if entry.target.source is not target.source or account_id in absent:
                to_start.append(entry)
            entry.target = target
            self._entries[account_id] = entry
        self._departed = before if may_return else {}
        self._unpolled = {account_id for account_id, entry in self._entries.items() if entry.status.last_poll is None}
        self._note_change()
        return to_start, [*before.values()]

    def add(self, targets: Iterable[Target]) -> list[Entry]:
        """Poll these accounts, too; return those that are new."""
        added = []
        for target in targets:
            account_id = target.account.account_id
            if account_id in self._departed:
                entry = self._entries[account_id] = self._departed.pop(account_id)
                entry.status, entry.target = replace(entry.status, account=target.account), target
                added.append(entry)
            elif account_id not in self._entries:
                added.append(self._add(target))
        if added:
            self._unpolled |= {entry.target.account.account_id for entry in added if entry.status.last_poll is None}
            self._note_change()
        return added

    def forget_departed(self) -> None:
        """Forget accounts that are gone: none of them will return."""
        self._departed = {}

    def reschedule(self, schedule: Schedule) -> list[Entry]:
        """Poll by another schedule, and those that failed at once: what they need may be there now.

        Returns:
            Those that wait for their next poll.
        """
        self._schedule = schedule
        now = self._clock.monotonic()
        for account_id, entry in self._entries.items():
            if entry.ended is not None:
                self._plan(entry, now if entry.failures else schedule.after_success(entry.ended, account_id))
        self._note_change()
        return [entry for entry in self._entries.values() if not entry.polling]

    def finish(self, entry: Entry, status: AccountStatus) -> None:
        """Record how a poll ended, and plan the next."""
        account_id = entry.target.account.account_id
        if self._entries.get(account_id) is not entry:
            return
        now = entry.ended = self._clock.monotonic()
        reason = status.last_poll.reason if status.last_poll else None
        entry.failures = 0 if reason is None else entry.failures + 1
        entry.status = replace(status, account=entry.target.account)
        self._unpolled.discard(account_id)
        if reason is None:
            self._plan(entry, self._schedule.after_success(now, account_id))
        else:
            self._plan(entry, self._schedule.after_failure(now, account_id, reason, entry.failures))
        self._note_change()

    def due(self) -> list[Entry]:
        """Return the accounts that are due, in the order of their ids."""
        now = self._clock.monotonic()
        return [entry for entry in self.entries() if entry.due <= now and not entry.polling]

    def entries(self) -> list[Entry]:
        """Return all accounts in the order of their ids."""
        return [entry for _, entry in sorted(self._entries.items())]

    def __contains__(self, account_id: str) -> bool:
        return account_id in self._entries

    def _add(self, target: Target) -> Entry:
        entry = Entry(target, AccountStatus(target.account), 0.0)
        self._entries[target.account.account_id] = entry
        self._plan(entry, self._clock.monotonic())
        return entry

    def _plan(self, entry: Entry, due: float) -> None:
        entry.due = due
        entry.status = replace(entry.status, next_poll=self._clock.time() + due - self._clock.monotonic())

    def _note_change(self) -> None:
        self.changed.set()
        if self._unpolled:
            self.all_polled.clear()
        else:
            self.all_polled.set()
