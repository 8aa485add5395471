"""Trying again, within a deadline, what may work the next time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from exporter.aws.health import ENDPOINT_FAULTS, EndpointDown
from exporter.aws.timing import Timing
from exporter.cases.model import Reason
from exporter.errors import ReadFailure

T = TypeVar("T")
Door = TypeVar("Door")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and after what pauses a request is tried again.

    Attributes:
        reasons: For which failures.
        attempts: How often a request is made at most.
        first_pause: Upper bound of the pause before the second attempt, in seconds; it doubles with each attempt.
        longest_pause: The most that it grows to.
    """

    reasons: frozenset[Reason]
    attempts: int = 4
    first_pause: float = 0.5
    longest_pause: float = 5.0

    def pause(self, attempt: int, fraction: float) -> float:
        """Return how long to wait after an attempt that failed.

        Args:
            attempt: Which one it was, from 1.
            fraction: A random number from 0 to 1: all who failed at once must not come back at once.
        """
        return fraction * min(self.longest_pause, self.first_pause * 2.0 ** (attempt - 1))


def with_retries(
    action: Callable[[], T],
    policy: RetryPolicy,
    timing: Timing,
    random: Callable[[], float],
    deadline: float,
) -> T:
    """Do something until it succeeds, fails for good, has been tried often enough, or time is up.

    Args:
        action: What to do.
        policy: How often, and after what pauses.
        timing: The clock that the deadline is on, and how to wait.
        random: Returns a number from 0 to 1.
        deadline: When to give up (monotonic seconds).

    Raises:
        ReadFailure: The last one, when it does not succeed; where time ran out in a retry, the one before, which says why.
    """
    attempt = 1
    before: ReadFailure | None = None
    while True:
        try:
            return action()
        except ReadFailure as failure:
            if before is not None and failure.reason is Reason.TIMEOUT and timing.monotonic() >= deadline:
                raise before from before.__cause__
            before = failure
            pause = policy.pause(attempt, random())
            if (
                isinstance(failure, EndpointDown)
                or failure.reason not in policy.reasons
                or attempt == policy.attempts
                or timing.monotonic() + pause >= deadline
            ):
                raise
        timing.sleep(pause)
        attempt += 1


def first_answer(ask: Callable[[Door], T], doors: Sequence[Door]) -> T:
    """Ask at one door after the other, until one of them answers, be it with a refusal.

    Args:
        ask: Asks at one door.
        doors: Regions or endpoints, in the order of preference; at least one.

    Raises:
        ReadFailure: The refusal, or why the last door did not answer.
    """
    *others, last = doors
    for door in others:
        try:
            return ask(door)
        except ReadFailure as failure:
            if failure.reason not in ENDPOINT_FAULTS:
                raise
    return ask(last)
