"""Bounded waiting for what another process does."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def wait_until(
    probe: Callable[[], Found | None], timeout_seconds: float, failure: Callable[[], str], *, pause_seconds: float = 0.02
) -> Found:
    """Ask again and again until the answer is not None; an AssertionError says what failed when time is up."""
    end = time.monotonic() + timeout_seconds
    while (found := probe()) is None:
        if time.monotonic() >= end:
            raise AssertionError(f"after {timeout_seconds:g} s: {failure()}")
        time.sleep(pause_seconds)
    return found
