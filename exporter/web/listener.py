"""Accepts connections, as many as may be, and lets those that ask for nothing give way to new ones."""

import asyncio
import socket
import ssl
from asyncio import sslproto
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from structlog.typing import FilteringBoundLogger

from exporter.web.connection import Connection
from exporter.web.limits import Limits
from exporter.web.secured import Secured
from exporter.web.tls import names_in

_UNSENT_BYTES = 128 * 1024
"""What the kernel may hold for a reader whose window is full; a smaller send buffer would slow all readers down."""
_READER_BYTES = 64 * 1024
_TLS_BYTES = 32 * 1024
_PAUSE_SECONDS = 0.1
_QUIET_SECONDS = 60.0


@dataclass(slots=True, eq=False)
class _Peer:
    """Who is connected.

    Attributes:
        since: Since when, by the event loop's clock.
        task: What deals with them.
        connection: None until the TLS handshake is through.
    """

    since: float
    task: asyncio.Task[None] | None = field(default=None)
    connection: Connection | None = None

    @property
    def is_serving(self) -> bool:
        return self.connection is not None and self.connection.is_serving

    @property
    def was_served(self) -> bool:
        return self.connection is not None and self.connection.was_served

    def abort(self) -> None:
        if self.connection is not None:
            self.connection.abort()
        elif self.task is not None:
            self.task.cancel()


class Listener:
    """Accepts connections on several sockets.

    Args:
        app: Answers.
        config: Hypercorn's settings.
        limits: How many connections, and how long things may take.
        secured: Returns how connections are secured as of now.
        log: Gets a line, now and then, when clients are turned away.
    """

    def __init__(
        self, app: ASGIWrapper, config: Config, limits: Limits, secured: Callable[[], Secured], log: FilteringBoundLogger
    ) -> None:
        self._app = app
        self._config = config
        self._limits = limits
        self._secured = secured
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._context = WorkerContext(None)
        self._peers: set[_Peer] = set()
        self._told: dict[str, float] = {}
        # asyncio sets aside 256 KiB for each TLS connection, and has no other way to be told otherwise. A record has 16 KiB.
        sslproto.SSLProtocol.max_size = _TLS_BYTES

    async def accept(self, sock: socket.socket) -> None:
        """Accept connections until it is cancelled."""
        sock.setblocking(False)  # noqa: FBT003 - that is its name
        while True:
            try:
                accepted, _ = await self._loop.sock_accept(sock)
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if hasattr(socket, "TCP_NOTSENT_LOWAT"):
                    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
            except OSError as error:
                self._tell("connections cannot be accepted", error=error.strerror)
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            if len(self._peers) < self._limits.connections or self._make_room():
                peer = _Peer(self._loop.time())
                self._peers.add(peer)
                peer.task = asyncio.create_task(self._deal_with(peer, accepted))
                peer.task.add_done_callback(partial(self._forget, peer))
            else:
                self._tell("all connections are taken", connections=self._limits.connections)
                accepted.close()
            await asyncio.sleep(0)  # accepting alone must not keep others from being served

    async def drain(self) -> None:
        """Let requests in flight be answered, then end all connections."""
        await self._context.terminated.set()
        for peer in self._peers:
            if not peer.is_serving:
                peer.abort()
        tasks = [peer.task for peer in self._peers if peer.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=self._limits.drain)
            for peer in list(self._peers):
                peer.abort()
            await asyncio.wait(tasks, timeout=1)

    def _make_room(self) -> bool:
        """End the connection that has asked for nothing longest; one that never asked goes first."""
        idle = [peer for peer in self._peers if not peer.is_serving]
        if not idle:
            return False
        first = min(idle, key=lambda peer: (peer.was_served, peer.since))
        self._peers.discard(first)
        first.abort()
        return True

    def _forget(self, peer: _Peer, _: asyncio.Task[None]) -> None:
        self._peers.discard(peer)

    async def _deal_with(self, peer: _Peer, sock: socket.socket) -> None:
        secured = self._secured()
        try:
            reader, writer = await self._open(sock, secured.context)
        except (OSError, asyncio.CancelledError):
            return  # whoever it was did not get through the handshake; asyncio has closed the socket
        if secured.context is not None and not self._may_connect(writer, secured):
            writer.transport.abort()
            return
        peer.connection = Connection(self._app, self._config, self._context, self._limits, reader, writer)
        try:
            await peer.connection.run()
        except Exception as error:  # noqa: BLE001 - a peer that upsets the protocol's library is no reason to end
            self._tell("a connection was ended", error=", ".join(_names(error)))

    async def _open(
        self, sock: socket.socket, context: ssl.SSLContext | None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader = asyncio.StreamReader(_READER_BYTES)
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await self._loop.connect_accepted_socket(
            lambda: protocol,
            sock,
            ssl=context,
            ssl_handshake_timeout=self._limits.handshake if context else None,
            ssl_shutdown_timeout=self._limits.stall if context else None,
        )
        return reader, asyncio.StreamWriter(transport, protocol, reader, self._loop)

    def _may_connect(self, writer: asyncio.StreamWriter, secured: Secured) -> bool:
        tls = secured.settings.tls
        if tls is None or not tls.allowed_sans:
            return True
        if names_in(writer.get_extra_info("peercert")) & set(tls.allowed_sans):
            return True
        self._tell("a client was turned away: its certificate has none of the names in client_allowed_sans")
        return False

    def _tell(self, event: str, **details: object) -> None:
        """Log a line, but not more than one of its kind in a minute."""
        now = self._loop.time()
        if now >= self._told.get(event, 0.0):
            self._told[event] = now + _QUIET_SECONDS
            self._log.warning(event, **details)


def _names(error: BaseException) -> list[str]:
    """Return what kinds of errors an error is made of."""
    if isinstance(error, BaseExceptionGroup):
        return [name for inner in error.exceptions for name in _names(inner)]
    return [type(error).__name__]
