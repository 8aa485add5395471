"""Serves an ASGI application on given addresses, until told to stop."""

import asyncio
import ipaddress
import logging
import os
import re
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from starlette.types import ASGIApp
from structlog.typing import FilteringBoundLogger

from exporter.errors import StartupError
from exporter.web.auth import BasicAuth
from exporter.web.headers import AddedHeaders
from exporter.web.limits import Deadlines, Limits, Slots
from exporter.web.listener import Listener
from exporter.web.passwords import Passwords
from exporter.web.secured import Secured, WebConfigFile

_LARGEST_HEADERS = 32 * 1024
_MOST_STREAMS = 20
_BACKLOG = 1024
_ANOTHER = "; choose another --web.listen-address"
_LARGEST_PORT = 65535
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
# Labels of up to 63 characters: longer ones cannot be looked up at all.
_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")


class Address(NamedTuple):
    """Where to listen; an empty host means every interface."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Return the address that `host:port`, `[ipv6]:port` or `:port` stands for.

        Raises:
            ValueError: It is none of these.
        """
        host, separator, port = text.rpartition(":")
        bracketed = host.startswith("[") and host.endswith("]")
        known = _is_ipv6(host[1:-1]) if bracketed else not host or _HOST.fullmatch(host)
        if not known or not separator or not _PORT.fullmatch(port) or int(port) > _LARGEST_PORT:
            raise ValueError(f'"{text}" is not an address to listen on: write host:port, [ipv6]:port or :port')
        return cls(host[1:-1] if bracketed else host, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def listen(address: Address) -> socket.socket:
    """Return a socket that listens on an address; on every interface it takes IPv4 and IPv6.

    Raises:
        StartupError: The address cannot be listened on.
    """
    try:
        if not address.host and socket.has_dualstack_ipv6():
            return socket.create_server(("", address.port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG)
        # The same as Go's: of a name's addresses, the first of IPv4 where there is one.
        found = socket.getaddrinfo(address.host or None, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, place = min(found, key=lambda info: info[0] != socket.AF_INET)
        return socket.create_server(place[:2], family=family, backlog=_BACKLOG)
    except socket.gaierror as error:
        raise StartupError(f"cannot listen on {address}: {error.strerror}{_ANOTHER}") from error
    except OSError as error:
        raise StartupError(
            f"cannot listen on {address}: {os.strerror(error.errno) if error.errno else error}{_ANOTHER}"
        ) from error


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def url_of(sock: socket.socket, scheme: str = "http") -> str:
    """Return the URL that reaches a listening socket from this machine."""
    host, port = sock.getsockname()[:2]
    if host in {"::", "0.0.0.0"}:  # noqa: S104 - compared with, not bound to
        host = "localhost"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


async def run(
    app: ASGIApp,
    sockets: Sequence[socket.socket],
    stop: asyncio.Event,
    log: FilteringBoundLogger,
    *,
    limits: Limits | None = None,
    web_config: WebConfigFile | None = None,
) -> None:
    """Serve until `stop` is set; requests in flight are answered first.

    Args:
        app: What answers.
        sockets: Where requests come in; closed at the end.
        stop: Ends it.
        log: Gets what goes wrong.
        limits: How much peers may ask for, and how long they may take.
        web_config: How connections are secured; None for plain HTTP that anybody may read.
    """
    bounds = limits or Limits()
    secured = web_config.current if web_config is not None else Secured
    listener = Listener(ASGIWrapper(_guarded(app, bounds, secured)), _config(bounds), bounds, secured, log)  # type: ignore[arg-type]  # the same protocol, in its own words
    tasks = [asyncio.create_task(listener.accept(sock)) for sock in sockets]
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
        await listener.drain()


def _guarded(app: ASGIApp, limits: Limits, secured: Callable[[], Secured]) -> ASGIApp:
    """Return an application that answers in time, to whom may ask, with the headers that were asked for."""
    guarded: ASGIApp = Slots(app, limits.requests)
    guarded = BasicAuth(guarded, lambda: secured().settings.users, Passwords(secrets.token_bytes(), time.monotonic))
    guarded = AddedHeaders(guarded, lambda: secured().settings.headers)
    return Deadlines(guarded, limits)


def _config(limits: Limits) -> Config:
    config = Config()
    config.errorlog = logging.getLogger("hypercorn.error")
    config.include_server_header = False
    config.h11_max_incomplete_size = _LARGEST_HEADERS
    config.h2_max_header_list_size = _LARGEST_HEADERS
    config.h2_max_concurrent_streams = _MOST_STREAMS
    config.keep_alive_timeout = limits.keep_alive
    return config
