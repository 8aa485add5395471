import socket

import pytest

from exporter.errors import StartupError
from exporter.web.server import listen
from tests.support.serving import Serving
from tests.web.conftest import busy_site


def test_a_host_that_nobody_knows_is_told_plainly() -> None:
    with pytest.raises(StartupError, match=r"^cannot listen on nobody\.invalid:0: .*(not known|in name resolution|No address)"):
        listen("nobody.invalid:0")


def test_it_answers_what_is_in_flight_when_it_is_told_to_stop() -> None:
    app, begun, release = busy_site()
    with (
        Serving(app) as serving,
        socket.create_connection(("127.0.0.1", serving.port), 5) as sock,
        socket.create_connection(("127.0.0.1", serving.port), 5) as idle,
    ):
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        assert begun.acquire(timeout=5)
        serving.stop()
        assert idle.recv(1) == b"", "it ends connections without a request"
        release()
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
    assert answer.endswith(b"\r\n\r\ndone")
    assert b"Connection: close" in answer
