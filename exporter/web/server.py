"""Serves a web application on given addresses, until it is stopped."""

import asyncio
import ipaddress
import logging
import os
import resource
import socket
import ssl
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import cast

from aiohttp import web
from structlog.typing import FilteringBoundLogger

from exporter.errors import StartupError, internal
from exporter.web.auth import BasicAuth, Handler
from exporter.web.guard import LARGEST_HEAD, LINGER_SECONDS, Guard, Limits, Sent, State, send
from exporter.web.settings import WebSettings
from exporter.web.tls import Secured, WebConfigFile

_BACKLOG = 1024
_UNSENT_BYTES = 128 * 1024
"""What the kernel holds for a reader whose window is full; a smaller send buffer would slow all readers down."""
_MOST_OTHERS = 8  # requests that change something, and as many to the API: scrapes wait for neither
_CLOSE_SECONDS = 0.01
_PAUSE_SECONDS = 0.1
_QUIET_SECONDS = 60.0
_SHUTDOWN_SECONDS = 0.5


def listen(address: str) -> socket.socket:
    """Return a socket that listens on `host:port`, `[ipv6]:port` or, on every interface, `:port`; raises StartupError."""
    name, _, port = address.rpartition(":")
    host = name.strip("[]")
    try:
        if not host and socket.has_dualstack_ipv6():
            return socket.create_server(("", int(port)), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG)
        # The same as Go's: of a name's addresses, the first of IPv4 where there is one.
        found = socket.getaddrinfo(host or None, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, place = min(found, key=lambda info: info[0] != socket.AF_INET)
        return socket.create_server(place[:2], family=family, backlog=_BACKLOG)
    except OSError as error:
        # create_server repeats the address in what it says.
        why = os.strerror(error.errno) if error.errno and not isinstance(error, socket.gaierror) else error.strerror or error
        raise StartupError(f"cannot listen on {address}: {why}; choose one: --web.listen-address=localhost:10048") from error


def url_of(sock: socket.socket, scheme: str = "http") -> str:
    """Return the URL that reaches a listening socket from this machine."""
    host, port = sock.getsockname()[:2]
    if host in {"::", "0.0.0.0"}:  # noqa: S104 - compared with, not bound to
        host = "localhost"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


async def run(
    app: web.Application,
    sockets: Sequence[socket.socket],
    stop: asyncio.Event,
    log: FilteringBoundLogger,
    *,
    limits: Limits | None = None,
    web_config: WebConfigFile | None = None,
) -> None:
    """Serve until `stop` is set, answer the requests in flight, and close the sockets.

    The application must be a new one: it gets middlewares. Without a web-config it is served over plain HTTP, to anybody.
    """
    secured = (lambda: web_config.current) if web_config is not None else Secured
    server = _Server(app, limits or Limits(), secured, log)
    await server.runner.setup()
    tasks = [asyncio.create_task(server.accept(sock)) for sock in sockets]
    if web_config is not None:
        tasks.append(asyncio.create_task(web_config.follow()))
    try:
        await stop.wait()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for sock in sockets:
            sock.close()
        await server.drain()


class _Server:
    def __init__(self, app: web.Application, limits: Limits, secured: Callable[[], Secured], log: FilteringBoundLogger) -> None:
        self._limits = limits
        self._secured = secured
        self._log = log
        self._logged: dict[str, float] = {}
        self._loop = asyncio.get_running_loop()
        self._connections: dict[Guard, asyncio.Task[None]] = {}
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        unlimited = descriptors == resource.RLIM_INFINITY
        # A quarter of the descriptors at most: AWS and files need some.
        self._most = limits.connections if unlimited else min(limits.connections, max(1, descriptors // 4))
        most = {"read": limits.requests or sys.maxsize, "query": _MOST_OTHERS, "change": _MOST_OTHERS}
        self._free = {kind: (asyncio.Semaphore(number), number) for kind, number in most.items()}
        self._sent: Sent = {}
        self._is_draining = False
        auth = BasicAuth(lambda: secured().settings.users)
        app.middlewares.extend((self._answer, auth.middleware, self._limit))
        app.on_response_prepare.append(_hide_server)
        # aiohttp logs what clients send wrong, with a traceback that shows it; what handlers do wrong is logged here.
        silent = logging.getLogger(f"{__name__}.aiohttp")
        silent.disabled = True
        self.runner = web.AppRunner(
            app,
            access_log=None,
            logger=silent,
            keepalive_timeout=limits.keep_alive,
            lingering_time=LINGER_SECONDS,
            max_line_size=LARGEST_HEAD,
            max_field_size=LARGEST_HEAD,
            shutdown_timeout=_SHUTDOWN_SECONDS,
        )

    async def accept(self, sock: socket.socket) -> None:
        sock.setblocking(False)  # noqa: FBT003 - the standard library's signature
        protocol = cast("web.Server", self.runner.server)
        while True:
            try:
                accepted, _ = await self._loop.sock_accept(sock)
                if hasattr(socket, "TCP_NOTSENT_LOWAT"):
                    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
            except OSError as error:
                self._warn("accepting connections failed", error=error.strerror)
                await asyncio.sleep(_CLOSE_SECONDS if self._make_room() else _PAUSE_SECONDS)
                continue
            if len(self._connections) < self._most or self._make_room():
                secured = self._secured()
                guard = Guard(protocol(), self._limits, partial(self._admits, secured.settings))
                self._connections[guard] = asyncio.create_task(self._serve(guard, accepted, secured.context))
            else:
                self._warn("connection limit reached", connections=self._most)
                accepted.close()
            await asyncio.sleep(0)  # accepting alone must not keep others from being served

    async def drain(self) -> None:
        self._is_draining = True
        for guard in self._connections:
            if not guard.is_busy:
                guard.close()
        for seconds in (self._limits.drain, _SHUTDOWN_SECONDS):
            tasks = set(self._connections.values())
            if tasks:
                await asyncio.wait(tasks, timeout=seconds)
            for task in tasks:
                task.cancel()
        await self.runner.cleanup()

    def _make_room(self) -> bool:
        """End the least useful connection, if there is one without a response in the making."""
        least = min(self._connections, key=Guard.usefulness, default=None)
        if least is None or least.usefulness()[0] >= State.BUSY:
            return False
        self._connections.pop(least).cancel()
        return True

    async def _serve(self, guard: Guard, sock: socket.socket, context: ssl.SSLContext | None) -> None:
        try:
            with suppress(OSError):  # the handshake failed; asyncio has closed the socket
                await self._loop.connect_accepted_socket(
                    lambda: guard,
                    sock,
                    ssl=context,
                    ssl_handshake_timeout=self._limits.handshake if context else None,
                    ssl_shutdown_timeout=self._limits.stall if context else None,
                )
                await guard.closed.wait()
        finally:
            guard.abort()
            self._connections.pop(guard, None)

    def _admits(self, settings: WebSettings, transport: asyncio.Transport) -> bool:
        allowed = settings.tls.allowed_sans if settings.tls is not None else ()
        names = (transport.get_extra_info("peercert") or {}).get("subjectAltName", ())
        if not allowed or any(_as_go_writes(kind, name) in allowed for kind, name in names):
            return True
        self._warn("client certificate rejected: no SAN in client_allowed_sans")
        return False

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Send a response in time, or end the connection."""
        guard = None if request.transport is None else request.transport.get_protocol()
        response: web.StreamResponse = web.Response()
        if not isinstance(guard, Guard):
            return response  # the client has gone
        guard.begin()
        is_last = True
        try:
            async with asyncio.timeout(self._limits.response):
                response = await self._respond(request, handler)
                response.headers.update(self._secured().settings.headers)
                if request.body_exists or self._is_draining:
                    response.force_close()
                response = await send(guard, request, response, self._sent)
            is_last = not response.keep_alive
        except (TimeoutError, ConnectionError) as error:
            guard.abort()
            error.with_traceback(None)  # its frames hold the response, and wait for the garbage collector
        finally:
            guard.end(is_last=is_last)
        if self._is_draining and request.transport is not None:
            request.transport.close()
        return response

    async def _respond(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.raw_path.startswith("/"):  # another protocol's URL
            return web.Response(text="Not Found\n", status=404)
        try:
            return await handler(request)
        except web.HTTPException as error:
            allow = error.headers.get("Allow")
            headers = {"Allow": allow} if allow else None
            if "/api/" in request.path:
                return web.json_response({"error": error.reason}, status=error.status, headers=headers)
            return web.Response(text=f"{error.reason}\n", status=error.status, headers=headers)
        except Exception as error:  # noqa: BLE001 - a request is answered whatever is wrong with a handler
            self._warn("request failed", detail=internal(error).detail)
            return web.Response(text="Internal Server Error\n", status=500)

    @web.middleware
    async def _limit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse requests beyond the limit, health and readiness apart; a response that is being sent does not count."""
        if request.path.endswith(("/-/healthy", "/-/ready")):
            return await handler(request)
        reads = "query" if "/api/" in request.path else "read"
        free, most = self._free[reads if request.method in {"GET", "HEAD"} else "change"]
        if free.locked():
            text = f"Limit of {most} concurrent requests reached; try again in a second.\n"
            return web.Response(text=text, status=503, headers={"Retry-After": "1"})
        async with free:
            return await handler(request)

    def _warn(self, event: str, **details: object) -> None:
        """Log a line, but no more than one of its kind in a minute."""
        now = self._loop.time()
        if now >= self._logged.get(event, now):
            self._logged[event] = now + _QUIET_SECONDS
            self._log.warning(event, **details)


def _as_go_writes(kind: str, name: str) -> str:
    """Return a name of a certificate; empty for one of another kind, and for what OpenSSL finds to be no address."""
    if kind == "IP Address":
        with suppress(ValueError):
            return ipaddress.ip_address(name.strip()).compressed
    return name if kind in {"DNS", "email", "URI"} else ""


async def _hide_server(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.popall("Server", None)
