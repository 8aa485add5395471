"""One connection of the server: it reads requests and walks through the steps of each answer."""

import asyncio
import socket
import struct
from collections.abc import Callable, Generator
from typing import cast

from exporter.simulator.messages import BadRequest, Request, RequestReader
from exporter.simulator.steps import Close, Hang, Reset, Send, Step, Wait

_NO_LINGER = struct.pack("ii", 1, 0)


class Connection(asyncio.Protocol):
    """A keep-alive connection that answers one request after the other.

    Args:
        answer: Returns the steps that answer a request.
        connections: The open connections; this one adds and removes itself.
    """

    def __init__(self, answer: Callable[[Request], Generator[Step, None, None]], connections: set["Connection"]) -> None:
        self._answer = answer
        self._connections = connections
        self._reader = RequestReader()
        self._transport: asyncio.Transport | None = None
        self._steps: Generator[Step, None, None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_paused = False
        self._is_hung = False
        self._closes_after_answer = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start."""
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """Give up the answer under way."""
        self._connections.discard(self)
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        if self._steps is not None:
            self._steps.close()

    def data_received(self, data: bytes) -> None:
        """Take in what arrived, and answer when it completes a request."""
        self._reader.feed(data)
        self._proceed()

    def pause_writing(self) -> None:
        """Stop answering while the client does not read."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """Go on answering."""
        self._is_paused = False
        self._proceed()

    def abort(self) -> None:
        """Give the connection up at once."""
        if self._transport is not None:
            self._transport.abort()

    def _proceed(self) -> None:
        """Walk through the steps until one of them has to be waited for."""
        while self._transport is not None and self._timer is None and not self._is_paused and not self._is_hung:
            if self._steps is None and not self._next_request():
                return
            step = next(self._steps, None) if self._steps is not None else None
            if step is None:
                self._steps = None
                if self._closes_after_answer:
                    self._transport.close()
                    return
            else:
                self._take(step, self._transport)

    def _next_request(self) -> bool:
        try:
            request = self._reader.next_request()
        except BadRequest:
            self.abort()
            return False
        if request is None:
            return False
        self._closes_after_answer = request.headers.get("connection", "").lower() == "close"
        self._steps = self._answer(request)
        return True

    def _take(self, step: Step, transport: asyncio.Transport) -> None:
        match step:
            case Send(data):
                transport.write(data)
            case Wait(seconds):
                self._timer = asyncio.get_running_loop().call_later(seconds, self._resume)
            case Hang():
                self._is_hung = True
            case Close():
                self._is_hung = True
                transport.close()
            case Reset():
                # Without lingering, closing a socket discards what is queued and sends an RST.
                client: socket.socket = transport.get_extra_info("socket")
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
                self._is_hung = True
                transport.abort()

    def _resume(self) -> None:
        self._timer = None
        self._proceed()
