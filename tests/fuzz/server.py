"""The exporter's own server, for bytes that an attacker chose."""

import io
import logging
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from tests.support.serving import Serving
from tests.support.site import POLICY, site_of

_PATIENCE = 5.0
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3}) ")
_GOOD = b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
_TOO_MANY_REQUESTS = 503


@contextmanager
def server() -> Iterator[Callable[[bytes], list[int]]]:
    """Run a server, and yield what sends bytes on a connection of their own and returns the statuses of its responses.

    It raises an AssertionError where the server answers 500, logs something, lets the connection hang, or serves nobody else.
    """
    logged = io.StringIO()
    libraries = logging.StreamHandler(logged)
    libraries.setLevel(logging.WARNING)
    logging.getLogger().addHandler(libraries)
    try:
        with Serving(site_of(2, replace(POLICY, case_limit=10))) as serving:

            def give(data: bytes) -> list[int]:
                statuses = _ask(serving.port, data)
                assert all(status < 500 or status == _TOO_MANY_REQUESTS for status in statuses), statuses
                assert _ask(serving.port, _GOOD) == [200]
                assert not logged.getvalue(), logged.getvalue()
                assert not serving.log.lines, serving.log.lines
                return statuses

            yield give
    finally:
        logging.getLogger().removeHandler(libraries)


def _ask(port: int, data: bytes) -> list[int]:
    received = bytearray()
    with socket.create_connection(("127.0.0.1", port), _PATIENCE) as sock:
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while more := sock.recv(65536):
                received += more
        except ConnectionError:
            pass  # it need not read to the end what it has refused already
    return [int(status) for status in _STATUS.findall(received)]
