"""Which accounts are polled, what is known of each, and when each is polled next."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from math import inf

from exporter.cases.events import Event
from exporter.cases.model import Account, Reason
from exporter.cases.status import AccountStatus
from exporter.clock import Clock
from exporter.collector.ports import Target
from exporter.collector.schedule import EVENT_SPACING, SECOND_LOOK, Schedule

_MOST_EVENTS = 100


@dataclass(slots=True, eq=False)
class Entry:
    """One account; times are on the monotonic clock."""

    target: Target
    status: AccountStatus
    due: float
    ended: float | None = None  # the last poll
    failures: int = 0  # in a row
    polling: bool = False  # whether a poll is in flight that counts
    asked: tuple[float, ...] = ()  # when events have it polled
    spaced: float = -inf  # not before
    events: list[Event] = field(default_factory=list)  # that readings may still have to show


class AccountTable:
    """The accounts; to be used on one event loop. `known` returns what is known of one that is new.

    `changed` is set with each change, and `planned` when an account is due before all others; the waiting task clears them.
    """

    def __init__(self, schedule: Schedule, clock: Clock, known: Callable[[Account], AccountStatus] = AccountStatus) -> None:
        self.changed = asyncio.Event()
        self.planned = asyncio.Event()
        self.all_polled = asyncio.Event()  # set while no account is waiting for its first poll
        self.events_read = asyncio.Event()  # set while a poll that an event asked for is on no page yet
        self.passed = asyncio.Event()  # set for a moment when what kept some from being polled has passed
        self._schedule = schedule
        self._clock = clock
        self._known = known
        self._entries: dict[str, Entry] = {}
        self._unpolled: set[str] = set()
        self._passing: set[str] = set()  # whose last poll failed for what passes
        self._queue: list[tuple[float, str]] = []

    def assign(self, targets: Iterable[Target]) -> list[Entry]:
        """Poll these accounts and no others, and return those that are gone or are read in another way: their polls go, too.

        What is known of those that stay is kept. Those that are new, or read in another way, are due at once.
        """
        before, self._entries, dropped = self._entries, {}, []
        for target in targets:
            account_id = target.account.account_id
            entry = before.pop(account_id, None)
            if entry is None:
                self._add(target)
                continue
            if entry.target.account != target.account:
                entry.status = replace(entry.status, account=target.account)
            self._entries[account_id] = entry
            if entry.target.source is not target.source:
                dropped.append(entry)
                self._plan(entry, self._clock.monotonic())
            entry.target = target
        dropped += before.values()
        for entry in dropped:
            entry.polling = False
        self._unpolled &= self._entries.keys()
        self._note_change()
        return dropped

    def add(self, targets: Iterable[Target]) -> None:
        for target in targets:
            self._add(target)
        self._note_change()

    def reschedule(self, schedule: Schedule) -> None:
        """Poll by another schedule, and those that failed at once: what they need may be there now."""
        self._schedule = schedule
        now = self._clock.monotonic()
        for account_id, entry in self._entries.items():
            if entry.ended is not None and not entry.polling:
                self._plan(entry, now if entry.failures else schedule.after_success(entry.ended, account_id))
        self._note_change()

    def take(self) -> Entry | None:
        while self._queue and self._queue[0][0] <= self._clock.monotonic():
            entry = self._waiting(*heappop(self._queue))
            if entry is not None:
                entry.polling = True
                return entry
        return None

    def note(self, event: Event, *, by_person: bool = False) -> bool:
        """Poll an account at once because of an event, unless it fails (for a person: is throttled); False if not here."""
        entry = self._entries.get(event.account_id)
        if entry is None:
            return False
        at = max(self._clock.monotonic(), entry.spaced)
        entry.asked = (min((at, *entry.asked)), at + SECOND_LOOK)
        entry.events.append(event)
        del entry.events[:-_MOST_EVENTS]
        poll = entry.status.last_poll
        pauses = entry.failures and not (by_person and poll and poll.reason is not Reason.THROTTLED)
        if entry.asked[0] < entry.due and not pauses:
            self._plan(entry, entry.asked[0])
        return True

    def begin(self, entry: Entry) -> None:
        now = self._clock.monotonic()
        if min((*entry.asked, inf)) <= now:
            entry.asked, entry.spaced = tuple(at for at in entry.asked if at > now), now + EVENT_SPACING

    def seconds_to_next(self) -> float:
        while self._queue and self._waiting(*self._queue[0]) is None:
            heappop(self._queue)
        return max(0.0, self._queue[0][0] - self._clock.monotonic()) if self._queue else inf

    def finish(self, entry: Entry, status: AccountStatus) -> None:
        account_id = entry.target.account.account_id
        if self._entries.get(account_id) is not entry:
            return
        entry.polling = False
        now = entry.ended = self._clock.monotonic()
        poll = status.last_poll
        entry.failures = 0 if poll is None or poll.succeeded else entry.failures + 1
        entry.status = status if status.account == entry.target.account else replace(status, account=entry.target.account)
        self._unpolled.discard(account_id)
        if entry.events and not entry.failures:
            self.events_read.set()
            if not entry.asked:
                entry.events.clear()
        if poll is None or poll.reason is None:
            self._plan(entry, self._schedule.after_success(now, account_id))
        else:
            self._plan(entry, self._schedule.after_failure(now, account_id, poll.reason, entry.failures, poll.passes))
        if poll is not None and poll.passes:
            self._passing.add(account_id)
        elif account_id in self._passing:
            self._passing.remove(account_id)
            self.poll_passing()
        self._note_change()

    def poll_passing(self) -> None:
        """Poll all at once that failed for what passes: for one of them it has passed."""
        for account_id in self._passing & self._entries.keys():
            self._plan(self._entries[account_id], self._clock.monotonic())
        self._passing.clear()
        self.passed.set()
        self.passed.clear()

    def due(self) -> list[Entry]:
        return [entry for entry in self.entries() if entry.due <= self._clock.monotonic() and not entry.polling]

    def entries(self) -> list[Entry]:
        return [entry for _, entry in sorted(self._entries.items())]

    def get(self, account_id: str) -> Entry | None:
        return self._entries.get(account_id)

    def _add(self, target: Target) -> None:
        entry = self._entries[target.account.account_id] = Entry(target, self._known(target.account), 0.0)
        if entry.status.reading is not None:
            target.source.resume(entry.status.reading)
        self._unpolled.add(target.account.account_id)
        self._plan(entry, self._clock.monotonic())

    def _waiting(self, due: float, account_id: str) -> Entry | None:
        """Return the account that an item of the queue is still right about."""
        entry = self._entries.get(account_id)
        return entry if entry is not None and entry.due == due and not entry.polling else None

    def _plan(self, entry: Entry, due: float) -> None:
        if not entry.failures:  # an account that fails keeps to its pauses, whatever happens to its cases
            due = min(due, *entry.asked, inf)
        entry.due = due
        entry.status = replace(entry.status, next_poll=self._clock.time() + due - self._clock.monotonic())
        item = (due, entry.target.account.account_id)
        heappush(self._queue, item)
        if self._queue[0] is item:
            self.planned.set()

    def _note_change(self) -> None:
        self.changed.set()
        if self._unpolled:
            self.all_polled.clear()
        else:
            self.all_polled.set()


async def wait(event: asyncio.Event, longest: float | None) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(longest):
            await event.wait()
