"""AWS's quota of Support operations: five a second for each account."""

from collections import deque

from exporter.aws.timing import Timing

SUPPORT_CALLS = 5
WINDOW = 1.1
"""Seconds in which no more than that are made: somewhat more than one, as requests may bunch up on their way."""


class SupportQuota:
    """Spaces the Support calls of one account; used by one thread at a time, as an account is."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._recent: deque[float] = deque(maxlen=SUPPORT_CALLS)

    def wait(self) -> None:
        """Return as soon as one more call is within the quota."""
        if len(self._recent) == SUPPORT_CALLS:
            pause = self._recent[0] + WINDOW - self._timing.monotonic()
            if pause > 0:
                self._timing.sleep(pause)
        self._recent.append(self._timing.monotonic())
