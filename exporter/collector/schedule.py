"""When each account is polled, spread over the interval and with back-off after failures; and by which of several exporters."""

import hashlib
from dataclasses import dataclass

from exporter.cases.model import Reason

_SHORTEST_PAUSE = 5.0
_LONGEST_WHEN_UNREACHABLE = 15.0
_DENIED_PAUSE = 900.0
_LONGEST_PAUSE = 3600.0
_JITTER = 0.2
UNTIL_PASSED = (1.0, 1.25)
"""The first pause after a transient failure, and how each grows: to a quarter of the time that it has lasted."""
EVENT_SPACING = 5.0  # seconds between two polls of an account that events ask for: those that come meanwhile share one
SECOND_LOOK = 60.0
"""Seconds after which an account is polled once more: AWS may send an event before its API shows what happened."""
MOST_SHARDS = 1000  # each account is weighed once for each of them

_NEEDS_A_PERSON = frozenset({Reason.ACCESS_DENIED, Reason.ASSUME_ROLE_DENIED, Reason.SUBSCRIPTION_REQUIRED, Reason.CREDENTIALS})


def phase(account_id: str) -> float:
    """Return a number from 0 to 1 that is always the same for an account and evenly spread over all of them."""
    return _hash(account_id) / 2**64


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


@dataclass(frozen=True, slots=True)
class Schedule:
    interval: float  # seconds

    def after_success(self, now: float, account_id: str) -> float:
        """Return an account's own moment of the interval, which spreads a fleet's calls; at least half an interval from now."""
        earliest = now + self.interval / 2
        offset = phase(account_id) * self.interval
        return earliest + (offset - earliest) % self.interval

    def after_failure(self, now: float, account_id: str, reason: Reason, failures: int, passes: bool) -> float:  # noqa: FBT001 - as the failure has it
        """Return when to poll an account again after so many failures in a row.

        A transient failure is retried within one interval, with growing pauses; one that a person has to fix, after
        15 minutes, growing to an hour.
        """
        needs_a_person = reason in _NEEDS_A_PERSON and not passes
        first, growth = UNTIL_PASSED if passes else (_DENIED_PAUSE if needs_a_person else _SHORTEST_PAUSE, 2.0)
        pause = first * growth ** min(failures - 1, 50)
        if needs_a_person:
            pause = max(self.interval, min(_LONGEST_PAUSE, pause))
        else:
            pause = min(self.interval, _LONGEST_WHEN_UNREACHABLE if reason is Reason.UNREACHABLE else self.interval, pause)
        pause *= 1 + _JITTER * (phase(f"{account_id}/{failures}") - 0.5)
        return now + (pause if needs_a_person else min(pause, self.interval))


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `total` exporters that share a fleet, counted from 0; one beyond them has no account.

    By rendezvous hashing each account goes to the shard whose hash together with it is greatest: going from n to n+1 shards
    moves only the accounts that the new one wins, about 1/(n+1) of them.
    """

    index: int
    total: int

    def owns(self, account_id: str) -> bool:
        return self.index == max(range(self.total), key=lambda index: _hash(f"{index}/{account_id}"), default=None)
