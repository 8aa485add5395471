"""How long a peer may take and how much it may hold, so that hostile ones cannot keep others from being served."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PEER = "peer"
"""Under which name an ASGI scope's state holds the connection that a request came over."""

_PATIENCE_SECONDS = 0.1
"""After which a response that its reader does not take gives way, where others wait."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Times are in seconds.

    Attributes:
        connections: How many there are at a time; those that ask for nothing give way to new ones.
        requests: How many are answered at a time; 0 for any number.
        head: From the beginning of a connection, or of a request, to the end of the request's head; TLS handshake apart.
        handshake: For a TLS handshake.
        stall: For how long a reader may take nothing.
        response: For a whole response.
        keep_alive: Between two requests; longer than any usual scrape interval.
        drain: For requests in flight at the end.
    """

    connections: int = 512
    requests: int = 40
    head: float = 10.0
    handshake: float = 10.0
    stall: float = 10.0
    response: float = 60.0
    keep_alive: float = 150.0
    drain: float = 5.0


class Peer(Protocol):
    """Who is at the other end of a connection."""

    def abort(self) -> None:
        """End the connection at once."""


class _Stalled(Exception):  # noqa: N818 - says what a peer did, not what went wrong here
    """A reader took nothing for too long."""


class Deadlines:
    """Ends the connection of who takes a response too slowly.

    Args:
        app: Answers.
        limits: What is too slow.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request in time, or not at all."""

        async def timely(message: Message) -> None:
            try:
                async with asyncio.timeout(self._limits.stall):
                    await send(message)
            except TimeoutError:
                raise _Stalled from None

        deadline = asyncio.timeout(self._limits.response)
        try:
            async with deadline:
                await self._app(scope, receive, timely)
        except _Stalled:
            scope["state"][PEER].abort()
        except TimeoutError:
            if not deadline.expired():
                raise
            scope["state"][PEER].abort()


@dataclass(slots=True, eq=False)
class _Slot:
    """A request that is being answered.

    Attributes:
        peer: Who asked.
        waiting_since: Since when its reader has taken nothing, or None.
    """

    peer: Peer
    waiting_since: float | None = None


class Slots:
    """Answers a limited number of requests at a time; health and readiness always.

    A response that is not being read holds a slot only as long as nobody else wants it.

    Args:
        app: Answers.
        most: How many at a time; 0 for any number.
        monotonic: Seconds.
    """

    def __init__(self, app: ASGIApp, most: int, monotonic: Callable[[], float]) -> None:
        self._app = app
        self._most = most
        self._monotonic = monotonic
        self._taken: set[_Slot] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or say that there are too many."""
        if scope["path"].endswith(("/-/healthy", "/-/ready")):
            await self._app(scope, receive, send)
            return
        if self._most and len(self._taken) >= self._most and not self._free_one():
            text = f"{self._most} requests are being answered already; try again in a second.\n"
            await PlainTextResponse(text, 503, {"Retry-After": "1"})(scope, receive, send)
            return
        slot = _Slot(scope["state"][PEER])

        async def timed(message: Message) -> None:
            slot.waiting_since = self._monotonic()
            await send(message)
            slot.waiting_since = None

        self._taken.add(slot)
        try:
            await self._app(scope, receive, timed)
        finally:
            self._taken.discard(slot)

    def _free_one(self) -> bool:
        latest = self._monotonic() - _PATIENCE_SECONDS
        waiting = [slot for slot in self._taken if slot.waiting_since is not None and slot.waiting_since <= latest]
        if not waiting:
            return False
        longest = min(waiting, key=lambda slot: slot.waiting_since or 0.0)
        self._taken.discard(longest)
        longest.peer.abort()
        return True
