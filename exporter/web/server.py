"""Serves an ASGI application on given addresses with Hypercorn, until told to stop."""

import asyncio
import logging
import os
import socket
from collections.abc import Sequence
from typing import NamedTuple

from hypercorn.asyncio import serve
from hypercorn.config import Config
from starlette.types import ASGIApp

from exporter.errors import StartupError

_LARGEST_HEADERS = 32 * 1024
_BACKLOG = 128


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
        bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        well_formed = separator and port.isascii() and port.isdigit() and int(port) <= 65535  # noqa: PLR2004 - 16 bits
        if not well_formed or (":" in bare and bare == host):
            raise ValueError(f'"{text}" is not an address to listen on: write host:port, [ipv6]:port or :port')
        return cls(bare, int(port))

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
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        return socket.create_server((address.host, address.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise StartupError(f"cannot listen on {address}: {os.strerror(error.errno) if error.errno else error}") from error


def url_of(sock: socket.socket) -> str:
    """Return the URL that reaches a listening socket from this machine."""
    host, port = sock.getsockname()[:2]
    if host in {"::", "0.0.0.0"}:  # noqa: S104 - compared with, not bound to
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def run(app: ASGIApp, sockets: Sequence[socket.socket], stop: asyncio.Event) -> None:
    """Serve until `stop` is set; requests in flight are answered first.

    Args:
        app: What answers.
        sockets: Where requests come in; closed at the end.
        stop: Ends it.
    """
    config = Config()
    config.bind = [f"fd://{sock.detach()}" for sock in sockets]
    config.errorlog = logging.getLogger("hypercorn.error")
    config.include_server_header = False
    config.h11_max_incomplete_size = _LARGEST_HEADERS
    config.keep_alive_timeout = 60.0
    config.graceful_timeout = 3.0
    config.shutdown_timeout = 3.0

    async def stopped() -> None:
        await stop.wait()

    await serve(app, config, shutdown_trigger=stopped, mode="asgi")  # type: ignore[arg-type]  # the same protocol, in its own words
