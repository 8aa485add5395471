"""A clock that moves when a test moves it, or something sleeps."""

import threading
import time

START = 1_785_000_000.0


class FakeClock:
    """Time that passes without waiting; safe to use from many threads; its wall clock can be set, as by NTP."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._passed = 0.0
        self._set_by = 0.0

    def true_time(self) -> float:
        """Return Unix seconds on a clock that nobody sets: AWS's."""
        return START + self.monotonic()

    def time(self) -> float:
        return self.true_time() + self._set_by

    def monotonic(self) -> float:
        return self._passed

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._passed += seconds

    def set_wall_clock(self, seconds: float) -> None:
        """Set the wall clock by that much, forwards or back."""
        self._set_by += seconds


class RunningClock(FakeClock):
    """Time that goes on by itself, and faster where someone waits by it or tells it to."""

    def __init__(self) -> None:
        super().__init__()
        self._started = time.monotonic()

    def monotonic(self) -> float:
        return super().monotonic() + time.monotonic() - self._started
