"""HTTP/2 over TLS: spoken where it may be, and peers that abuse it."""

import socket
import ssl
import time
from collections.abc import Iterator

import h2.config
import h2.connection
import h2.events
import pytest
from starlette.types import ASGIApp

from exporter.web.limits import Limits
from tests.support.certificates import Authority
from tests.support.fetch import fetch
from tests.support.serving import Serving
from tests.web.conftest import ReadWebConfig

TLS = "tls_server_config: {cert_file: server.crt, key_file: server.key}"
SHORT = Limits(head=0.5, handshake=0.5, stall=0.3, response=1.0, keep_alive=0.5, drain=0.1)
GIVE_UP = 5.0


class Client:
    """Speaks HTTP/2, frame by frame."""

    def __init__(self, port: int, authority: Authority) -> None:
        context = authority.client_context()
        context.set_alpn_protocols(["h2", "http/1.1"])
        plain = socket.create_connection(("127.0.0.1", port), timeout=GIVE_UP)
        self.sock: ssl.SSLSocket = context.wrap_socket(plain, server_hostname="127.0.0.1")
        self.protocol = self.sock.selected_alpn_protocol()
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))

    def begin(self, **settings: int) -> None:
        self.h2.initiate_connection()
        if settings:
            self.h2.update_settings({h2.settings.SettingCodes[name]: value for name, value in settings.items()})
        self.flush()

    def ask(self, path: str, method: str = "GET") -> int:
        stream: int = self.h2.get_next_available_stream_id()
        headers = [(":method", method), (":path", path), (":scheme", "https"), (":authority", "a")]
        self.h2.send_headers(stream, headers, end_stream=True)
        return stream

    def flush(self) -> None:
        self.sock.sendall(self.h2.data_to_send())

    def events(self) -> Iterator[h2.events.Event]:
        """Yield what the server sends, until it ends the connection."""
        while True:
            try:
                data = self.sock.recv(65536)
            except (ConnectionError, ssl.SSLError):
                return
            except TimeoutError:
                raise AssertionError("the server does not end the connection") from None
            if not data:
                return
            for event in self.h2.receive_data(data):
                if isinstance(event, h2.events.DataReceived):
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                yield event
            self.flush()


def status(event: h2.events.ResponseReceived) -> str:
    """Return the status of a response."""
    return next(str(value) for name, value in event.headers or () if str(name) == ":status")


@pytest.fixture
def serving(large_site: ASGIApp, web_config: ReadWebConfig) -> Iterator[Serving]:
    with Serving(large_site, SHORT, web_config(TLS)) as running:
        yield running


@pytest.fixture
def client(serving: Serving, authority: Authority) -> Iterator[Client]:
    connected = Client(serving.port, authority)
    with connected.sock:
        yield connected


def test_a_large_page_comes_over_http2(client: Client) -> None:
    client.begin()
    client.ask("/metrics")
    client.flush()
    received = 0
    for event in client.events():
        if isinstance(event, h2.events.ResponseReceived):
            assert status(event) == "200"
        if isinstance(event, h2.events.DataReceived):
            received += len(event.data or b"")
        if isinstance(event, h2.events.StreamEnded):
            break
    assert received > 1_000_000


def test_http2_is_not_offered_where_it_is_turned_off(
    large_site: ASGIApp, web_config: ReadWebConfig, authority: Authority
) -> None:
    with Serving(large_site, SHORT, web_config(f"{TLS}\nhttp_server_config: {{http2: false}}")) as serving:
        client = Client(serving.port, authority)
        with client.sock:
            assert client.protocol == "http/1.1"


def test_a_peer_that_asks_nothing_is_dropped(client: Client) -> None:
    client.begin()
    began = time.monotonic()
    assert [event for event in client.events() if isinstance(event, h2.events.ResponseReceived)] == []
    assert time.monotonic() - began < GIVE_UP


def test_a_closed_window_is_not_waited_for(client: Client) -> None:
    client.begin(INITIAL_WINDOW_SIZE=0)
    client.ask("/metrics")
    client.flush()
    began = time.monotonic()
    assert [event for event in client.events() if isinstance(event, h2.events.DataReceived)] == []
    assert time.monotonic() - began < GIVE_UP


@pytest.mark.timeout(120)
def test_a_flood_of_resets_ends_the_connection_and_harms_nobody(client: Client, serving: Serving, authority: Authority) -> None:
    client.begin()
    began = time.monotonic()
    with pytest.raises(OSError):  # noqa: PT011, PT012 - reset or broken pipe, as it comes
        while time.monotonic() - began < 10 * GIVE_UP:
            for _ in range(50):
                client.h2.reset_stream(client.ask("/-/healthy"))
            client.flush()
    assert fetch(f"https://127.0.0.1:{serving.port}/-/healthy", tls=authority.client_context()).status == 200


@pytest.mark.parametrize("path", ["/%ff", "/ä", "nothing", "/" + "a" * 20_000])
def test_odd_paths_are_answered_or_refused(client: Client, serving: Serving, authority: Authority, path: str) -> None:
    client.begin()
    client.ask(path)
    client.flush()
    for event in client.events():
        if isinstance(event, h2.events.ResponseReceived):
            assert status(event) == "404"
            break
        if isinstance(event, h2.events.StreamReset):
            break
    assert fetch(f"https://127.0.0.1:{serving.port}/-/healthy", tls=authority.client_context()).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        [(":method", "CONNECT"), (":authority", "a:80")],
        [(":method", "connect"), (":scheme", "https"), (":authority", "a:80"), (":path", "/metrics")],
        [(":method", "head"), (":scheme", "https"), (":authority", "a:80"), (":path", "/metrics")],
        [(":method", "GÉT"), (":scheme", "https"), (":authority", "a:80"), (":path", "/metrics")],
    ],
    ids=["tunnel", "small tunnel", "small head", "not ASCII"],
)
def test_tunnels_and_methods_that_are_none_are_refused(client: Client, headers: list[tuple[str, str]]) -> None:
    client.begin()
    stream = client.h2.get_next_available_stream_id()
    client.h2.send_headers(stream, headers)
    client.flush()
    kinds = [type(event) for event in client.events()]
    assert h2.events.ConnectionTerminated in kinds
    assert h2.events.ResponseReceived not in kinds


@pytest.mark.parametrize(("size", "is_answered"), [(31 * 1024, True), (33 * 1024, False)])
def test_a_head_has_32_kib(client: Client, size: int, is_answered: bool) -> None:  # noqa: FBT001 - expected
    client.begin()
    stream = client.h2.get_next_available_stream_id()
    headers = [(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/-/healthy"), ("x", "a" * size)]
    client.h2.send_headers(stream, headers, end_stream=True)
    client.flush()
    kinds = set()
    for event in client.events():
        kinds.add(type(event))
        if isinstance(event, h2.events.StreamEnded):
            break
    assert (h2.events.ResponseReceived in kinds) == is_answered


def test_a_peer_that_takes_its_request_back_and_is_silent_then_is_dropped(client: Client) -> None:
    client.begin()
    client.h2.reset_stream(client.ask("/metrics"))
    client.flush()
    began = time.monotonic()
    assert [event for event in client.events() if isinstance(event, h2.events.DataReceived)] == []
    assert time.monotonic() - began < GIVE_UP
