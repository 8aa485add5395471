"""Hypercorn's HTTP/1.1 and HTTP/2, less what an exporter has no use for: WebSockets, HTTP/2 without TLS, tunnels.

This module and `connection` are the only ones that know Hypercorn from inside. Its own server cannot be told to bound
writes, lingering ends, TLS handshakes and connections, so its protocols are driven by a connection of ours.
"""

import re

import h2.events
import h11
from hypercorn.events import Closed
from hypercorn.protocol.h2 import H2Protocol
from hypercorn.protocol.h11 import H11Protocol

_UNKNOWN = b"UNKNOWN"
_TOO_LARGE = 431
_SCHEME_AND_AUTHORITY = re.compile(rb"https?://[^/?]*", re.IGNORECASE)


class Http1(H11Protocol):
    """HTTP/1.1 that stays HTTP/1.1."""

    @property
    def has_input(self) -> bool:
        """Whether the peer has begun another request."""
        return bool(self.connection.trailing_data[0])

    async def _check_protocol(self, event: h11.Request) -> None:
        """Ignore what asks for HTTP/2 in plain text: it would go around all that bounds HTTP/1.1."""

    async def _create_stream(self, request: h11.Request) -> None:
        if _size(request) > self.config.h11_max_incomplete_size:  # h11 looks at heads only that come in pieces
            await self._send_error_response(_TOO_LARGE)
            await self.send(Closed())
            return
        headers = [(name, value) for name, value in request.headers if name != b"upgrade"]
        # Hypercorn takes "head" for HEAD and sends no body, and h11 waits for one: to HTTP it is an unknown method.
        method = request.method if request.method == request.method.upper() else _UNKNOWN
        target = _origin_form(request.target)
        if method is _UNKNOWN or target != request.target or len(headers) < len(request.headers):
            request = h11.Request(method=method, target=target, headers=headers, http_version=request.http_version)
        await super()._create_stream(request)


class Http2(H2Protocol):
    """HTTP/2 without CONNECT, and without methods in small letters, of which there are none."""

    has_input = False

    async def _create_stream(self, request: h2.events.RequestReceived) -> None:
        given = dict(request.headers or ())
        method, path = given.get(b":method", b""), given.get(b":path", b"")
        # Hypercorn would take "connect" for CONNECT, and a peer that does not acknowledge settings is not held to them.
        is_odd = method == b"CONNECT" or method != method.upper() or not (method + path).isascii() or b":path" not in given
        if is_odd or _list_size(request) > self.config.h2_max_header_list_size:
            self.connection.close_connection()
            await self._flush()
            await self.send(Closed())
        else:
            await super()._create_stream(request)


def _origin_form(target: bytes) -> bytes:
    """Return what is asked for without the server's name, which a client may write before it (RFC 9112, section 3.2.2)."""
    named = _SCHEME_AND_AUTHORITY.match(target)
    if named is None:
        return target
    path = target[named.end() :]
    return path if path.startswith(b"/") else b"/" + path


def _size(request: h11.Request) -> int:
    """Return how many bytes the head of a request had, but for spaces around values."""
    line = len(request.method) + len(request.target) + len(b"  HTTP/1.1\r\n")
    return line + sum(len(name) + len(value) + len(b": \r\n") for name, value in request.headers) + len(b"\r\n")


def _list_size(request: h2.events.RequestReceived) -> int:
    """Return the size of a request's head as HTTP/2 counts it (RFC 9113, section 6.5.2)."""
    return sum(len(name) + len(value) + 32 for name, value in request.headers or ())
