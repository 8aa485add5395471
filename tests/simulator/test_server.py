import json
import signal
import ssl
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import Drip, Silence
from exporter.simulator.server import Simulator
from tests.simulator.conftest import Serve, ask, connection
from tests.support.fetch import fetch


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_server_stops_soon_with_connections_in_every_state(
    fleet: Fleet, certificate: tuple[Path, Path], *, secure: bool
) -> None:
    with ExitStack() as stack:
        simulator = stack.enter_context(Simulator(fleet, tls=certificate if secure else None))
        simulator.faults.add(Fault(Drip(60.0)))
        simulator.faults.add(Fault(Silence(), times=1))
        clients = [stack.enter_context(connection(simulator)) for _ in range(4)]
        for client in clients[:2]:
            client.sendall(b"POST / HTTP/1.1\r\nHost: aws\r\nContent-Length: 0\r\n\r\n")
        clients[2].sendall(b"POST / HTTP/1.1\r\nContent-Len")
        assert clients[1].recv(1) == b"H"
        before = time.monotonic()
        simulator.stop()
        assert time.monotonic() - before < 2
    assert not any(thread.name == "aws-simulator" for thread in threading.enumerate())


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[" * 100_000, b'{"nextToken": 5}', b'{"caseIdList": [5]}', b'{"maxResults": "10"}'],
    ids=["unsigned", "cut off", "deep", "token", "ids", "size"],
)
def test_unsigned_and_unreadable_requests_are_refused(serve: Serve, body: bytes) -> None:
    with ask(serve(verify_signatures=False), body, signed=bool(body)) as client:
        assert (b"SerializationException" if body else b"<Code>MissingAuthenticationToken</Code>") in client.recv(4096)


@pytest.mark.parametrize(
    ("arguments", "held"),
    [
        (
            ["--accounts", "3", "--cases", "2", "--communications", "1", "--latency", "0.01", "--no-throttle"],
            {"accounts": 3, "cases": 6, "open_cases": 6, "communications": 6},
        ),
        (
            ["--accounts", "2", "--cases", "2", "--pace", "10", "--tls-cert-file", "CERTIFICATE", "--tls-key-file", "KEY"],
            {"accounts": 2},
        ),
        (["--demo", "--pace", "60", "--seed", "4", "--no-signatures", "--port", "0"], {"accounts": 13}),
    ],
    ids=["uniform", "living", "demo"],
)
def test_process_prints_its_url_and_ends_on_a_signal(
    arguments: list[str], held: dict[str, int], certificate: tuple[Path, Path]
) -> None:
    files = {"CERTIFICATE": str(certificate[0]), "KEY": str(certificate[1])}
    command = [sys.executable, "-m", "exporter.simulator", *(files.get(each, each) for each in arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            context = ssl.create_default_context(cafile=certificate[0]) if url.startswith("https") else None
            stats = fetch(f"{url}/_simulator/stats", tls=context)
            assert json.loads(stats.body).items() >= held.items()
            assert f"export AWS_ENDPOINT_URL={url}\n" in iter(process.stdout.readline, "\n")
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_process_sends_events_to_a_queue_that_it_names() -> None:
    arguments = [
        "--accounts",
        "20",
        "--cases",
        "20",
        "--pace",
        "100000",
        "--no-signatures",
        "--events",
        "--doubled-events",
        "1",
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "exporter.simulator", *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            url, *lines = iter(process.stdout.readline, "\n")
            told = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines if line.startswith("export "))
            (queue_url,) = [line.partition(": ")[2].strip() for line in lines if line.startswith("# events.queue_url: ")]
            sqs: Any = boto3.client(
                "sqs",
                region_name="us-east-1",
                endpoint_url=url.strip(),
                config=Config(proxies={}),
                aws_access_key_id=told["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=told["AWS_SECRET_ACCESS_KEY"],
            )
            received = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=2, WaitTimeSeconds=10)["Messages"]
            first, second = (json.loads(message["Body"]) for message in received)
            assert first == second
            assert (first["source"], first["detail-type"]) == ("aws.support", "Support Case Update")
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
