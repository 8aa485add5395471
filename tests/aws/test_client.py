"""Requests as they go over the wire: how they are signed and sent, and what becomes of answers that are none."""

import asyncio
import gzip
import re
import socket
import ssl
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from exporter import __version__
from exporter.cases.model import Access, Reason
from exporter.errors import ReadFailure
from exporter.simulator.account import Account
from exporter.simulator.corruptions import Body, HugeBody
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.kinds import CutOffBody, Drip, SilenceInBody
from exporter.simulator.server import Simulator
from tests.aws.conftest import OPTIONS, REGION, Requests, Sent, Wire, issued, read, reader_of, readers_of
from tests.support.certificates import Authority
from tests.support.fetch import free_port
from tests.support.tools import ROOT

ACCOUNT_ID = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/R"
OWN, ISSUED = Credentials("AKIAOWN", "own-secret"), Credentials("ASIAISSUED", "issued-secret", "issued-token")
ENTITIES = b'<!DOCTYPE bomb [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>' + issued().replace(
    b"issued-token", b"&b;"
)
PATIENCE = 1.0


def answer(sent: Sent) -> bytes:
    return b'{"cases": []}' if "x-amz-target" in sent.headers else issued()


async def read_by_role() -> None:
    async with readers_of() as readers:
        await readers.reader(ACCOUNT_ID, Access((ROLE,)), (REGION,), OPTIONS).read(10)


def sent_to(path: str, monkeypatch: pytest.MonkeyPatch) -> list[Sent]:
    """Read an account whose AWS is at a path of a server, and return what came there."""

    async def run() -> list[Sent]:
        async with Wire(answer) as wire:
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{wire.port}{path}")
            await read_by_role()
            return wire.sent

    return asyncio.run(run())


@pytest.mark.usefixtures("own_keys")
@pytest.mark.parametrize("path", ["", "/", "/aws", "/proxy//to aws/", "/a%20b/%C3%A9", "/a/../b/./c~"])
def test_a_request_carries_the_signature_that_botocore_computes_wherever_it_goes(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assumed, described = sent_to(path, monkeypatch)

    for sent, credentials, service in ((assumed, OWN, "sts"), (described, ISSUED, "support")):
        sent_at = datetime.strptime(sent.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        assert abs(sent_at.timestamp() - time.time()) < 60
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda moment=sent_at: moment)
        signed = re.search("SignedHeaders=([a-z0-9;-]+)", sent.headers["authorization"])
        assert signed is not None
        names = set(signed[1].split(";"))
        assert {"host", "x-amz-date"} <= names
        headers = {name: sent.headers[name] for name in names - {"x-amz-date", "x-amz-security-token"}}
        again = AWSRequest("POST", f"http://{sent.headers['host']}{sent.target}", headers=headers, data=sent.body)
        SigV4Auth(credentials, service, REGION).add_auth(again)
        assert sent.headers["authorization"] == again.headers["Authorization"]
        assert sent.headers.get("x-amz-security-token") == credentials.token


@pytest.mark.usefixtures("own_keys")
def test_requests_say_in_cloudtrail_who_makes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for sent in sent_to("", monkeypatch):
        assert sent.headers["user-agent"].startswith(f"aws-support-exporter/{__version__} Boto3/")


@pytest.mark.usefixtures("own_keys")
def test_cases_are_asked_for_with_their_communications_a_hundred_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    _, described = sent_to("", monkeypatch)
    assert described.headers["x-amz-target"] == "AWSSupport_20130415.DescribeCases"
    assert described.headers["content-type"] == "application/x-amz-json-1.1"
    assert described.body == b'{"includeCommunications":true,"maxResults":100}'


@pytest.mark.parametrize("operation", ["AssumeRole", "DescribeCases"])
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Drip(0.002), Reason.TIMEOUT),
        (SilenceInBody(), Reason.TIMEOUT),
        (CutOffBody(), Reason.UNREACHABLE),
        (Body(b"\xff\xfe<\0!\0"), Reason.MALFORMED),
        (Body(b'"text"'), Reason.MALFORMED),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_broken_body_ends_the_poll_in_time_and_the_next_is_read(
    operation: str, kind: Kind, reason: Reason, simulator: Simulator, account: Account
) -> None:
    async def run() -> None:
        async with readers_of() as readers:
            reader = reader_of(account, readers)
            fault = simulator.faults.add(Fault(kind, operation=operation))
            timeout = PATIENCE if reason is Reason.TIMEOUT else 10.0
            started = time.monotonic()
            with pytest.raises(ReadFailure) as failure:
                await reader.read(timeout)
            assert failure.value.reason is reason
            assert time.monotonic() - started < timeout * 2
            fault.remove()
            assert len((await reader.read(10)).cases) == 1

    asyncio.run(run())


def test_an_answer_larger_than_any_of_awss_is_not_kept(simulator: Simulator, account: Account) -> None:
    simulator.faults.add(Fault(HugeBody(40), operation="DescribeCases"))
    with pytest.raises(ReadFailure, match="larger than 32 MiB") as failure:
        asyncio.run(read(account, 30))
    assert failure.value.reason is Reason.MALFORMED


@pytest.mark.usefixtures("own_keys")
def test_an_answer_that_was_packed_unasked_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with Wire(lambda _: gzip.compress(issued()), head=b"200 OK\r\nContent-Encoding: gzip") as wire:
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{wire.port}")
            await read_by_role()

    with pytest.raises(ReadFailure) as failure:
        asyncio.run(run())
    assert failure.value.reason is Reason.MALFORMED


@pytest.mark.usefixtures("own_keys")
def test_a_redirect_is_not_followed_as_it_would_carry_credentials_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> int:
        async with Wire(answer) as elsewhere:
            location = b"Location: http://127.0.0.1:%d/" % elsewhere.port
            async with Wire(lambda _: b"", head=b"307 Temporary Redirect\r\n" + location) as wire:
                monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{wire.port}")
                with pytest.raises(ReadFailure, match="malformed: AssumeRole: HTTP 307"):
                    await read_by_role()
            return len(elsewhere.sent)

    assert asyncio.run(run()) == 0


def test_entities_of_an_xml_answer_are_not_expanded(simulator: Simulator, account: Account) -> None:
    simulator.faults.add(Fault(Body(ENTITIES), operation="AssumeRole"))
    with pytest.raises(ReadFailure) as failure:
        asyncio.run(read(account))
    assert failure.value.reason is Reason.MALFORMED


def failure_at(url: str, monkeypatch: pytest.MonkeyPatch) -> ReadFailure:
    """Return how asking STS at a URL fails."""

    async def run() -> None:
        async with readers_of() as readers:
            await readers.own_account((REGION,), 10)

    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    with pytest.raises(ReadFailure) as failure:
        asyncio.run(run())
    return failure.value


@pytest.mark.usefixtures("own_keys")
def test_a_host_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    host = f"127.0.0.1:{free_port()}"
    failure = failure_at(f"http://{host}", monkeypatch)
    assert (failure.reason, failure.detail) == (
        Reason.UNREACHABLE,
        f"GetCallerIdentity: {host}: cannot connect: Connect call failed ('127.0.0.1', {host[10:]})",
    )


@pytest.mark.usefixtures("own_keys")
def test_a_name_that_does_not_resolve_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    failure = failure_at("http://nowhere.invalid", monkeypatch)
    assert failure.reason is Reason.UNREACHABLE
    assert failure.detail.startswith("GetCallerIdentity: nowhere.invalid: cannot connect: ")


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """Return what a server proves its name with, and the bundle of who signed that."""
    authority = Authority()
    certificate, key = authority.sign("127.0.0.1").write(tmp_path, "server")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(authority.certificate)
    return context, bundle


@pytest.mark.usefixtures("own_keys")
@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "profile"])
def test_the_users_certificates_are_trusted(
    variable: str, tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    context, bundle = tls
    if variable == "profile":
        (tmp_path / "config").write_text(f"[default]\nca_bundle = {bundle}\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    else:
        monkeypatch.setenv(variable, str(bundle))

    async def run() -> int:
        async with Wire(answer, context) as wire:
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://127.0.0.1:{wire.port}")
            await read_by_role()
            return len(wire.sent)

    assert asyncio.run(run()) == 2


@pytest.mark.usefixtures("own_keys")
def test_a_certificate_that_is_not_trusted_is_said_with_what_to_do(
    tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> str:
        async with Wire(answer, tls[0]) as wire:
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://127.0.0.1:{wire.port}")
            with pytest.raises(ReadFailure) as failure:
                await read_by_role()
            assert failure.value.reason is Reason.UNREACHABLE
            return failure.value.detail.replace(str(wire.port), "PORT")

    said = "AssumeRole: 127.0.0.1:PORT: certificate not trusted (unable to get local issuer certificate): set AWS_CA_BUNDLE"
    assert asyncio.run(run()) == said


@pytest.mark.usefixtures("own_keys")
def test_a_bundle_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nonexistent/bundle.pem")
    failure = failure_at("https://127.0.0.1:1", monkeypatch)
    said = "AWS_CA_BUNDLE names /nonexistent/bundle.pem, which cannot be read: No such file or directory"
    assert (failure.reason, failure.detail) == (Reason.UNREACHABLE, said)


@pytest.mark.usefixtures("own_keys")
def test_a_bundle_that_cannot_be_read_is_told_of_every_account_and_no_endpoint_is_blamed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nonexistent/bundle.pem")
    requests = Requests()

    async def run() -> list[str]:
        details = []
        async with readers_of(requests=requests) as readers:
            for number in range(12):
                with pytest.raises(ReadFailure) as failure:
                    await readers.reader(f"{number:012}", Access(), (REGION,), OPTIONS).read(10)
                details.append(failure.value.detail)
        return details

    assert all(detail.startswith("AWS_CA_BUNDLE names") for detail in asyncio.run(run()))
    assert requests.ended == []


@pytest.mark.usefixtures("own_keys")
@pytest.mark.parametrize(("no_proxy", "proxied"), [("", True), ("aws.example", False)])
def test_the_users_proxy_is_used_but_for_what_they_except(
    no_proxy: str,
    proxied: bool,  # noqa: FBT001 - a column
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> list[str]:
        async with Wire(answer) as proxy:
            monkeypatch.setenv("http_proxy", f"127.0.0.1:{proxy.port}")
            monkeypatch.setenv("no_proxy", no_proxy)
            monkeypatch.setenv("AWS_ENDPOINT_URL", "http://aws.example")
            monkeypatch.setattr(socket, "getaddrinfo", _not_found)
            if proxied:
                await read_by_role()
            else:
                with pytest.raises(ReadFailure, match=r"aws\.example: cannot connect"):
                    await read_by_role()
            return [sent.target for sent in proxy.sent]

    assert asyncio.run(run()) == ["http://aws.example/"] * 2 * proxied


def _not_found(*_: object, **__: object) -> list[object]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


HANGING_NAME_SERVER = """
import asyncio, socket, sys, time
from tests.aws.conftest import readers_of
from exporter.errors import ReadFailure
socket.getaddrinfo = lambda *_, **__: time.sleep(60)
async def main():
    async with readers_of() as readers:
        try:
            await readers.own_account(("us-east-1",), 3)
        except ReadFailure as failure:
            print(failure)
asyncio.run(main())
"""


@pytest.mark.usefixtures("own_keys")
def test_a_name_server_that_hangs_holds_no_poll_and_no_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://aws.example")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", HANGING_NAME_SERVER], capture_output=True, text=True, timeout=30, check=True, cwd=ROOT
    )
    assert done.stdout == "timeout: GetCallerIdentity: aws.example: no answer in time\n"
    assert time.monotonic() - started < 30


def test_each_request_is_told_with_its_outcome(simulator: Simulator, account: Account) -> None:
    requests = Requests()

    async def run() -> None:
        async with readers_of(requests=requests) as readers:
            reader = reader_of(account, readers)
            await reader.read(10)
            simulator.faults.add(Fault(SilenceInBody(), operation="DescribeCases"))
            with pytest.raises(ReadFailure):
                await reader.read(0.1)

    asyncio.run(run())
    assert requests.ended == [("AssumeRole", None), ("DescribeCases", None), ("DescribeCases", Reason.TIMEOUT)]


@pytest.mark.parametrize(
    "body",
    [
        b'{"Accounts": "x"}',
        b'{"Accounts": [1]}',
        b'{"Accounts": [null]}',
        b'{"Accounts": {"Id": 1}}',
        b'{"Accounts": [{"Id": "111122223333"}]}',
        b'{"Accounts": [{"Id": "111122223333", "State": {}}]}',
        b'{"Accounts": [], "NextToken": 17}',
        b'{"Accounts": [], "NextToken": {"a": 1}}',
        b"[]",
        b"null",
        b"{}",
    ],
)
def test_a_list_of_accounts_of_odd_types_is_malformed(body: bytes, simulator: Simulator) -> None:
    simulator.faults.add(Fault(Body(body), operation="ListAccounts"))

    async def run() -> None:
        async with readers_of() as readers:
            async for _ in readers.organization_reader("all", Access(), (REGION,), OPTIONS).pages(10):
                pass

    with pytest.raises(ReadFailure) as failure:
        asyncio.run(run())
    assert failure.value.reason is Reason.MALFORMED
