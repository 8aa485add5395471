"""Peers that want to hold what others need, by raw sockets; of all deadlines only the tested one is short."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from exporter.web.guard import Limits
from tests.support.certificates import Authority
from tests.support.serving import Serving
from tests.support.site import site_of
from tests.web.conftest import GOOD, LARGE, SCRAPE, TLS, Crowd, ServeWith, until_end

LONG = 60.0
GIVE_UP = 5.0
LAST = b"Host: a\r\nConnection: close\r\n\r\n"
UPGRADE = b"GET /-/healthy HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
WEBSOCKET = b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
PLAIN = "http_server_config: {}"

Connect = Callable[..., socket.socket]


def only(**seconds: float) -> Limits:
    """Return limits of which all but the given ones are longer than a test waits."""
    deadlines = dict.fromkeys(("head", "handshake", "stall", "response", "keep_alive"), LONG)
    return Limits(**(deadlines | {"drain": 0.1} | seconds))  # type: ignore[arg-type]  # all are seconds


@pytest.fixture(params=["plain", "tls"])
def connect(request: pytest.FixtureRequest, crowd: Crowd, serve_with: ServeWith, authority: Authority) -> Iterator[Connect]:
    """Start a server, and connect to it, in plain text or through a TLS handshake."""
    tls = authority.client_context() if request.param == "tls" else None
    with ExitStack() as stack:

        def connected(**seconds: float) -> socket.socket:
            serving = stack.enter_context(serve_with(TLS if tls else PLAIN, only(**seconds)))
            return crowd(serving.port, 1, b"", tls)[0]

        yield connected


@pytest.fixture(scope="module")
def patient() -> Iterator[Serving]:
    with Serving(site_of(2), only()) as serving:
        yield serving


@pytest.fixture
def sock(crowd: Crowd, patient: Serving) -> socket.socket:
    return crowd(patient.port, 1, b"")[0]


def is_dropped(sock: socket.socket, sent: bytes, reads: int = 0) -> bool:
    """Send something, and read, now and then, until the server ends the connection."""
    end = time.monotonic() + GIVE_UP
    while time.monotonic() < end:
        # A reset shows as an error of the socket, without reading what may still lie in its buffer.
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            return True
        try:
            sock.send(sent)
            if reads:
                sock.recv(reads)
        except TimeoutError:
            return False
        except OSError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(
    ("limit", "sent", "later"),
    [
        ("head", b"", b""),
        ("head", b"GET /metrics HTTP/1.1\r\nHost:", b""),
        ("head", GOOD + b"GET /met", b""),
        ("head", GOOD, b"GET /met"),
        ("keep_alive", GOOD, b""),
    ],
    ids=["silent", "half a request", "half a second request", "half a second request later", "nothing more"],
)
def test_a_peer_that_sends_too_little_is_dropped(connect: Connect, limit: str, sent: bytes, later: bytes) -> None:
    sock = connect(**{limit: 0.3})
    sock.sendall(sent)
    answer = b""
    while sent.startswith(GOOD) and not answer.endswith(b"Healthy.\n"):
        answer += sock.recv(4096)
    sock.sendall(later)
    assert until_end(sock) == b""


@pytest.mark.parametrize(
    ("limit", "sent", "then", "reads"),
    [
        ("head", b"", b"G", 0),
        ("stall", SCRAPE * 100, b"\r\n", 0),
        ("response", SCRAPE, b"\r\n", 1024),
    ],
    ids=["request drips", "pipelines and reads nothing", "reads in drips"],
)
def test_a_peer_that_goes_on_too_slowly_is_dropped(connect: Connect, limit: str, sent: bytes, then: bytes, reads: int) -> None:
    sock = connect(**{limit: 0.3})
    sock.sendall(sent)
    assert is_dropped(sock, then, reads)


@pytest.mark.parametrize("framing", [b"Content-Length: 1000000000", b"Transfer-Encoding: chunked"])
def test_a_body_that_nobody_asked_for_is_not_waited_for(sock: socket.socket, framing: bytes) -> None:
    sock.sendall(b"POST /metrics HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n\r\n")
    answer = sock.recv(4096)
    assert answer.startswith(b"HTTP/1.1 405 ")
    assert b"Connection: close" in answer
    assert is_dropped(sock, b"x" * 4096)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET /-/healthy HTTP/9.9\r\nHost: a\r\n\r\n", 400),
        (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431),
        (b"GET /%ff%00%2e%2e/ HTTP/1.1\r\n" + LAST, 404),
        (b"GET HTTPS://user@[::1]:80/-/healthy?x=1 HTTP/1.1\r\n" + LAST, 200),
        (b"GET ftp://a/metrics HTTP/1.1\r\n" + LAST, 404),
        (b"head /metrics HTTP/1.1\r\n" + LAST, 400),
        (b"GET /-/healthy HTTP/1.0\r\n\r\n", 200),
        (b"\r\nGET /-/healthy HTTP/1.1\r\n" + LAST, 200),
        (b"GET /nowhere HTTP/1.1\r\nexpect: 100-continue\r\n" + LAST, 404),
        (UPGRADE + b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", 200),
        (UPGRADE + WEBSOCKET, 200),
    ],
)
def test_an_odd_request_gets_a_plain_answer(sock: socket.socket, request_bytes: bytes, status: int) -> None:
    sock.sendall(request_bytes)
    assert sock.recv(65536).partition(b" ")[2].startswith(b"%d " % status)


@pytest.mark.parametrize("pieces", [1, 8])
@pytest.mark.parametrize(("size", "status"), [(32 * 1024, 200), (32 * 1024 + 1, 431), (60 * 1024, 431)])
def test_a_head_has_32_kib_however_it_comes(sock: socket.socket, size: int, status: int, pieces: int) -> None:
    begin = b"GET /-/healthy HTTP/1.1\r\nHost: a\r\nX: "
    head = begin + b"a" * (size - len(begin) - 4) + b"\r\n\r\n"
    for at in range(pieces):
        sock.sendall(head[at * size // pieces : (at + 1) * size // pieces])
    assert sock.recv(65536).startswith(b"HTTP/1.1 %d " % status)


def test_a_request_with_two_lengths_is_answered_once_at_most_and_nothing_behind_it(sock: socket.socket) -> None:
    both = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    sock.sendall(both + b"GET /config HTTP/1.1\r\nHost: x\r\n\r\n")
    assert until_end(sock).count(b"HTTP/1.") == 1


def test_requests_that_are_sent_ahead_are_answered_in_order(sock: socket.socket) -> None:
    sock.sendall(GOOD * 3 + UPGRADE + WEBSOCKET + b"GET /-/ready HTTP/1.1\r\n" + LAST)
    answers = until_end(sock)
    assert answers.count(b"HTTP/1.1 200 ") == 5
    assert answers.endswith(b"Ready.\n")


def test_an_unfinished_handshake_is_dropped(crowd: Crowd, serve_with: ServeWith) -> None:
    with serve_with(TLS, only(handshake=0.3)) as serving:
        assert until_end(crowd(serving.port, 1, b"\x16\x03\x01\x02\x00\x01")[0]) == b""


def test_a_peer_that_says_it_is_done_gets_its_whole_answer(crowd: Crowd) -> None:
    with Serving(site_of(LARGE)) as serving:
        for version in (b"1.0", b"1.1"):
            (sock,) = crowd(serving.port, 1, b"GET /metrics HTTP/" + version + b"\r\nHost: a\r\n\r\n")
            sock.shutdown(socket.SHUT_WR)
            head, _, body = until_end(sock).partition(b"\r\n\r\n")
            assert b"content-length: %d" % len(body) in head.lower()
