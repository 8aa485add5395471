import socket

import pytest

from exporter.errors import StartupError
from exporter.web.server import Address, listen
from tests.support.serving import Serving
from tests.web.conftest import busy_site

NO_ADDRESSES = ("", "10047", "host", "host:", "host:http", "host:70000", "::1:80", "host:-1", "[]:0", "[host]:1", "a b:1")
NO_HOSTS = ("h\x00st:1", "h\udcffst:1", f"{'x' * 64}:1", "host:\u0661")


def test_an_address_is_read_as_prometheus_writes_it() -> None:
    for address in (("", 10047), ("127.0.0.1", 0), ("localhost", 9100), ("::1", 10047)):
        text = f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"
        assert Address.parse(text) == address
        assert str(Address.parse(text)) == text


@pytest.mark.parametrize("text", [*NO_ADDRESSES, *NO_HOSTS])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an address to listen on"):
        Address.parse(text)


def test_a_host_that_nobody_knows_is_told_plainly() -> None:
    with pytest.raises(StartupError, match=r"^cannot listen on nobody\.invalid:0: .*(not known|in name resolution|No address)"):
        listen(Address("nobody.invalid", 0))


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
