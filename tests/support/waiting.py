"""Bounded waiting for what another process does."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

_PAUSE_SECONDS = 0.02


def wait_until(
    probe: Callable[[], Found | None],
    timeout_seconds: float,
    failure: Callable[[], str],
    *,
    pause_seconds: float = _PAUSE_SECONDS,
) -> Found:
    """Ask again and again until there is an answer.

    Args:
        probe: Returns the answer, or None while there is none.
        timeout_seconds: How long to ask.
        failure: Describes what was waited for and what is there instead; read only when time is up.
        pause_seconds: How long to wait between two questions; more where each costs much.

    Returns:
        The first answer.

    Raises:
        AssertionError: Time is up.
    """
    end = time.monotonic() + timeout_seconds
    while (found := probe()) is None:
        if time.monotonic() >= end:
            raise AssertionError(f"after {timeout_seconds:g} s: {failure()}")
        time.sleep(pause_seconds)
    return found
