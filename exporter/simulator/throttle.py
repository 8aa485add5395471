"""AWS's quota: so many Support calls per second for each account."""

from collections.abc import Callable


class Throttle:
    """A token bucket for each account.

    Args:
        timer: Returns seconds that only ever grow.
        calls_per_second: How fast a bucket fills up.
        burst: How much a bucket holds.
    """

    def __init__(self, timer: Callable[[], float], calls_per_second: float = 5.0, burst: float = 5.0) -> None:
        self._timer = timer
        self._calls_per_second = calls_per_second
        self._burst = burst
        self._buckets: dict[str, tuple[float, float]] = {}

    def admits(self, account_id: str) -> bool:
        """Return whether one more call of the account is within its quota, and count it if so."""
        now = self._timer()
        level, since = self._buckets.get(account_id, (self._burst, now))
        level = min(self._burst, level + (now - since) * self._calls_per_second)
        admitted = level >= 1
        self._buckets[account_id] = (level - 1 if admitted else level, now)
        return admitted
