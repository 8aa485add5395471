import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from exporter.simulator.__main__ import main
from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import Drip, Silence
from exporter.simulator.server import Simulator
from tests.simulator.conftest import Serve


def connection(simulator: Simulator) -> socket.socket:
    address = urlsplit(simulator.url)
    return socket.create_connection((address.hostname or "", address.port or 0), timeout=10)


def stats(url: str, context: ssl.SSLContext) -> dict[str, Any]:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    with direct.open(url + "/_simulator/stats", timeout=10) as response:
        answer: dict[str, Any] = json.load(response)
    return answer


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_server_stops_soon_with_connections_in_every_state(
    fleet: Fleet, certificate: tuple[Path, Path], *, secure: bool
) -> None:
    context = ssl.create_default_context(cafile=certificate[0])
    with ExitStack() as stack:
        simulator = stack.enter_context(Simulator(fleet, tls=certificate if secure else None))
        simulator.faults.add(Fault(Drip(60.0)))
        simulator.faults.add(Fault(Silence(), times=1))
        clients = [stack.enter_context(connection(simulator)) for _ in range(4)]
        if secure:
            clients = [stack.enter_context(context.wrap_socket(each, server_hostname="127.0.0.1")) for each in clients]
        for client in clients[:2]:
            client.sendall(b"POST / HTTP/1.1\r\nHost: aws\r\nContent-Length: 0\r\n\r\n")
        clients[2].sendall(b"POST / HTTP/1.1\r\nContent-Len")
        assert clients[1].recv(1) == b"H"
        before = time.monotonic()
        simulator.stop()
        assert time.monotonic() - before < 2
    assert not any(thread.name == "aws-simulator" for thread in threading.enumerate())


def test_server_serves_hundreds_of_connections(simulator: Simulator) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(connection(simulator)) for _ in range(400)]
        for _ in range(2):
            for client in clients:
                client.sendall(b"GET /_simulator/stats HTTP/1.1\r\nHost: aws\r\n\r\n")
            assert all(client.recv(4096).startswith(b"HTTP/1.1 200 OK") for client in clients)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", b"MissingAuthenticationToken"),
        (b"{", b"SerializationException"),
        (b"[]", b"SerializationException"),
        (b"[" * 100_000, b"SerializationException"),
        (b'{"nextToken": 5}', b"SerializationException"),
        (b'{"caseIdList": [5]}', b"SerializationException"),
        (b'{"maxResults": "10"}', b"SerializationException"),
    ],
    ids=["unsigned", "cut off", "list", "deep", "token", "ids", "size"],
)
def test_unsigned_and_unreadable_requests_are_refused(fleet: Fleet, serve: Serve, body: bytes, code: bytes) -> None:
    scope = f"{fleet.base_key.access_key_id}/20260101/us-east-1/support/aws4_request"
    signed = (
        "X-Amz-Target: AWSSupport_20130415.DescribeCases\r\n"
        f"Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'0' * 64}\r\n"
    )
    head = f"POST / HTTP/1.1\r\nHost: aws\r\n{signed if body else ''}Content-Length: {len(body)}\r\n\r\n"
    with connection(serve(verify_signatures=False)) as client:
        client.sendall(head.encode() + body)
        assert code in client.recv(4096)


@pytest.mark.parametrize(
    ("arguments", "accounts"),
    [
        (["--accounts", "3", "--cases", "2", "--communications", "1", "--latency", "0.01", "--no-throttle"], 3),
        (["--accounts", "2", "--cases", "2", "--pace", "10", "--tls-cert-file", "CERTIFICATE", "--tls-key-file", "KEY"], 2),
        (["--demo", "--pace", "60", "--seed", "4", "--no-signatures", "--port", "0"], 13),
    ],
    ids=["uniform", "living", "demo"],
)
def test_process_prints_its_url_and_ends_on_a_signal(
    arguments: list[str], accounts: int, certificate: tuple[Path, Path]
) -> None:
    files = {"CERTIFICATE": str(certificate[0]), "KEY": str(certificate[1])}
    command = [sys.executable, "-m", "exporter.simulator", *(files.get(each, each) for each in arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            assert stats(url, ssl.create_default_context(cafile=certificate[0]))["accounts"] == accounts
            assert f"export AWS_ENDPOINT_URL={url}\n" in iter(process.stdout.readline, "\n")
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--uniform", "--pace", "2"], "--uniform has no --pace"),
        (["--tls-key-file", "key.pem"], "--tls-cert-file and --tls-key-file go together"),
    ],
)
def test_flags_that_do_not_fit_are_a_mistake(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert complaint in capsys.readouterr().err
