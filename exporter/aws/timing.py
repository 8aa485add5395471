"""Time as this part needs it: passed in, so that tests pass in their own."""

import time
from typing import Protocol


class Timing(Protocol):
    """A clock and a way to wait."""

    def time(self) -> float:
        """Return Unix seconds."""

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemTiming:
    """The machine's own clock."""

    def time(self) -> float:
        """Return Unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait, doing nothing."""
        time.sleep(seconds)
