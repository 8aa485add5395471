"""Trying again what may work the next time: what helps is decided by the failure, and done in one loop, `Retries.call`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from botocore.credentials import Credentials

from exporter.aws.errors import Remedy, RequestFailure, malformed, silent
from exporter.clock import Clock

T = TypeVar("T")
E = TypeVar("E")

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 5.0
_LONGEST_TOKEN = 16_384

FAILURES = 3  # accounts that have to fail in a row to open a circuit, where they do for `LASTING` seconds
LASTING = 1.0
MANY_FAILURES = 8  # accounts that fail in a row are no chance, however soon
FIRST_PROBE_INTERVAL = 2.0
LONGEST_PROBE_INTERVAL = 10.0


@dataclass(slots=True)
class Caller:
    """On whose behalf requests are made in one poll: `subject` is an account's id or an organization's name."""

    subject: str
    timeout: asyncio.Timeout | None = None
    failure: RequestFailure | None = None
    """The last request's, until one succeeds."""
    waiting_for: "str | Caller" = "a request: AWS"
    """An operation and its host, where credentials are from, or who asked first for what both wait for."""
    waiting_since: float = 0.0
    began: float = field(default_factory=lambda: asyncio.get_running_loop().time())

    def waits_for(self, what: "str | Caller") -> None:
        self.waiting_for, self.waiting_since = what, asyncio.get_running_loop().time()

    def late(self) -> RequestFailure:
        """Return why it had to wait for so long: the failure before, or else what gives no answer."""
        caller, failure = self, self.failure
        while isinstance(caller.waiting_for, Caller):
            caller = caller.waiting_for
            failure = caller.failure or failure
        return failure or silent(caller.waiting_for, asyncio.get_running_loop().time() - caller.waiting_since, Remedy.NONE)


@asynccontextmanager
async def time_limit(subject: str, when: float) -> AsyncIterator[Caller]:
    """Bound what is done for a caller; `when` is on the event loop's clock.

    When time runs out in a retry, the failure before is raised: it says why.
    """
    timeout = asyncio.timeout_at(when)
    caller = Caller(subject, timeout)
    try:
        async with timeout:
            yield caller
    except TimeoutError:
        if not timeout.expired():
            raise
        raise caller.late() from None
    finally:
        caller.failure = None  # it holds frames that hold the caller, and what was read


class CredentialSource(Protocol):
    """Where one identity's credentials come from."""

    async def get(self, caller: Caller) -> Credentials:
        """Return credentials that are valid now; raise RequestFailure if there are none."""

    def forget(self, refused: Credentials, caller: Caller) -> bool:
        """Drop what is kept if it is still what AWS refused, and return whether the next may be others.

        What was issued since the caller began is not: a refusal of it is final.
        """


@dataclass(slots=True)
class Retries(Generic[E]):
    """What may still be tried in one poll, at endpoints in the order of preference.

    A request that a pause may help is made up to `attempts` times in all, and all endpoints are tried in `rounds`. Pauses are
    drawn from 0 to their length: all who failed at once must not come back at once.
    """

    endpoints: Sequence[E]
    source: CredentialSource
    caller: Caller
    clock: Clock
    random: Callable[[], float]
    attempts: int = 1
    rounds: int = 1
    credentials: Credentials = field(default_factory=lambda: Credentials("", ""))
    _position: int = 0
    _round: int = 1
    _renewed: bool = False

    @property
    def endpoint(self) -> E:
        return self.endpoints[self._position]

    async def call(self, request: Callable[[E, Credentials], Awaitable[T]]) -> T:
        """Make a request until it succeeds, or raise the last failure: its remedy is what is left for the caller."""
        attempt = 1
        while True:
            try:
                self.credentials = await self.source.get(self.caller)
                result = await request(self.endpoint, self.credentials)
            except RequestFailure as failure:
                self.caller.failure = failure
                match failure.remedy:
                    case Remedy.RETRY if attempt < self.attempts:
                        await self._pause(attempt)
                        attempt += 1
                    case Remedy.NEXT_ENDPOINT | Remedy.OTHER_ENDPOINT if self._position + 1 < len(self.endpoints):
                        self._position += 1
                    case Remedy.NEXT_ENDPOINT | Remedy.NEXT_ROUND if self._round < self.rounds:
                        await self._pause(self._round)
                        self._round += 1
                        self._position = 0
                    case Remedy.NEW_CREDENTIALS if not self._renewed and self.source.forget(self.credentials, self.caller):
                        self._renewed = True
                        self.caller.failure = None  # If new ones are not had in time, it is not for the old.
                    case remedy:
                        left = _AFTERWARDS.get(remedy, remedy)
                        raise RequestFailure(failure.reason, failure.detail, left, passes=failure.passes) from None
            else:
                self.caller.failure = None
                return result

    async def _pause(self, count: int) -> None:
        await self.clock.sleep(self.random() * min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (count - 1)))


_AFTERWARDS = {Remedy.NEXT_ENDPOINT: Remedy.NEXT_ROUND, Remedy.OTHER_ENDPOINT: Remedy.NONE, Remedy.NEW_CREDENTIALS: Remedy.NONE}


@dataclass(slots=True)
class PageTokens:
    """The tokens of one listing's pages; those that lead in a circle end it, and it must not be walked again."""

    operation: str
    most_pages: int
    next: str | None = None
    done: bool = False
    _seen: set[str | None] = field(default_factory=set)

    def advance(self, token: str | None) -> None:
        """Continue with the page that the last one's token leads to; raise `malformed` if the pages do not end."""
        if token in self._seen or len(token or "") > _LONGEST_TOKEN:
            raise malformed(f"{self.operation}: a page token repeats, or is too long", Remedy.NONE)
        self._seen.add(token)
        if token and len(self._seen) == self.most_pages:
            raise malformed(f"{self.operation}: more than {self.most_pages} pages", Remedy.NONE)
        self.next, self.done = token, token is None


@dataclass(slots=True)
class CircuitBreaker:
    """Fails requests to an endpoint at once while it is down, but for one probe at a time.

    When an endpoint stops answering, every account fails at once, and each would wait until its timeout.
    """

    monotonic: Callable[[], float]
    _failing: set[str] = field(default_factory=set)
    _failing_since: float = 0.0
    _at_fault: set[str] = field(default_factory=set)
    _probe_interval: float = FIRST_PROBE_INTERVAL
    _next_probe: float | None = None

    def admits(self) -> bool:
        """Return whether a request may be sent now; while the circuit is open, one per probe interval may."""
        if self._next_probe is None:
            return True
        now = self.monotonic()
        if now < self._next_probe:
            return False
        self._next_probe = now + self._probe_interval
        return True

    def answered(self, subject: str) -> None:
        """Close the circuit: the endpoint answered, if only with an error."""
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
        now = self.monotonic()
        if not self._failing:
            self._failing_since = now
        self._failing.add(subject)
        needed = FAILURES if now - self._failing_since >= LASTING else MANY_FAILURES
        if self._next_probe is None and len(self._failing) >= needed:
            self._next_probe = now + self._probe_interval
