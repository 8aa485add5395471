"""How long a peer may take and how much it may hold, so that hostile ones cannot keep others from being served."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PEER = "peer"
"""Under which name an ASGI scope's state holds the connection that a request came over."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Times are in seconds.

    Attributes:
        connections: How many there are at a time; those that ask for nothing give way to new ones.
        requests: How many are worked on at a time; 0 for any number.
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


class Slots:
    """Works on a limited number of requests at a time; on those for health and readiness always.

    A response that only waits for its reader does not count: it costs a small buffer, and would let readers who read nothing
    keep all others out. How many of those there are is bounded by the number of connections.

    Args:
        app: Answers.
        most: How many at a time; 0 for any number.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most
        self._working = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or say that there are too many."""
        if scope["path"].endswith(("/-/healthy", "/-/ready")):
            await self._app(scope, receive, send)
            return
        if self._most and self._working >= self._most:
            text = f"{self._most} requests are being worked on already; try again in a second.\n"
            await PlainTextResponse(text, 503, {"Retry-After": "1"})(scope, receive, send)
            return

        async def waiting(message: Message) -> None:
            self._working -= 1
            try:
                await send(message)
            finally:
                self._working += 1

        self._working += 1
        try:
            await self._app(scope, receive, waiting)
        finally:
            self._working -= 1
