"""Whether a thread still gets on with its work."""

from collections.abc import Callable

SLACK = 300.0
"""Seconds beyond its limit after which a thread is taken for stuck: silent name servers know no time limit of ours."""


class Pulse:
    """Tells a thread that works from one that is stuck; the thread beats, others look.

    Args:
        monotonic: Seconds on a clock that never goes back.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._expected: float | None = None

    def beat(self, within: float) -> None:
        """Say that the thread will beat again within that many seconds."""
        self._expected = self._monotonic() + within

    def rest(self) -> None:
        """Say that the thread waits, for as long as it takes, until somebody needs it."""
        self._expected = None

    def is_stuck(self) -> bool:
        """Return whether a beat is overdue."""
        expected = self._expected
        return expected is not None and self._monotonic() > expected + SLACK
