"""Credentials of the default chain and of profiles, where botocore has to ask AWS for them, as with IRSA."""

import os
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from exporter.aws import credentials
from exporter.aws.credentials import SessionCredentials
from exporter.errors import ReadFailure
from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import Error, Throttled
from exporter.simulator.server import Simulator
from tests.support.fetch import free_port


@pytest.fixture(autouse=True)
def _web_identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_") or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    token = tmp_path / "token"
    token.write_text("a token of the cluster")
    settings = {
        "AWS_ROLE_ARN": "arn:aws:iam::999999999999:role/exporter",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
        "AWS_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def silent() -> Iterator[str]:
    """Return the address of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def failure() -> ReadFailure:
    with pytest.raises(ReadFailure) as told:
        SessionCredentials(time.monotonic).credentials(time.monotonic() + 60, "111111111111")
    return told.value


def test_an_sts_that_is_silent_holds_no_thread_for_long(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", silent)
    monkeypatch.setattr(credentials, "READ_TIMEOUT", 0.2)
    began = time.monotonic()
    assert failure().reason == "timeout"
    assert time.monotonic() - began < 10


def test_who_waits_for_another_account_gives_up_in_time(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", silent)
    monkeypatch.setattr(credentials, "READ_TIMEOUT", 1.5)
    source = SessionCredentials(time.monotonic)
    with ThreadPoolExecutor(8) as pool:
        began = time.monotonic()
        asked = [pool.submit(source.credentials, began + 1, str(number)) for number in range(8)]
        failures = [one.exception() for one in asked]
        assert time.monotonic() - began < 10
    assert [failure.reason for failure in failures if isinstance(failure, ReadFailure)] == ["timeout"] * 8
    assert sum("another account" in str(failure) for failure in failures) == 7


def test_an_sts_that_is_out_of_reach_needs_no_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{free_port()}")
    assert failure().reason == "unreachable"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Error(503, "ServiceUnavailable", "again"), "server_error"),
        (Throttled(), "throttled"),
        (Error(403, "AccessDenied", "no"), "credentials"),
        (Error(400, "ExpiredTokenException", "no"), "credentials"),
    ],
    ids=["503", "throttled", "denied", "expired"],
)
def test_what_sts_answers_tells_whether_a_person_is_needed(
    kind: Error | Throttled, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Simulator(Fleet.empty(time.time)) as simulator:
        simulator.faults.add(Fault(kind))
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", simulator.url)
        assert failure().reason == reason


def test_a_profile_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[profile laboratory]\nregion = us-east-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.delenv("AWS_WEB_IDENTITY_TOKEN_FILE")
    with pytest.raises(ReadFailure, match="no AWS credentials found in the profile laboratory"):
        SessionCredentials(time.monotonic, "laboratory").credentials(time.monotonic() + 60, "111111111111")
