"""The exporter's own server, for bytes that an attacker chose."""

import functools
import logging
import re
import socket
from types import TracebackType
from typing import Self

from aiohttp import web

from tests.support.serving import Serving
from tests.support.site import site_of

_PATIENCE = 5.0
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3}) ")
_GOOD = b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
_TOO_MANY_REQUESTS = 503


class _Lines(logging.Handler):
    """Keeps what libraries log, with its traceback."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter())

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


class Target:
    """A server until the end of a `with`, and what is logged meanwhile.

    Args:
        app: What is served.
    """

    def __init__(self, app: web.Application) -> None:
        self._libraries = _Lines()
        self._serving = Serving(app)

    def __enter__(self) -> Self:
        root = logging.getLogger()
        root.addHandler(self._libraries)
        self._level = root.level
        root.setLevel(logging.WARNING)
        self._serving.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._serving.__exit__(kind, error, trace)
        root = logging.getLogger()
        root.removeHandler(self._libraries)
        root.setLevel(self._level)

    def give(self, data: bytes) -> list[int]:
        """Send bytes on a connection of their own, and return the statuses of what is answered.

        Raises:
            AssertionError: The server answered 500, logged something, let the connection hang, or serves nobody any more.
        """
        statuses = self._ask(data)
        assert all(status < 500 or status == _TOO_MANY_REQUESTS for status in statuses), statuses
        answered = self._ask(_GOOD)
        assert answered == [200], answered
        assert not self._libraries.lines, self._libraries.lines
        assert not self._serving.log.lines, self._serving.log.lines
        return statuses

    def _ask(self, data: bytes) -> list[int]:
        received = bytearray()
        with socket.create_connection(("127.0.0.1", self._serving.port), _PATIENCE) as sock:
            try:
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
                while more := sock.recv(65536):
                    received += more
            except ConnectionError:
                pass  # it need not read to the end what it has refused already
        return [int(status) for status in _STATUS.findall(received)]


@functools.cache
def endless() -> Target:
    """Return a server that runs until its process ends."""
    return Target(site_of(2)).__enter__()
