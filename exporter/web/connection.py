"""One connection, from its handshake to its end, in bounded time and memory."""

import asyncio
import fcntl
import sys
import termios
from collections.abc import Callable

from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.task_group import TaskGroup
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.typing import ConnectionState
from hypercorn.utils import parse_socket_addr

from exporter.web.limits import PEER, Limits
from exporter.web.protocols import Http1, Http2

_READ_BYTES = 64 * 1024
_BUFFERED_BYTES = 32 * 1024
_LINGER_SECONDS = 1.0


class Connection:
    """Speaks HTTP with one peer.

    Attributes:
        is_serving: Whether a request is being answered.
        was_served: Whether a request was ever answered.

    Args:
        app: Answers.
        config: Hypercorn's settings.
        context: Tells when the server ends.
        limits: How long things may take.
        reader: What the peer sends.
        writer: Where answers go.
    """

    def __init__(
        self,
        app: ASGIWrapper,
        config: Config,
        context: WorkerContext,
        limits: Limits,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._app = app
        self._config = config
        self._context = context
        self._limits = limits
        self._reader = reader
        self._writer = writer
        self._transport: asyncio.WriteTransport = writer.transport
        self._transport.set_write_buffer_limits(high=_BUFFERED_BYTES)
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._sending = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._is_ending = False
        self._between_requests = False
        self.is_serving = False
        self.was_served = False

    async def run(self) -> None:
        """Answer requests until the connection ends."""
        self._expect(self._limits.head)
        tls = self._writer.get_extra_info("ssl_object")
        sock = self._writer.get_extra_info("socket")
        kind = Http2 if tls is not None and tls.selected_alpn_protocol() == "h2" else Http1
        try:
            async with TaskGroup(self._loop) as group:
                self._protocol = kind(
                    self._app,
                    self._config,
                    self._context,
                    group,
                    ConnectionState({PEER: self}),
                    tls is not None,
                    parse_socket_addr(sock.family, sock.getpeername()),
                    parse_socket_addr(sock.family, sock.getsockname()),
                    self._handle,
                )
                await self._protocol.initiate()
                await self._read()
            self._transport.close()
            async with asyncio.timeout(self._limits.stall):
                await self._writer.wait_closed()
        except* OSError:
            pass  # the peer went away, or does not read the last bytes
        finally:
            self._stop_timer()
            self._transport.abort()
            self._forget_error()

    def abort(self) -> None:
        """End the connection at once, whatever is going on."""
        self._transport.abort()
        if self._task is not None:
            self._task.cancel()

    async def _read(self) -> None:
        while data := await self._received():
            if self._is_ending:
                continue  # what the peer still sends is read, or a reset would destroy the answer on its way
            if self._between_requests and isinstance(self._protocol, Http1):
                self._expect(self._limits.head)
            await self._protocol.handle(RawData(data))
            if self.is_serving and isinstance(self._protocol, Http2) and self._protocol.idle:
                await self._handle(Updated(idle=True))  # of requests that the peer took back nothing is told
        await self._protocol.handle(Closed())

    async def _received(self) -> bytes:
        """Return what the peer sent, or nothing when it has ended the connection."""
        try:
            return await self._reader.read(_READ_BYTES)
        except OSError:
            self.abort()  # nobody is left who would take an answer
            return b""

    def _forget_error(self) -> None:
        """Break the circle of a connection and the error that ended it, whose frames hold what was being sent."""
        error = self._reader.exception()
        if error is not None:
            error.__traceback__ = None

    async def _handle(self, event: Event) -> None:
        """Do what the protocol asks for."""
        match event:
            case RawData():
                await self._send(event.data)
            case Updated() if self._is_ending:
                pass
            case Updated(idle=False):
                self._stop_timer()
                self.is_serving = True
            case Updated():
                self.is_serving = False
                self.was_served = True
                self._wait_for_request()
            case Closed():
                self._end()

    def _wait_for_request(self) -> None:
        """Give the peer time to ask again, once it has taken the last answer."""
        if self._protocol.has_input:
            self._expect(self._limits.head)
            return
        if self._untaken():
            self._expect(self._limits.stall, self._check_taken)
        else:
            self._expect(self._limits.keep_alive)
        self._between_requests = True

    def _check_taken(self) -> None:
        if self._untaken():
            self.abort()
        else:
            self._wait_for_request()

    def _untaken(self) -> int:
        """Return how many bytes wait for the peer, in the process or in the kernel; some at least, if there are any."""
        try:
            in_kernel = fcntl.ioctl(self._writer.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
        except OSError:
            in_kernel = b""  # not every system tells
        return self._transport.get_write_buffer_size() + int.from_bytes(in_kernel, sys.byteorder)

    async def _send(self, data: bytes) -> None:
        async with self._sending:
            if self._transport.is_closing():
                return  # asyncio would warn of every write
            try:
                self._writer.write(data)
                if self._transport.get_write_buffer_size() > _BUFFERED_BYTES:
                    async with asyncio.timeout(self._limits.stall):
                        await self._writer.drain()
            except TimeoutError:
                self.abort()
            except (ConnectionError, RuntimeError):
                await self._protocol.handle(Closed())
                self._end()

    def _end(self) -> None:
        """Send what is left, and let the peer close; when the server itself ends, there is no time for that."""
        if self._is_ending:
            return
        self._is_ending = True
        self.is_serving = False
        self._expect(self._limits.stall)
        if self._transport.is_closing():
            return
        if self._context.terminated.is_set():
            self._transport.close()
        elif self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._expect(min(_LINGER_SECONDS, self._limits.stall), self._close)  # TLS cannot be closed by halves

    def _close(self) -> None:
        self._expect(self._limits.stall)
        self._transport.close()

    def _expect(self, seconds: float, otherwise: Callable[[], None] | None = None) -> None:
        """End the connection, or do something else, unless something happens in time."""
        self._stop_timer()
        self._timer = self._loop.call_later(seconds, otherwise or self.abort)

    def _stop_timer(self) -> None:
        self._between_requests = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
