import json
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from mypy_boto3_support import SupportClient

from exporter.simulator import Drip, Fault, Fleet, Silence, Simulator

Serve = Callable[..., Simulator]
Support = Callable[..., SupportClient]


def connection(simulator: Simulator) -> socket.socket:
    address = urlsplit(simulator.url)
    return socket.create_connection((address.hostname or "", address.port or 0), timeout=2)


def stats(url: str) -> dict[str, Any]:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(url + "/_simulator/stats", timeout=5) as response:
        answer: dict[str, Any] = json.load(response)
    return answer


def test_environment_is_all_that_a_client_needs(fleet: Fleet, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    account = fleet.add_account()
    monkeypatch.setenv("AWS_SESSION_TOKEN", "left over")
    for name, value in serve(fleet).environment().items():
        monkeypatch.setenv(name, value)
    client = boto3.session.Session().client("sts", config=Config(retries={"total_max_attempts": 1}))
    assert client.get_caller_identity()["Account"] == account.account_id
    client.close()


def test_server_stops_soon_with_connections_in_every_state(fleet: Fleet) -> None:
    fleet.add_account()
    with ExitStack() as stack:
        simulator = stack.enter_context(Simulator(fleet))
        simulator.faults.add(Fault(Drip(60.0)))
        simulator.faults.add(Fault(Silence(), times=1))
        clients = [stack.enter_context(connection(simulator)) for _ in range(4)]
        for client in clients[:2]:
            client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        clients[2].sendall(b"POST / HTTP/1.1\r\nContent-Len")
        before = time.monotonic()
        simulator.stop()
        assert time.monotonic() - before < 2
        simulator.stop()
    assert not any(thread.name == "aws-simulator" for thread in threading.enumerate())


def test_server_serves_hundreds_of_connections(fleet: Fleet, serve: Serve) -> None:
    fleet.add_account()
    simulator = serve(fleet)
    request = b"GET /_simulator/stats HTTP/1.1\r\n\r\n"
    with ExitStack() as stack:
        clients = [stack.enter_context(connection(simulator)) for _ in range(400)]
        for _ in range(2):
            for client in clients:
                client.sendall(request)
            assert all(client.recv(4096).startswith(b"HTTP/1.1 200 OK") for client in clients)


def test_requests_on_one_connection_are_answered_in_turn(fleet: Fleet, serve: Serve) -> None:
    fleet.add_account()
    with connection(serve(fleet)) as client:
        client.sendall(
            b"GET /_simulator/stats HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        )
        data = b"".join(iter(lambda: client.recv(4096), b""))
    assert data.count(b"HTTP/1.1 200 OK") == 1
    assert data.count(b"HTTP/1.1 403 Forbidden") == 1
    assert b"MissingAuthenticationToken" in data


@pytest.mark.parametrize(
    "data", [b"nonsense\r\n\r\n", b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"], ids=["nonsense", "chunked"]
)
def test_what_is_not_a_request_ends_the_connection(fleet: Fleet, serve: Serve, data: bytes) -> None:
    with connection(serve(fleet)) as client:
        client.sendall(data)
        assert client.recv(10) == b""


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"[" * 100_000, b'{"nextToken": 5}', b'{"caseIdList": [5]}', b'{"maxResults": "10"}'],
    ids=["cut off", "list", "deep", "token", "ids", "size"],
)
def test_unreadable_parameters_are_refused(fleet: Fleet, serve: Serve, body: bytes) -> None:
    fleet.add_account()
    simulator = serve(fleet, verify_signatures=False)
    scope = f"{fleet.base_key.access_key_id}/20260101/us-east-1/support/aws4_request"
    head = (
        "POST / HTTP/1.1\r\nX-Amz-Target: AWSSupport_20130415.DescribeCases\r\n"
        f"Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'0' * 64}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with connection(simulator) as client:
        client.sendall(head.encode() + body)
        assert b"SerializationException" in client.recv(4096)


def test_port_that_is_taken_is_an_error(fleet: Fleet, serve: Serve) -> None:
    port = urlsplit(serve(fleet).url).port
    with pytest.raises(OSError, match="in use"):
        serve(fleet, port=port)


def test_start_that_failed_can_be_tried_again(fleet: Fleet, serve: Serve) -> None:
    fleet.add_account()
    taken = serve(fleet)
    second = Simulator(fleet, port=urlsplit(taken.url).port or 0)
    with pytest.raises(OSError, match="in use"):
        second.start()
    taken.stop()
    with second:
        assert stats(second.url)["accounts"] == 1


def test_fleet_can_change_while_it_is_served(fleet: Fleet, serve: Serve, support: Support) -> None:
    account = fleet.add_account()
    client = support(serve(fleet))
    written = threading.Event()

    def write() -> None:
        for _ in range(100):
            case = account.add_case(body="x")
            case.add_communication()
        written.set()

    thread = threading.Thread(target=write)
    thread.start()
    while not written.is_set():
        client.describe_cases(maxResults=100)
    thread.join()
    assert len(client.describe_cases(maxResults=100)["cases"]) == fleet.counts().open_cases == 100
    assert fleet.counts().communications == 200


def test_stats_tell_what_was_asked_and_what_is_there(fleet: Fleet, serve: Serve, support: Support) -> None:
    account = fleet.add_account()
    account.add_case(status="resolved")
    account.add_case(body="x")
    simulator = serve(fleet)
    support(simulator).describe_cases()
    assert stats(simulator.url) == {
        "requests": {"DescribeCases": 1},
        "accounts": 1,
        "cases": 2,
        "open_cases": 1,
        "communications": 1,
    }


@pytest.mark.parametrize(
    ("arguments", "accounts"),
    [
        (["--accounts", "3", "--cases", "2", "--communications", "1", "--latency", "0.01"], 3),
        (["--accounts", "2", "--cases", "2", "--pace", "10"], 2),
        (["--uniform", "--accounts", "4", "--cases", "1", "--port", "0"], 4),
        (["--demo", "--pace", "60", "--seed", "4"], 13),
    ],
    ids=["default", "living", "uniform", "demo"],
)
def test_process_prints_its_url_and_ends_on_a_signal(arguments: list[str], accounts: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "exporter.simulator", *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            assert stats(process.stdout.readline().strip())["accounts"] == accounts
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_uniform_fleet_with_a_pace_is_a_mistake() -> None:
    command = [sys.executable, "-m", "exporter.simulator", "--uniform", "--pace", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "--uniform has no --pace" in done.stderr
