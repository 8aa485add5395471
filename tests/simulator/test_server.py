"""What goes over the wire, also where it is no answer, and the simulator as a process of its own."""

import json
import signal
import socket
import ssl
import subprocess
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from exporter.simulator import kinds
from exporter.simulator.account import Account
from exporter.simulator.faults import Fault
from exporter.simulator.server import Simulator
from tests.simulator.conftest import Serve
from tests.support.fetch import fetch

SILENT_AFTER = 0.3


def received(simulator: Simulator, timeout: float, body: bytes = b"{}", *, signed: bool = True) -> tuple[bytes, str]:
    """Return what DescribeCases brings, with a signature that is not right, and how it ends: `closed`, `reset` or `silent`."""
    scope = f"{simulator.fleet.base_key.access_key_id}/20260101/us-east-1/support/aws4_request"
    signature = f"Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'0' * 64}\r\n"
    target = "X-Amz-Target: AWSSupport_20130415.DescribeCases\r\n"
    head = f"POST / HTTP/1.1\r\nHost: aws\r\nContent-Length: {len(body)}\r\n{target + signature if signed else ''}\r\n"
    data, address = b"", urlsplit(simulator.url)
    client = socket.create_connection((address.hostname or "", address.port or 0), timeout)
    if address.scheme == "https":
        context = ssl.create_default_context(cafile=simulator.environment()["AWS_CA_BUNDLE"])
        client = context.wrap_socket(client, server_hostname=address.hostname, suppress_ragged_eofs=False)
    with client:
        client.sendall(head.encode() + body)
        try:
            while chunk := client.recv(65536):
                data += chunk
                client.settimeout(SILENT_AFTER)
        except (ConnectionResetError, ssl.SSLEOFError):
            return data, "reset"
        except TimeoutError:
            return data, "silent"
    return data, "closed"


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_answer_arrives_whole_in_part_or_not_at_all_and_is_logged(
    account: Account, serve: Serve, certificate: tuple[Path, Path], *, secure: bool
) -> None:
    account.add_case(body="x" * 1000)
    simulator = serve(verify_signatures=False, tls=certificate if secure else None)
    answers = (
        (kinds.Latency(0.0), 1, "silent", 200),
        (kinds.ConnectionReset(), 0, "reset", 0),
        (kinds.ConnectionClosed(), 0, "closed", 0),
        (kinds.Silence(), 0, "silent", 0),
        (kinds.Latency(60.0), 0, "silent", 0),
        (kinds.SilenceInBody(), 0.5, "silent", 200),
        (kinds.CutOffBody(), 0.5, "closed", 200),
        (kinds.ResetInBody(), 0.5, "reset", 200),
        (kinds.Drip(0.0), 1, "closed", 200),
    )
    for kind, share, ending, _status in answers:
        fault = simulator.faults.add(Fault(kind))
        data, seen = received(simulator, SILENT_AFTER if ending == "silent" and not share else 10.0)
        head, _, body = data.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ") is bool(share)
        claimed = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or b"0")
        assert (len(body), seen) == (int(claimed * share), ending)
        fault.remove()
    simulator.stop()
    assert Counter(record.status for record in simulator.log.records("DescribeCases")) == Counter(row[-1] for row in answers)


def test_unsigned_and_unreadable_requests_are_refused(serve: Serve) -> None:
    simulator = serve(verify_signatures=False)
    for body in (b"{", b"[" * 100_000, b'{"nextToken": 5}', b'{"caseIdList": [5]}', b'{"maxResults": "10"}'):
        assert b"SerializationException" in received(simulator, 10.0, body)[0]
    assert b"<Code>MissingAuthenticationToken</Code>" in received(simulator, 10.0, b"", signed=False)[0]


@pytest.mark.parametrize(
    ("arguments", "held"),
    [
        ("--accounts 3 --cases 2 --communications 1 --latency 0.01 --no-throttle", {"accounts": 3, "communications": 6}),
        ("--accounts 2 --pace 10 --events --doubled-events 1 --tls-cert-file {0} --tls-key-file {1}", {"accounts": 2}),
        ("--demo --pace 60 --seed 4 --no-signatures --port 0", {"accounts": 13}),
    ],
    ids=["uniform", "living, over TLS", "demo"],
)
def test_process_prints_its_url_and_ends_on_a_signal(
    arguments: str, held: dict[str, int], certificate: tuple[Path, Path]
) -> None:
    command = [sys.executable, "-m", "exporter.simulator", *arguments.format(*certificate).split()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url, *told = [line.strip() for line in iter(process.stdout.readline, "\n")]
            context = ssl.create_default_context(cafile=certificate[0]) if url.startswith("https") else None
            stats = fetch(f"{url}/_simulator/stats", tls=context)
            assert json.loads(stats.body).items() >= held.items()
            assert f"export AWS_ENDPOINT_URL={url}" in told
            assert any(line.startswith("# events.queue_url: https://sqs.") for line in told) == ("--events" in arguments)
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
