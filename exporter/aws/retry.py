"""Trying again what may work the next time: what helps is decided by the failure, and done in one loop, `Retries.call`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from exporter.aws.errors import Remedy, RequestFailure, malformed
from exporter.cases.model import Reason
from exporter.clock import Clock

T = TypeVar("T")
E = TypeVar("E")

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 5.0

FAILURES = 3
"""Accounts that have to fail in a row to open a circuit, where they do for `LASTING` seconds."""
LASTING = 1.0
MANY_FAILURES = 8
"""Accounts that fail in a row are no chance, however soon."""
FIRST_PROBE_INTERVAL = 2.0
LONGEST_PROBE_INTERVAL = 10.0


@dataclass(slots=True)
class Caller:
    """On whose behalf requests are made: an account or an organization, in one poll.

    Attributes:
        subject: The account's id or the organization's name.
        timeout: Ends the poll; None where others wait for the same answer.
        failure: The last request's, until one succeeds.
        waiting_for: What the poll waits for, for messages.
    """

    subject: str
    timeout: asyncio.Timeout | None = None
    failure: RequestFailure | None = None
    waiting_for: str = "AWS"

    @property
    def timed_out(self) -> bool:
        """Whether the poll's time is over."""
        return self.timeout is not None and self.timeout.expired()


@asynccontextmanager
async def time_limit(subject: str, when: float) -> AsyncIterator[Caller]:
    """Bound what is done on somebody's behalf; `when` is on the event loop's clock.

    Raises:
        RequestFailure: Time ran out. In a retry it is the failure before, which says why.
    """
    timeout = asyncio.timeout_at(when)
    caller = Caller(subject, timeout)
    try:
        async with timeout:
            yield caller
    except TimeoutError:
        if not timeout.expired():
            raise
        raise caller.failure or RequestFailure(Reason.TIMEOUT, f"{caller.waiting_for}: no answer in time") from None


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request is made at one endpoint, and how often all endpoints are tried."""

    attempts: int = 1
    rounds: int = 1


class Retries(Generic[E]):
    """What may still be tried in one poll, at endpoints in the order of preference.

    Pauses are drawn from 0 to their length: all who failed at once must not come back at once.
    """

    def __init__(
        self,
        endpoints: Sequence[E],
        policy: RetryPolicy,
        caller: Caller,
        clock: Clock,
        random: Callable[[], float],
        forget: Callable[[], None] | None = None,
    ) -> None:
        self._endpoints = endpoints
        self._policy = policy
        self._caller = caller
        self._clock = clock
        self._random = random
        self._forget = forget
        self._position = 0
        self._round = 1

    async def call(self, request: Callable[[E], Awaitable[T]]) -> T:
        """Make a request until it succeeds or nothing helps any more.

        Raises:
            RequestFailure: The last one; its remedy is what is left for whoever asked.
        """
        attempt = 1
        while True:
            try:
                result = await request(self._endpoints[self._position])
            except RequestFailure as failure:
                self._caller.failure = failure
                match failure.remedy:
                    case Remedy.RETRY if attempt < self._policy.attempts:
                        await self._pause(attempt)
                        attempt += 1
                    case Remedy.NEXT_ENDPOINT | Remedy.OTHER_ENDPOINT if self._position + 1 < len(self._endpoints):
                        self._position += 1
                    case Remedy.NEXT_ENDPOINT | Remedy.NEXT_ROUND if self._round < self._policy.rounds:
                        await self._pause(self._round)
                        self._round += 1
                        self._position = 0
                    case Remedy.NEW_CREDENTIALS if self._forget is not None:
                        self._forget()
                        self._forget = None
                        self._caller.failure = None  # If new ones are not had in time, it is not for the old.
                    case remedy:
                        failure.remedy = _AFTERWARDS.get(remedy, remedy)
                        raise
            else:
                self._caller.failure = None
                return result

    async def _pause(self, count: int) -> None:
        await self._clock.sleep(self._random() * min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (count - 1)))


_AFTERWARDS = {Remedy.NEXT_ENDPOINT: Remedy.NEXT_ROUND, Remedy.OTHER_ENDPOINT: Remedy.NONE}


class PageTokens:
    """The tokens of one listing's pages; those that lead in a circle end it, and it must not be walked again."""

    def __init__(self, operation: str, most_pages: int) -> None:
        self.next: str | None = None
        self.done = False
        self._operation = operation
        self._most_pages = most_pages
        self._seen: set[str] = set()

    def advance(self, token: str | None) -> None:
        """Go on to the page that the last one's token leads to; None where it was the last.

        Raises:
            RequestFailure: `malformed`: the pages do not end.
        """
        self.next, self.done = token, token is None
        if token is None:
            return
        if token in self._seen:
            raise malformed(f"{self._operation}: a page's token leads back to a page before it", Remedy.NONE)
        self._seen.add(token)
        if len(self._seen) == self._most_pages:
            raise malformed(f"{self._operation}: more than {self._most_pages} pages", Remedy.NONE)


class CircuitBreaker:
    """Fails requests to an endpoint at once while it is down, but for one probe at a time.

    When an endpoint stops answering, every account fails at once, and each would wait until its timeout.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._failing: set[str] = set()
        self._failing_since = 0.0
        self._at_fault: set[str] = set()
        self._probe_interval = FIRST_PROBE_INTERVAL
        self._next_probe: float | None = None

    def admits(self) -> bool:
        """Return whether a request may be sent now; while the circuit is open, one per probe interval may."""
        if self._next_probe is None:
            return True
        now = self._monotonic()
        if now < self._next_probe:
            return False
        self._next_probe = now + self._probe_interval
        return True

    def answered(self, subject: str) -> None:
        """Close the circuit: the endpoint answered, be it with a refusal."""
        # Who fails while others are answered is at fault itself: were it counted again, a few such accounts would open the
        # circuit for all others each time that nobody else asks meanwhile.
        self._at_fault |= self._failing
        self._at_fault.discard(subject)
        self._failing.clear()
        self._next_probe = None
        self._probe_interval = FIRST_PROBE_INTERVAL

    def failed(self, subject: str) -> None:
        """Take note of a request that got no proper answer; open the circuit when several accounts' did."""
        if self._next_probe is not None:
            self._probe_interval = min(LONGEST_PROBE_INTERVAL, self._probe_interval * 2)
        if subject in self._at_fault:
            return
        now = self._monotonic()
        if not self._failing:
            self._failing_since = now
        self._failing.add(subject)
        needed = FAILURES if now - self._failing_since >= LASTING else MANY_FAILURES
        if self._next_probe is None and len(self._failing) >= needed:
            self._next_probe = now + self._probe_interval
