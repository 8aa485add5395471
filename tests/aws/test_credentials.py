"""How credentials are got, how long anybody waits for them, and that they never cross accounts."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from exporter.aws.readers import ReaderOptions, Readers
from exporter.cases.access import Access, OwnCredentials, ProfileCredentials, RoleCredentials
from exporter.cases.model import Reason
from exporter.errors import ReadFailure
from exporter.simulator.account import Account
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.kinds import ConnectionReset, Error, Latency, Silence, Throttled
from exporter.simulator.server import Simulator
from tests.aws.conftest import OPTIONS, REGION, FakeClock, Sent, Wire, issued, reader_of, readers_of
from tests.support.fetch import free_port
from tests.support.tools import ROOT

ACCOUNT_ID = "111122223333"


async def failure_of(access: Access, timeout: float = 10, readers: Readers | None = None) -> ReadFailure:
    """Return how reading an account fails."""
    if readers is None:
        async with readers_of(FakeClock()) as made:
            return await failure_of(access, timeout, made)
    with pytest.raises(ReadFailure) as failure:
        await readers.reader(ACCOUNT_ID, access, (REGION,), OPTIONS).read(timeout)
    return failure.value


@pytest.mark.usefixtures("own_keys")
@pytest.mark.parametrize("external_id", [None, "a secret word"])
def test_a_role_is_assumed_as_configured(external_id: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    role = f"arn:aws:iam::{ACCOUNT_ID}:role/R+é"
    options = ReaderOptions("who-reads", 7200.0)

    def answer(sent: Sent) -> bytes:
        return b'{"cases": []}' if "x-amz-target" in sent.headers else issued()

    async def run() -> Sent:
        async with Wire(answer) as wire:
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{wire.port}")
            async with readers_of() as readers:
                await readers.reader(ACCOUNT_ID, RoleCredentials((role,), external_id), (REGION,), options).read(10)
            return wire.sent[0]

    expected = {
        "Action": ["AssumeRole"],
        "Version": ["2011-06-15"],
        "RoleArn": [role],
        "RoleSessionName": ["who-reads"],
        "DurationSeconds": ["7200"],
    }
    if external_id is not None:
        expected["ExternalId"] = [external_id]
    assert parse_qs(asyncio.run(run()).body.decode()) == expected


def test_a_role_is_assumed_once_and_again_five_minutes_before_its_credentials_expire(
    simulator: Simulator, account: Account
) -> None:
    clock = FakeClock()
    clock.now = time.time()

    async def run() -> list[int]:
        async with readers_of(clock) as readers:
            counts = []
            for seconds in (0, 1000, 2299 - 1000, 400, 1):
                clock.now += seconds
                await reader_of(account, readers).read(10)
                counts.append(simulator.log.counts()["AssumeRole"])
            return counts

    # Readers live as long as somebody holds them; the fleet holds them in a table.
    simulator.fleet.clock = lambda: clock.now - 1
    assert asyncio.run(run())[0] == 1
