"""Over every kind of connection: nobody has the turn while AWS is waited for, and its answer waits for the turn."""

import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from botocore.credentials import Credentials

from exporter.aws.api import Api
from exporter.aws.endpoints import Endpoint, Endpoints
from exporter.aws.timing import SystemTiming
from exporter.aws.turns import Turns
from exporter.metrics.instruments import Instruments
from tests.support.certificates import Authority

PATIENCE = 10.0
MOMENT = 0.2
BODY_ASKED = b'{"maxResults": 100}'
HEAD, BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n", b'{"cases": []}'


class Aws:
    """Takes one connection, and answers one request in three parts, each when it is told to.

    Args:
        tls: How it speaks TLS, if it does.
        tunnel: Whether it is a proxy, too, that is asked for a tunnel first.
    """

    def __init__(self, tls: ssl.SSLContext | None, *, tunnel: bool) -> None:
        self._tls = tls
        self._tunnel = tunnel
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self.port = self._listener.getsockname()[1]
        self.asked = threading.Event()
        self.head, self.body = threading.Event(), threading.Event()

    def __enter__(self) -> Self:
        self._listener.settimeout(PATIENCE)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        peer, _ = self._listener.accept()
        with peer:
            peer.settimeout(PATIENCE)
            if self._tunnel:
                assert peer.recv(65536).startswith(b"CONNECT ")
                peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with peer if self._tls is None else self._tls.wrap_socket(peer, server_side=True) as spoken:
                asked = b""
                while not asked.endswith(BODY_ASKED):  # what is left unread would destroy the answer
                    asked += spoken.recv(65536)
                self.asked.set()
                for part, told in ((HEAD, self.head), (BODY, self.body)):
                    assert told.wait(PATIENCE)
                    spoken.sendall(part)


def aws_by(way: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Aws, str]:
    """Return an AWS, and its URL."""
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    if way == "plain":
        aws = Aws(None, tunnel=False)
        return aws, f"http://127.0.0.1:{aws.port}"
    authority = Authority()
    (folder / "ca.crt").write_text(authority.certificate)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(folder / "ca.crt"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.sign("127.0.0.1", "support.example.org").write(folder, "server"))
    aws = Aws(context, tunnel=way == "through a proxy")
    if way == "TLS":
        return aws, f"https://127.0.0.1:{aws.port}"
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{aws.port}")
    return aws, "https://support.example.org"


@pytest.mark.parametrize("way", ["plain", "TLS", "through a proxy"])
def test_an_answer_waits_for_the_turn_and_the_turn_for_no_answer(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws, url = aws_by(way, tmp_path, monkeypatch)
    api = Api(Endpoints().session, Instruments({}), SystemTiming(), connections=1)
    client = api.support(Endpoint("us-east-1", url))
    turns: Turns = api._turns
    with aws, ThreadPoolExecutor(1) as threads:
        answer = threads.submit(
            api.request,
            client,
            "DescribeCases",
            {"maxResults": 100},
            credentials=Credentials("AKIDEXAMPLE", "secret"),
            subject="111122223333",
            deadline=SystemTiming().monotonic() + PATIENCE,
        )
        assert aws.asked.wait(PATIENCE)
        with turns:
            aws.head.set()
        with turns:
            aws.body.set()
            with pytest.raises(TimeoutError):
                answer.result(MOMENT)
        assert answer.result(PATIENCE)["cases"] == []


def test_a_turn_is_given_up_by_who_has_it_only() -> None:
    turns = Turns()
    with turns.given_up(), turns:
        with turns.given_up(), turns, turns.given_up():
            pass
        with ThreadPoolExecutor(1) as threads:
            had = threads.submit(turns.__enter__)
            with pytest.raises(TimeoutError):
                had.result(MOMENT)
            with turns.given_up():
                had.result(PATIENCE)
                threads.submit(turns.__exit__).result(PATIENCE)


def test_a_turn_is_had_again_after_an_error() -> None:
    turns = Turns()
    with turns:
        with pytest.raises(OSError, match="broken"), turns.given_up():
            raise OSError("broken")
        with turns.given_up(), turns:
            pass
