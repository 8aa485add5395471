"""Requests as they go over the wire: how they are signed and sent, and what becomes of answers that are none."""

import gzip
import re
import socket
import ssl
import subprocess
import sys
import time
from contextlib import nullcontext
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
from exporter.simulator.corruptions import HugeBody
from exporter.simulator.faults import Fault
from exporter.simulator.kinds import SilenceInBody
from exporter.simulator.server import Simulator
from tests.aws.conftest import OPTIONS, REGION, Requests, Sent, Wire, answer, issued, read, reader_of, readers_of
from tests.support.certificates import Authority
from tests.support.tools import ROOT

ACCOUNT_ID = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/R"
OWN, ISSUED = Credentials("AKIAOWN", "own-secret"), Credentials("ASIAISSUED", "issued-secret", "issued-token")
ENTITIES = b'<!DOCTYPE bomb [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>' + issued().replace(
    b"issued-token", b"&b;"
)


async def read_by_role() -> None:
    async with readers_of() as readers:
        await readers.reader(ACCOUNT_ID, Access((ROLE,)), (REGION,), OPTIONS).read(10)


async def sent_to(path: str, monkeypatch: pytest.MonkeyPatch) -> list[Sent]:
    """Read an account whose AWS is at a path of a server, and return what came there."""
    async with Wire(answer) as wire:
        monkeypatch.setenv("AWS_ENDPOINT_URL", wire.url + path)
        await read_by_role()
    return wire.sent


@pytest.mark.usefixtures("own_keys")
@pytest.mark.parametrize("path", ["", "/", "/aws", "/proxy//to aws/", "/a%20b/%C3%A9", "/a/../b/./c~"])
async def test_a_request_carries_the_signature_that_botocore_computes_wherever_it_goes(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assumed, described = await sent_to(path, monkeypatch)
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
async def test_cases_are_asked_for_with_their_communications_a_hundred_at_a_time_and_cloudtrail_tells_by_whom(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assumed, described = await sent_to("", monkeypatch)
    for sent in (assumed, described):
        assert sent.headers["user-agent"].startswith(f"aws-support-exporter/{__version__} Boto3/")
    assert described.headers["x-amz-target"] == "AWSSupport_20130415.DescribeCases"
    assert described.headers["content-type"] == "application/x-amz-json-1.1"
    assert described.body == b'{"includeCommunications":true,"maxResults":100}'


async def test_an_answer_larger_than_any_of_awss_is_not_kept(simulator: Simulator, account: Account) -> None:
    simulator.faults.add(Fault(HugeBody(40), operation="DescribeCases"))
    with pytest.raises(ReadFailure, match=r"^malformed: .*larger than 32 MiB"):
        await read(account, 30)


@pytest.mark.usefixtures("own_keys")
@pytest.mark.parametrize(
    ("body", "head"),
    [(gzip.compress(issued()), b"200 OK\r\nContent-Encoding: gzip"), (ENTITIES, b"200 OK")],
    ids=["packed", "entities"],
)
async def test_an_answer_is_neither_unpacked_unasked_nor_are_its_entities_expanded(
    body: bytes, head: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Wire(lambda _: body, head=head) as wire:
        monkeypatch.setenv("AWS_ENDPOINT_URL", wire.url)
        with pytest.raises(ReadFailure, match=r"^malformed: AssumeRole: "):
            await read_by_role()


@pytest.mark.usefixtures("own_keys")
async def test_a_redirect_is_not_followed_as_it_would_carry_credentials_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Wire(answer) as elsewhere:
        location = b"Location: http://127.0.0.1:%d/" % elsewhere.port
        async with Wire(lambda _: b"", head=b"307 Temporary Redirect\r\n" + location) as wire:
            monkeypatch.setenv("AWS_ENDPOINT_URL", wire.url)
            with pytest.raises(ReadFailure, match="malformed: AssumeRole: HTTP 307"):
                await read_by_role()
    assert elsewhere.sent == []


@pytest.mark.usefixtures("own_keys")
@pytest.mark.parametrize(
    ("host", "why"), [("127.0.0.1:1", r"Connect call failed \('127.0.0.1', 1\)"), ("nowhere.invalid", ".+")]
)
async def test_a_host_that_does_not_answer_is_named(host: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}")
    async with readers_of() as readers:
        with pytest.raises(ReadFailure, match=f"^unreachable: GetCallerIdentity: {host}: cannot connect: {why}$"):
            await readers.own_account((REGION,), 10)


@pytest.mark.usefixtures("own_keys")
@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "AWS_CONFIG_FILE", None])
async def test_the_users_certificates_are_trusted_and_without_them_it_says_what_to_do(
    variable: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority, bundle = Authority(), tmp_path / "bundle.pem"
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.sign("127.0.0.1").write(tmp_path, "server"))
    bundle.write_text(authority.certificate)
    if variable == "AWS_CONFIG_FILE":
        (tmp_path / "config").write_text(f"[default]\nca_bundle = {bundle}\n")
        monkeypatch.setenv(variable, str(tmp_path / "config"))
    elif variable:
        monkeypatch.setenv(variable, str(bundle))
    async with Wire(answer, context) as wire:
        monkeypatch.setenv("AWS_ENDPOINT_URL", wire.url)
        if variable:
            await read_by_role()
            assert len(wire.sent) == 2
            return
        with pytest.raises(ReadFailure) as failure:
            await read_by_role()
    why = "certificate not trusted (unable to get local issuer certificate): set AWS_CA_BUNDLE"
    assert str(failure.value) == f"unreachable: AssumeRole: 127.0.0.1:{wire.port}: {why}"


@pytest.mark.usefixtures("own_keys")
@pytest.mark.parametrize(("no_proxy", "proxied"), [("", True), ("aws.example", False)])
async def test_the_users_proxy_is_used_but_for_what_they_except(
    no_proxy: str,
    proxied: bool,  # noqa: FBT001 - a column
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Wire(answer) as proxy:
        monkeypatch.setenv("http_proxy", f"127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", no_proxy)
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://aws.example")
        monkeypatch.setattr(socket, "getaddrinfo", _not_found)
        with nullcontext() if proxied else pytest.raises(ReadFailure, match=r"aws\.example: cannot connect"):
            await read_by_role()
    assert [sent.target for sent in proxy.sent] == ["http://aws.example/"] * 2 * proxied


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


async def test_each_request_is_told_with_its_outcome(simulator: Simulator, account: Account) -> None:
    requests = Requests()
    async with readers_of(requests=requests) as readers:
        reader = reader_of(account, readers)
        await reader.read(10)
        simulator.faults.add(Fault(SilenceInBody(), operation="DescribeCases"))
        with pytest.raises(ReadFailure):
            await reader.read(0.1)
    assert requests.ended == [("AssumeRole", None), ("DescribeCases", None), ("DescribeCases", Reason.TIMEOUT)]
