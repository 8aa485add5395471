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
from exporter.cases.model import Access, Reason
from exporter.errors import ReadFailure
from exporter.simulator.account import Account
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.kinds import ConnectionReset, Error, Latency, Silence, Throttled
from exporter.simulator.server import Simulator
from tests.aws.conftest import OPTIONS, REGION, FakeClock, Sent, Wire, issued, reader_of, readers_of
from tests.support.fetch import free_port
from tests.support.tools import ROOT

ACCOUNT_ID = "111122223333"


async def failure_of(access: Access, seconds: float = 10, readers: Readers | None = None) -> ReadFailure:
    """Return how reading an account fails."""
    if readers is None:
        async with readers_of(FakeClock()) as made:
            return await failure_of(access, seconds, made)
    with pytest.raises(ReadFailure) as failure:
        await readers.reader(ACCOUNT_ID, access, (REGION,), OPTIONS).read(seconds)
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
                await readers.reader(ACCOUNT_ID, Access((role,), external_id), (REGION,), options).read(10)
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


def test_a_role_is_assumed_again_five_minutes_before_its_credentials_expire(simulator: Simulator, account: Account) -> None:
    clock = FakeClock()
    began = clock.now = time.time()
    simulator.fleet.clock = lambda: clock.now

    async def run() -> list[int]:
        counts = []
        async with readers_of(clock) as readers:
            reader = reader_of(account, readers)
            for seconds in (0, 1000, 3298, 3302, 3303 + 3298):
                clock.now = began + seconds
                await reader.read(10)
                counts.append(simulator.log.counts()["AssumeRole"])
        return counts

    assert asyncio.run(run()) == [1, 1, 1, 2, 2]


@pytest.mark.usefixtures("own_keys")
def test_credentials_that_live_for_minutes_are_renewed_at_half_their_life(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    clock.now = 1_767_225_600.0  # 2026-01-01T00:00:00Z

    def answer(sent: Sent) -> bytes:
        return b'{"cases": []}' if "x-amz-target" in sent.headers else issued("2026-01-01T00:04:00Z")

    async def run() -> list[int]:
        counts = []
        async with Wire(answer) as wire:
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{wire.port}")
            async with readers_of(clock) as readers:
                access = Access((f"arn:aws:iam::{ACCOUNT_ID}:role/R",))
                reader = readers.reader(ACCOUNT_ID, access, (REGION,), OPTIONS)
                for seconds in (0, 119, 2):
                    clock.now += seconds
                    await reader.read(10)
                    counts.append(sum("x-amz-target" not in sent.headers for sent in wire.sent))
        return counts

    assert asyncio.run(run()) == [1, 1, 2]


def test_credentials_never_cross_accounts(simulator: Simulator) -> None:
    accounts = [simulator.fleet.add_account(account_id=f"{number:012}") for number in range(1, 41)]
    for account in accounts:
        account.add_case()

    async def run() -> None:
        async with readers_of() as readers:
            for _ in range(3):
                readings = await asyncio.gather(*(reader_of(account, readers).read(20) for account in accounts))
                for account, reading in zip(accounts, readings, strict=True):
                    assert [case.case_id.split("-")[1] for case in reading.cases] == [account.account_id]
                simulator.expire_sessions()

    asyncio.run(run())
    signed = {(record.account_id, record.access_key_id) for record in simulator.log.records("DescribeCases")}
    assert {account_id for account_id, _ in signed} == {account.account_id for account in accounts}
    keys = [key for _, key in signed]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("kind", [ConnectionReset(), Error(503, "ServiceUnavailable")], ids=["reset", "503"])
def test_sts_is_asked_in_every_region_in_three_rounds(kind: Kind, simulator: Simulator, account: Account) -> None:
    simulator.faults.add(Fault(kind, operation="AssumeRole"))

    async def run() -> None:
        async with readers_of(FakeClock()) as readers:
            await reader_of(account, readers, regions=("us-east-1", "us-west-2")).read(10)

    with pytest.raises(ReadFailure):
        asyncio.run(run())
    assert [record.region for record in simulator.log.records("AssumeRole")] == ["us-east-1", "us-west-2"] * 3


@pytest.mark.parametrize(
    ("kind", "times", "asked"),
    [(ConnectionReset(), 2, 3), (Error(503, "ServiceUnavailable"), 2, 3), (Throttled(), 3, 4)],
    ids=["reset", "503", "throttled"],
)
def test_sts_that_fails_for_a_moment_is_not_noticed(
    kind: Kind, times: int, asked: int, simulator: Simulator, account: Account
) -> None:
    simulator.faults.add(Fault(kind, operation="AssumeRole", times=times))

    async def run() -> int:
        async with readers_of(FakeClock()) as readers:
            return len((await reader_of(account, readers).read(10)).cases)

    assert asyncio.run(run()) == 1
    assert simulator.log.counts()["AssumeRole"] == asked


def test_expired_credentials_are_replaced_once(simulator: Simulator, account: Account) -> None:
    expired = simulator.faults.add(Fault(Error(400, "ExpiredTokenException"), operation="DescribeCases"))

    async def run() -> None:
        async with readers_of() as readers:
            await reader_of(account, readers).read(10)

    with pytest.raises(ReadFailure, match="credentials: DescribeCases: ExpiredTokenException"):
        asyncio.run(run())
    assert (expired.hits, simulator.log.counts()["AssumeRole"]) == (2, 2)


@pytest.fixture
def hub(simulator: Simulator) -> str:
    """Return a role of the management account that every account is reached through."""
    for number in range(1, 11):
        simulator.fleet.add_account(account_id=f"{number:012}").add_case()
    simulator.fleet.management_account.add_role("Hub")
    return simulator.fleet.management_account.role_arn("Hub")


def through(hub: str, simulator: Simulator, readers: Readers, seconds: float = 10) -> list[asyncio.Task[object]]:
    """Begin to read ten accounts through a role."""
    chains = [(account_id, (hub, simulator.fleet.account(account_id).role_arn())) for account_id in _TEN]
    made = [readers.reader(account_id, Access(chain), (REGION,), OPTIONS) for account_id, chain in chains]
    return [asyncio.create_task(reader.read(seconds)) for reader in made]


_TEN = [f"{number:012}" for number in range(1, 11)]


def test_a_role_that_chains_pass_through_is_assumed_once_for_all(simulator: Simulator, hub: str) -> None:
    async def run() -> None:
        async with readers_of() as readers:
            await asyncio.gather(*through(hub, simulator, readers))

    asyncio.run(run())
    assert simulator.log.counts() == {"AssumeRole": 1 + 10, "DescribeCases": 10}


def test_a_shared_role_is_not_given_up_with_the_account_that_asked_first(simulator: Simulator, hub: str) -> None:
    slow = simulator.faults.add(Fault(Latency(0.3), operation="AssumeRole", times=1))

    async def run() -> None:
        async with readers_of() as readers:
            first, *others = through(hub, simulator, readers)
            while not slow.hits:  # noqa: ASYNC110 - it is hit in another thread
                await asyncio.sleep(0.01)
            first.cancel()
            await asyncio.gather(*others)

    asyncio.run(run())
    assert simulator.log.counts() == {"AssumeRole": 1 + 9, "DescribeCases": 9}


def test_nobody_waits_longer_for_a_shared_role_than_for_anything(simulator: Simulator, hub: str) -> None:
    silent = simulator.faults.add(Fault(Silence(), operation="AssumeRole"))

    async def run() -> list[object]:
        async with readers_of() as readers:
            return await asyncio.gather(*through(hub, simulator, readers, 1.0), return_exceptions=True)

    began = time.monotonic()
    failures = asyncio.run(run())
    assert time.monotonic() - began < 5
    host = simulator.url.removeprefix("http://")
    assert {str(failure) for failure in failures} == {f"timeout: AssumeRole: {host}: no answer in time"}
    assert silent.hits == 1


def test_a_chain_recovers_when_all_its_sessions_were_revoked(simulator: Simulator, hub: str) -> None:
    async def run() -> None:
        async with readers_of() as readers:
            held = await asyncio.gather(*through(hub, simulator, readers))
            assert len(held) == 10
            simulator.expire_sessions()
            await asyncio.gather(*through(hub, simulator, readers))

    asyncio.run(run())


@pytest.mark.parametrize(("account_id", "calls"), [("999999999999", 1), (ACCOUNT_ID, 0)])
def test_own_credentials_are_used_for_their_account_only(account_id: str, calls: int, simulator: Simulator) -> None:
    async def run() -> None:
        async with readers_of() as readers:
            reader = readers.reader(account_id, Access(), (REGION,), OPTIONS)
            for _ in range(2):
                await reader.read(10)

    if calls:
        asyncio.run(run())
        assert simulator.log.counts() == {"GetCallerIdentity": 1, "DescribeCases": 2}
    else:
        with pytest.raises(ReadFailure, match=f"the credentials belong to account 999999999999, not to {account_id}"):
            asyncio.run(run())
        assert "DescribeCases" not in simulator.log.counts()


def test_own_credentials_that_change_are_checked_again(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They change as those of a process do, whose sessions end."""
    keys = {name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    others = simulator.fleet.keys.issue_session(ACCOUNT_ID, "arn", "name", time.time() + 3600)
    for name in keys:
        monkeypatch.delenv(name)
    monkeypatch.delenv("AWS_SESSION_TOKEN")
    answer, config = tmp_path / "answer", tmp_path / "config"
    config.write_text(f"[default]\ncredential_process = /bin/cat {answer}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    # Within botocore's time of renewal: it is asked each time.
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60))

    def say(key: str, secret: str, token: str) -> None:
        fields = f'"AccessKeyId": "{key}", "SecretAccessKey": "{secret}", "SessionToken": "{token}"'
        answer.write_text(f'{{"Version": 1, {fields}, "Expiration": "{expires}"}}')

    async def run() -> None:
        async with readers_of() as readers:
            reader = readers.reader("999999999999", Access(), (REGION,), OPTIONS)
            say(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], "")
            await reader.read(10)
            say(others.access_key_id, others.secret_access_key, others.session_token or "")
            with pytest.raises(ReadFailure, match=f"belong to account {ACCOUNT_ID}, not to 999999999999"):
                await reader.read(10)

    asyncio.run(run())
    assert simulator.log.counts()["DescribeCases"] == 1


@pytest.fixture
def _web_identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a token of the cluster")
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::999999999999:role/exporter")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
    monkeypatch.setenv("AWS_REGION", REGION)


@pytest.fixture
def silent() -> Iterator[str]:
    """Return the address of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.usefixtures("_web_identity")
def test_nobody_waits_for_botocore_longer_than_for_anything(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", silent)

    async def run() -> list[ReadFailure]:
        async with readers_of() as readers:
            return await asyncio.gather(*(failure_of(Access(), 0.3, readers) for _ in range(8)))

    before, began = threading.active_count(), time.monotonic()
    failures = asyncio.run(run())
    assert time.monotonic() - began < 5
    assert {str(failure) for failure in failures} == {"timeout: the default credential chain: no answer in time"}
    assert threading.active_count() == before + 1, "all wait for one answer"


@pytest.mark.usefixtures("_web_identity")
def test_an_sts_that_is_out_of_reach_is_named_and_needs_no_person(monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
    failure = asyncio.run(failure_of(Access()))
    assert (failure.reason, url in failure.detail) == (Reason.UNREACHABLE, True)


@pytest.mark.usefixtures("_web_identity")
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
    kind: Kind, reason: str, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    simulator.faults.add(Fault(kind))
    monkeypatch.setattr(time, "sleep", lambda _: None)  # botocore's own pause
    assert asyncio.run(failure_of(Access())).reason == reason


@pytest.mark.usefixtures("_web_identity")
def test_a_token_file_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent/token")
    failure = asyncio.run(failure_of(Access()))
    said = "the default credential chain: /nonexistent/token cannot be read: No such file or directory"
    assert (failure.reason, failure.detail) == (Reason.CREDENTIALS, said)


def profile(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text(f"[profile laboratory]\nregion = us-east-1\n{text}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))


@pytest.mark.parametrize(
    ("text", "name", "detail"),
    [
        ("", "laboratory", "no AWS credentials found in the profile laboratory"),
        ("", "unknown", "the profile unknown: ProfileNotFound"),
        ("credential_process = /bin/echo SECRET", "laboratory", "the profile laboratory: JSONDecodeError"),
        ("credential_process = /bin/false", "laboratory", "the profile laboratory: CredentialRetrievalError"),
        (
            "credential_process = /nonexistent/process",
            "laboratory",
            "the profile laboratory: /nonexistent/process cannot be read: No such file or directory",
        ),
    ],
    ids=["nothing", "unknown", "no JSON", "fails", "missing"],
)
def test_a_profile_without_credentials_is_told_by_its_name(
    text: str, name: str, detail: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile(text, tmp_path, monkeypatch)
    failure = asyncio.run(failure_of(Access(profile=name)))
    assert (failure.reason, failure.detail) == (Reason.CREDENTIALS, detail)


def test_a_process_that_hangs_holds_no_other_account(account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile("credential_process = /bin/sleep 5", tmp_path, monkeypatch)

    async def run() -> ReadFailure:
        async with readers_of() as readers:
            hanging = asyncio.create_task(failure_of(Access(profile="laboratory"), 2, readers))
            assert len((await reader_of(account, readers).read(10)).cases) == 1
            assert not hanging.done()
            return await hanging

    assert str(asyncio.run(run())) == "timeout: the profile laboratory: no answer in time"


HANGING_PROCESS = """
import asyncio
from tests.aws.conftest import readers_of
from exporter.errors import ReadFailure
async def main():
    async with readers_of() as readers:
        try:
            await readers.own_account(("us-east-1",), 0.5)
        except ReadFailure as failure:
            print(failure)
asyncio.run(main())
"""


def test_a_process_that_hangs_holds_no_exit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text("[default]\ncredential_process = /bin/sleep 30\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    began = time.monotonic()
    with subprocess.Popen([sys.executable, "-c", HANGING_PROCESS], stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.wait(25) == 0
        assert time.monotonic() - began < 25
        assert process.stdout is not None
        assert process.stdout.readline() == "timeout: the default credential chain: no answer in time\n"


@pytest.mark.usefixtures("own_keys")
def test_no_secret_is_in_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the other end says, be it what it was sent."""

    def echo(sent: Sent) -> bytes:
        quoted = f"own-secret issued-secret issued-token {sent.headers['authorization']} {sent.body.decode()}"
        if "x-amz-target" in sent.headers:
            return f'{{"__type": "AccessDenied", "cases": "{quoted}"}}'.encode()
        return issued()

    async def run() -> ReadFailure:
        async with Wire(echo) as wire:
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{wire.port}")
            return await failure_of(Access((f"arn:aws:iam::{ACCOUNT_ID}:role/R",)))

    failure = asyncio.run(run())
    for secret in ("own-secret", "issued", "AKIA", "Signature", "Credential="):
        assert secret not in str(failure)
        assert secret not in repr(failure.__cause__)


@pytest.mark.usefixtures("own_keys")
@pytest.mark.parametrize("code", ["AccessDenied", "ExpiredToken", "SignatureDoesNotMatch", "Throttling", "ValidationError"])
def test_no_secret_that_aws_quotes_is_in_a_failure(code: str, simulator: Simulator, account: Account) -> None:
    key = os.environ["AWS_SECRET_ACCESS_KEY"]
    simulator.faults.add(Fault(Error(403, code, f"not authorized, secret {key}"), operation="AssumeRole"))

    async def run() -> None:
        async with readers_of(FakeClock()) as readers:
            await reader_of(account, readers).read(10)

    with pytest.raises(ReadFailure) as failure:
        asyncio.run(run())
    assert key not in str(failure.value)
