"""Bounds each connection in time and memory, in front of aiohttp's HTTP protocol."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import cast

from aiohttp import web

LARGEST_HEAD = 32 * 1024
_BUFFERED_BYTES = 64 * 1024
LINGER_SECONDS = 1.0
_GRACE_SECONDS = 1.0
_END_OF_HEAD = re.compile(rb"\n\r?\n")
_SLICE_BYTES = 64 * 1024
"""Of a response, for each reader, in the process: many readers that do not read must not take much memory."""
_YIELD_BYTES = 4 * _SLICE_BYTES
"""After which others are served, and a reader that has gone is noticed before asyncio logs the fifth write to it."""
_MOST_SENT_BYTES = 32 * 1024 * 1024
_NO_REQUEST = re.compile(rb"[^A-Za-z]|PRI ")  # TLS, garbage, HTTP/2
_SERVER_NAME = re.compile(rb"(?<= )https?://[^/? ]*/?", re.IGNORECASE)
"""Which a client may write before the path (RFC 9112, section 3.2.2); it may leave out the path itself."""
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_EXPECT = re.compile(rb"^Expect:[^\n]*\n", re.IGNORECASE | re.MULTILINE)
"""Bodies are not looked at, so a client needs no 100 Continue; aiohttp would answer before the middlewares."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much clients may ask for, and how many seconds they may take."""

    connections: int = 128  # at a time; the least useful is closed for a new one
    requests: int = 40  # that are worked on at a time; 0 disables the limit
    head: float = 10.0  # from the beginning of a connection or a request to the end of the head; TLS handshake apart
    handshake: float = 10.0  # of TLS
    stall: float = 10.0  # for which a reader may take nothing
    response: float = 60.0  # complete
    keep_alive: float = 150.0  # between two requests; longer than any usual scrape interval
    drain: float = 5.0  # for requests in flight at shutdown


class State(IntEnum):
    """What a connection is doing, the least useful first."""

    SILENT = 0  # it has not sent a complete request yet
    IDLE = 1  # it waits for the next request
    STALLED = 2  # it does not read its response
    BUSY = 3


class Guard(asyncio.Protocol):
    """One connection: hands requests to aiohttp one at a time, and ends the connection at each deadline.

    aiohttp gets the head of a request, and the next only when that was answered: what a client sends ahead is not parsed.
    Bodies are dropped, and the connection is closed after the response to such a request. Whether a client may connect,
    `admits` says after the TLS handshake. `is_busy` while a request is being answered.
    """

    def __init__(self, inner: asyncio.Protocol, limits: Limits, admits: Callable[[asyncio.Transport], bool]) -> None:
        self.closed = asyncio.Event()
        self.is_busy = False
        self._inner = inner
        self._limits = limits
        self._admits = admits
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._state = State.SILENT
        self._since = self._loop.time()
        self._received = b""
        self._is_last = False

    def usefulness(self) -> tuple[float, float]:
        """Return a key that sorts the least useful connection first; new ones have a second to send a request."""
        is_new = self._state is State.SILENT and self._loop.time() < self._since + _GRACE_SECONDS
        return State.STALLED + 0.5 if is_new else self._state, self._since

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = made = cast("asyncio.Transport", transport)
        # Closing a TLS connection sends what its socket still has to send, and not what is yet to be encrypted.
        made.set_write_buffer_limits(high=_BUFFERED_BYTES if made.get_extra_info("ssl_object") is None else 1)
        if not self._admits(made):
            made.abort()
            return
        self._inner.connection_made(made)
        self._set_deadline(self._limits.head)

    def connection_lost(self, exc: Exception | None) -> None:
        self._set_deadline(None)
        self._inner.connection_lost(exc)
        self._received = b""
        self.closed.set()

    def data_received(self, data: bytes) -> None:
        """Take what the client sends; after its last request it is dropped, as a reset would destroy the response."""
        if self._is_last:
            return
        if not self._received and self._state is State.IDLE:
            self._set_deadline(self._limits.head)
        self._received += data
        if not self.is_busy:
            self._hand_over()

    def eof_received(self) -> bool:
        """Keep the connection open for a response that is still to come; aiohttp may resume reading before."""
        return self.is_busy

    def pause_writing(self) -> None:
        if self.is_busy:  # and not in a handshake
            self._enter(State.STALLED, self._limits.stall)
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self.is_busy:
            self.begin()
        self._inner.resume_writing()

    def begin(self) -> None:
        """Expect no more of the client: its request is being answered."""
        self._enter(State.BUSY)

    def end(self, *, is_last: bool) -> None:
        """Expect the next request: one was answered."""
        self.is_busy = False
        self._is_last = is_last
        if self._transport is None or self._transport.is_closing():
            return
        self._enter(State.IDLE, self._limits.stall if is_last else self._limits.keep_alive)
        self._transport.resume_reading()
        if self._received and not is_last:
            self._set_deadline(self._limits.head)
            self._hand_over()

    def close(self) -> None:
        """Close the connection once all is sent that was written."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _hand_over(self) -> None:
        """Have aiohttp parse the head of a request once it is complete; what is no request is refused by aiohttp at once."""
        if self._transport is None:
            return
        self._received = self._received.lstrip(b"\r\n")
        found = _END_OF_HEAD.search(self._received, 0, LARGEST_HEAD)
        size = found.end() if found is not None else 0
        if _NO_REQUEST.match(self._received):
            size = len(self._received)
        if size:
            head, self._received = self._received[:size], self._received[size:]
            self.is_busy = True
            self._transport.pause_reading()
            line, separator, fields = head.partition(b"\n")
            self._inner.data_received(_SERVER_NAME.sub(b"/", line, count=1) + separator + _EXPECT.sub(b"", fields))
        elif len(self._received) >= LARGEST_HEAD:
            self._is_last = True
            self._received = b""
            self._set_deadline(LINGER_SECONDS)
            self._transport.write(_TOO_LARGE)

    def _enter(self, state: State, seconds: float | None = None) -> None:
        self._state, self._since = state, self._loop.time()
        self._set_deadline(seconds)

    def _set_deadline(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self._loop.call_later(seconds, self.abort)


Sent = dict[int, tuple[int, set[Guard]]]
"""The size and the readers of each body that is being sent, by its identity."""


async def send(guard: Guard, request: web.Request, response: web.StreamResponse, sent: Sent) -> web.StreamResponse:
    """Send a response in slices, each when the reader has taken the one before, and return what was sent.

    When the bodies that are being sent need too much memory together, the readers of the oldest are dropped.
    """
    body = response.body if isinstance(response, web.Response) else None
    if not isinstance(body, bytes) or len(body) <= _SLICE_BYTES or request.method == "HEAD":
        await response.prepare(request)
        await response.write_eof()
        return response
    stream = web.StreamResponse(status=response.status, headers=response.headers)
    stream.content_length = len(body)
    if response.keep_alive is False:
        stream.force_close()
    entry = sent.setdefault(id(body), (len(body), set()))
    entry[1].add(guard)
    while len(sent) > 1 and sum(size for size, _ in sent.values()) > _MOST_SENT_BYTES:
        for reader in sent.pop(next(iter(sent)))[1]:
            reader.abort()
    try:
        await stream.prepare(request)
        view = memoryview(body)
        for at in range(0, len(view), _SLICE_BYTES):
            await stream.write(view[at : at + _SLICE_BYTES])
            if at % _YIELD_BYTES == 0:  # a fast reader never has the writer wait
                await asyncio.sleep(0)
        await stream.write_eof()
    finally:
        entry[1].discard(guard)
        if not entry[1] and sent.get(id(body)) is entry:
            del sent[id(body)]
    return stream
