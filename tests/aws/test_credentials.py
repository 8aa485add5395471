"""How credentials are got, and how long anybody waits for them."""

import asyncio
import os
import socket
import threading
import time
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from exporter.aws.readers import ReaderOptions, Readers
from exporter.cases.model import Access, Reason
from exporter.errors import ReadFailure
from exporter.simulator.account import Account
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.kinds import Error, Latency, Silence, Throttled
from exporter.simulator.server import Simulator
from tests.aws.conftest import ACCOUNT_ID, MANAGEMENT, ROLE, Sent, SetEnv, Wire, answer, failure_of, read, reader_of, readers_of
from tests.support.clock import FakeClock
from tests.support.fetch import free_port


@pytest.mark.usefixtures("own_keys")
async def test_roles_are_assumed_as_configured_and_the_last_with_the_external_id(env: SetEnv) -> None:
    chain = f"arn:aws:iam::{ACCOUNT_ID}:role/Hub+é", ROLE
    async with Wire(answer) as wire, readers_of() as readers:
        env("AWS_ENDPOINT_URL", wire.url)
        await reader_of(readers, Access(chain, "a secret word"), options=ReaderOptions("who-reads", 7200.0)).read(10)
    same = {"Action": ["AssumeRole"], "Version": ["2011-06-15"], "RoleSessionName": ["who-reads"], "DurationSeconds": ["7200"]}
    assert [parse_qs(sent.body.decode()) for sent in wire.sent[:2]] == [
        {**same, "RoleArn": [chain[0]]},
        {**same, "RoleArn": [ROLE], "ExternalId": ["a secret word"]},
    ]


@pytest.mark.usefixtures("own_keys")
async def test_credentials_that_live_for_minutes_are_renewed_at_half_their_life(env: SetEnv) -> None:
    clock, counts = FakeClock(), list[int]()
    async with Wire(partial(answer, expiration="2026-07-25T17:24:00Z")) as wire, readers_of(clock) as readers:
        env("AWS_ENDPOINT_URL", wire.url)
        reader = reader_of(readers, Access((ROLE,)))
        for seconds in (0, 119, 2):
            clock.advance(seconds)
            await reader.read(10)
            counts.append(sum("x-amz-target" not in sent.headers for sent in wire.sent))
    assert counts == [1, 1, 2]


@pytest.mark.parametrize(
    ("kind", "regions"),
    [
        (Error(503, "ServiceUnavailable"), ["us-east-1", "us-west-2"] * 3),
        (Error(403, "RegionDisabledException"), ["us-east-1", "us-west-2"]),
        (Throttled(), ["us-east-1"] * 4),
    ],
    ids=["in three rounds", "where it is not active, once", "where it throttles, four times"],
)
async def test_sts_is_asked_in_every_region(kind: Kind, regions: list[str], simulator: Simulator, account: Account) -> None:
    fault = simulator.faults.add(Fault(kind, operation="AssumeRole"))
    await failure_of(account, regions=("us-east-1", "us-west-2"))
    assert [record.region for record in simulator.log.records("AssumeRole")] == regions
    fault.remove()
    simulator.faults.add(Fault(kind, operation="AssumeRole", region="us-east-1", times=3))
    assert len((await read(account, regions=("us-east-1", "us-west-2"))).cases) == 1


_TEN = [f"{number:012}" for number in range(1, 11)]


@pytest.fixture
def hub(simulator: Simulator) -> str:
    """Return a role of the management account that every account is reached through."""
    for account_id in _TEN:
        simulator.fleet.add_account(account_id=account_id).add_case()
    simulator.fleet.management_account.add_role("Hub")
    return simulator.fleet.management_account.role_arn("Hub")


def through(hub: str, simulator: Simulator, readers: Readers, seconds: float = 10) -> list[asyncio.Task[object]]:
    """Begin to read ten accounts through a role."""
    chains = [(account_id, (hub, simulator.fleet.account(account_id).role_arn())) for account_id in _TEN]
    made = [reader_of(readers, Access(chain), account_id) for account_id, chain in chains]
    return [asyncio.create_task(reader.read(seconds)) for reader in made]


async def test_a_role_of_many_chains_is_assumed_once_and_not_given_up_with_the_first(simulator: Simulator, hub: str) -> None:
    slow = simulator.faults.add(Fault(Latency(0.3), operation="AssumeRole", times=1))
    async with readers_of() as readers:
        first, *others = through(hub, simulator, readers)
        while not slow.hits:  # noqa: ASYNC110 - it is hit in another thread
            await asyncio.sleep(0.01)
        first.cancel()
        await asyncio.gather(*others)
    assert simulator.log.counts() == {"AssumeRole": 1 + 9, "DescribeCases": 9}


async def test_nobody_waits_longer_for_a_shared_role_than_for_anything(simulator: Simulator, hub: str) -> None:
    silent = simulator.faults.add(Fault(Silence(), operation="AssumeRole"))
    async with readers_of() as readers:
        await reader_of(readers, Access(), MANAGEMENT).read(10)  # so that only the role is waited for
        began = time.monotonic()
        failures = await asyncio.gather(*through(hub, simulator, readers, 1.0), return_exceptions=True)
    assert time.monotonic() - began < 5
    host = simulator.url.removeprefix("http://")
    assert {str(failure) for failure in failures} == {f"timeout: AssumeRole: no answer from {host} within 1 s"}
    assert silent.hits == 1


async def test_own_credentials_are_used_for_their_account_only(simulator: Simulator) -> None:
    async with readers_of() as readers:
        reader = reader_of(readers, Access(), MANAGEMENT)
        for _ in range(2):
            await reader.read(10)
        assert simulator.log.counts() == {"GetCallerIdentity": 1, "DescribeCases": 2}
        with pytest.raises(ReadFailure, match=f"belong to account {MANAGEMENT}, not to {ACCOUNT_ID}$"):
            await reader_of(readers, Access()).read(10)
    assert simulator.log.counts()["DescribeCases"] == 2


async def test_a_profile_of_another_account_is_looked_for_again(simulator: Simulator, env: SetEnv) -> None:
    def write(account_id: str) -> None:
        key = simulator.fleet.keys.issue_session(account_id, "arn", "name", time.time() + 3600)
        token = f"aws_secret_access_key = {key.secret_access_key}\naws_session_token = {key.session_token}"
        env("AWS_CONFIG_FILE", f"[profile dev]\naws_access_key_id = {key.access_key_id}\n{token}\n")

    clock, asked = FakeClock(), list[int]()
    write(MANAGEMENT)
    async with readers_of(clock) as readers:
        reader = reader_of(readers, Access(profile="dev"))
        for _ in range(2):
            with pytest.raises(ReadFailure, match="belong to account"):
                await reader.read(10)
            asked.append(simulator.log.counts()["GetCallerIdentity"])
        clock.advance(15 * 60)
        write(ACCOUNT_ID)
        await reader.read(10)
    assert asked == [1, 2], "who was just found is not looked for again"


@pytest.fixture
def _web_identity(env: SetEnv, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a token of the cluster")
    env("AWS_ROLE_ARN", f"arn:aws:iam::{MANAGEMENT}:role/exporter")
    env("AWS_WEB_IDENTITY_TOKEN_FILE", tmp_path / "token")
    env("AWS_REGION", "us-east-1")


@pytest.mark.usefixtures("_web_identity")
async def test_nobody_waits_for_botocore_longer_than_for_anything(env: SetEnv) -> None:
    before, began = {*threading.enumerate()}, time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        env("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{silent.getsockname()[1]}")
        async with readers_of() as readers:
            reading = [reader_of(readers, Access(), account_id).read(0.3) for account_id in _TEN]
            failures = await asyncio.gather(*reading, return_exceptions=True)
            assert time.monotonic() - began < 5
            began = time.monotonic()
            failures += await asyncio.gather(reader_of(readers, Access()).read(10), return_exceptions=True)
        assert time.monotonic() - began < 1, "nobody waits for what others have given up"
        assert {str(failure) for failure in failures} == {"credentials: the default credential chain: no answer in time"}
        assert {isinstance(failure, ReadFailure) and failure.passes for failure in failures} == {True}
        assert len({*threading.enumerate()} - before) == 1, "all wait for one answer"


@pytest.mark.parametrize(("region", "asked"), [("", "eu-west-1"), ("region = eu-north-1", "eu-north-1")])
async def test_a_profile_without_a_region_uses_the_accounts(
    region: str, asked: str, simulator: Simulator, account: Account, env: SetEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = "".join(f"{name.lower()} = {os.environ[name]}\n" for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
    role = f"role_arn = {account.role_arn()}\nsource_profile = base"
    env("AWS_CONFIG_FILE", f"[profile dev]\n{role}\n{region}\n[profile base]\n{keys}")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    await read(Access(profile="dev"), regions=("eu-west-1",))
    assert [record.region for record in simulator.log.records("AssumeRole")] == [asked]


@pytest.mark.usefixtures("_web_identity")
@pytest.mark.parametrize(
    ("variable", "url", "said"),
    [
        ("AWS_ENDPOINT_URL_STS", "http://{closed}", "{closed}: cannot connect: Connection refused"),
        ("https_proxy", "http://user:hush@{closed}", "the proxy {closed}: cannot connect: Connection refused"),
        ("https_proxy", "http://[closed", "no answer: ValueError"),
    ],
    ids=["refused", "proxy", "no URL"],
)
async def test_an_sts_that_is_out_of_reach_needs_no_person(variable: str, url: str, said: str, env: SetEnv) -> None:
    closed = f"127.0.0.1:{free_port()}"
    env(variable, url.format(closed=closed))
    failure = await failure_of(Access())
    assert (failure.reason, failure.passes) == (Reason.UNREACHABLE, True)
    assert failure.detail == f"the default credential chain: {said.format(closed=closed)}"


@pytest.mark.usefixtures("_web_identity")
@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (Error(503, "ServiceUnavailable", "again"), ("server_error", True)),
        (Throttled(), ("throttled", True)),
        (Error(403, "AccessDenied", "no"), ("credentials", False)),
        (Error(400, "ExpiredTokenException", "no"), ("credentials", True)),
    ],
    ids=["503", "throttled", "denied", "expired"],
)
async def test_what_sts_answers_tells_whether_a_person_is_needed(
    kind: Kind, told: tuple[str, bool], simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    simulator.faults.add(Fault(kind))
    monkeypatch.setattr(time, "sleep", lambda _: None)  # botocore's own pause
    failure = await failure_of(Access())
    assert (failure.reason, failure.passes) == told


@pytest.mark.usefixtures("own_keys")
async def test_no_secret_is_in_a_failure(env: SetEnv) -> None:
    """Whatever the other end says, be it what it was sent."""

    def echo(sent: Sent) -> bytes:
        quoted = f"own-secret issued-secret issued-token {sent.headers['authorization']} {sent.body.decode()}"
        denied = f'{{"__type": "AccessDenied", "cases": "{quoted}"}}'.encode()
        return denied if "x-amz-target" in sent.headers else answer(sent)

    async with Wire(echo) as wire:
        env("AWS_ENDPOINT_URL", wire.url)
        failure = await failure_of(Access((ROLE,)))
    for secret in ("own-secret", "issued", "AKIA", "Signature", "Credential="):
        assert secret not in f"{failure}{failure.__cause__!r}"
