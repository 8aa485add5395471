"""The clock, passed in so that tests pass in their own."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class SystemClock(Clock):
    """The machine's clock and the running event loop's timers."""
