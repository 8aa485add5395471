"""Requests as they go over the wire: how they are signed and sent, and what becomes of answers that are none."""

import asyncio
import gzip
import json
import re
import socket
import ssl
import subprocess
import sys
import time
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from exporter import __version__
from exporter.cases.advice import advice
from exporter.cases.model import Access, Reason
from exporter.clock import SystemClock
from exporter.errors import ReadFailure
from exporter.simulator.account import Account
from exporter.simulator.corruptions import HugeBody
from exporter.simulator.faults import Fault
from exporter.simulator.kinds import SilenceInBody
from exporter.simulator.server import Simulator
from tests.aws.conftest import OPTIONS, REGION, ROLE, SetEnv, Wire, answer, failure_of, issued, read, reader_of, readers_of
from tests.support.certificates import Authority
from tests.support.tools import ROOT

pytestmark = pytest.mark.usefixtures("own_keys")
BY_ROLE = Access((ROLE,))
OWN, ISSUED = Credentials("AKIAOWN", "own-secret"), Credentials("ASIAISSUED", "issued-secret", "issued-token")


@pytest.mark.parametrize("path", ["", "/proxy//to aws/", "/a%20b/%C3%A9/../b/./c~"])
async def test_a_request_is_signed_and_tells_who_asks_for_what(path: str, env: SetEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Wire(answer) as wire, readers_of(SystemClock()) as readers:
        env("AWS_ENDPOINT_URL", wire.url + path)
        await reader_of(readers, BY_ROLE).read(10)
    assumed, described = wire.sent
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
        assert sent.headers["user-agent"].startswith(f"aws-support-exporter/{__version__} Boto3/"), "as CloudTrail has it"
    assert described.headers["x-amz-target"] == "AWSSupport_20130415.DescribeCases"
    assert described.headers["content-type"] == "application/x-amz-json-1.1"
    assert json.loads(described.body) == {"includeCommunications": True, "maxResults": 100}


async def test_an_answer_larger_than_any_of_awss_is_not_kept(simulator: Simulator, account: Account) -> None:
    simulator.faults.add(Fault(HugeBody(40), operation="DescribeCases"))
    assert re.match(r"malformed: .*larger than 32 MiB", str(await failure_of(account, 30)))


ENTITIES = b'<!DOCTYPE bomb [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("body", "head"),
    [
        (gzip.compress(issued()), b"200 OK\r\nContent-Encoding: gzip"),
        (ENTITIES + issued().replace(b"issued-token", b"&b;"), b"200 OK"),
    ],
    ids=["packed", "entities"],
)
async def test_an_answer_is_neither_unpacked_nor_are_entities_expanded(body: bytes, head: bytes, env: SetEnv) -> None:
    async with Wire(lambda _: body, head=head) as wire:
        env("AWS_ENDPOINT_URL", wire.url)
        assert str(await failure_of(BY_ROLE)).startswith("malformed: AssumeRole: ")


async def test_a_redirect_is_not_followed_as_it_would_carry_credentials_elsewhere(env: SetEnv) -> None:
    async with Wire(answer) as elsewhere:
        head = f"307 Temporary Redirect\r\nLocation: {elsewhere.url}/"
        async with Wire(lambda _: b"", head=head.encode()) as wire:
            env("AWS_ENDPOINT_URL", wire.url)
            assert str(await failure_of(BY_ROLE)).startswith("malformed: AssumeRole: HTTP 307")
    assert elsewhere.sent == []


async def refused() -> tuple[str, str]:
    """Return why the exporter's own account cannot be asked for, and what to do."""
    async with readers_of() as readers:
        with pytest.raises(ReadFailure) as failure:
            await readers.own_account((REGION,), 10)
    return str(failure.value), advice(failure.value.reason, failure.value.detail)


FIPS, DUAL_STACK = "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"
STS = "sts.us-east-1.amazonaws.com:443"


@pytest.mark.parametrize(
    ("variables", "host", "setting", "to_do"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "127.0.0.1:1", "AWS_ENDPOINT_URL", "fix AWS_ENDPOINT_URL, or"),
        ({"AWS_ENDPOINT_URL_STS": "http://x.example"}, "x.example:80", "AWS_ENDPOINT_URL_STS", "fix AWS_ENDPOINT_URL_STS, or"),
        (
            {"AWS_CONFIG_FILE": "[default]\nendpoint_url = https://x.example"},
            "x.example:443",
            "endpoint_url of the AWS configuration file",
            "fix endpoint_url of",
        ),
        ({FIPS: "true"}, f"sts-fips.{STS.removeprefix('sts.')}", FIPS, f"unset {FIPS}, or"),
        ({FIPS: "true", DUAL_STACK: "true"}, "sts-fips.us-east-1.api.aws:443", f"{FIPS} and {DUAL_STACK}", "unset"),
        (
            {"AWS_CONFIG_FILE": "[default]\nuse_dualstack_endpoint = true"},
            "sts.us-east-1.api.aws:443",
            "use_dualstack_endpoint",
            "unset use",
        ),
        ({}, STS, "", "check the exporter's name server"),
    ],
)
async def test_a_host_that_does_not_answer_is_named_with_who_named_it(
    variables: dict[str, str], host: str, setting: str, to_do: str, env: SetEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", only_addresses)
    for name, value in variables.items():
        env(name, value)
    name, way = host.partition(":")[0], f" ({setting} leads to {host})" if setting else ""
    why = "cannot connect: Connection refused" if host[0].isdigit() else f"cannot resolve {name}: Name or service not known"
    told, what = await refused()
    assert told == f"unreachable: GetCallerIdentity: {host}: {why}{way}"
    assert what.startswith(to_do)


_look_up = socket.getaddrinfo


def only_addresses(host: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - getaddrinfo's many arguments
    if host[0].isdigit():
        return _look_up(host, *args, **options)
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize(
    ("service", "head", "body", "why"),
    [
        ("sts", b"404 Not Found", b"<html><h1>404</h1></html>", "AssumeRole: HTTP 404"),
        ("sts", b"404 Not Found", b'{"__type": "UnknownOperationException"}', "AssumeRole: .*"),
        ("sts", b"200 OK", b"<!doctype html><p>Welcome", "AssumeRole: HTTP 200, .*"),
        ("support", b"404 Not Found", b'{"message": "no Route matched with those values"}', "DescribeCases: HTTP 404"),
        ("support", b"400 Bad Request", b"<ErrorResponse><Error><Code>MissingAction</Code></Error></ErrorResponse>",
         "DescribeCases: .*"),
        ("support", b"200 OK", b"{}", "DescribeCases: .*"),
        ("organizations", b"403 Forbidden", b"<html>", "ListAccounts: HTTP 403, .*"),
    ],
)  # fmt: skip
async def test_another_service_is_malformed_and_named(service: str, head: bytes, body: bytes, why: str, env: SetEnv) -> None:
    variable = f"AWS_ENDPOINT_URL_{service.upper()}"
    async with Wire(answer) as aws, Wire(lambda _: body, head=head) as other:
        env("AWS_ENDPOINT_URL", aws.url)
        env(variable, other.url)
        async with readers_of() as readers:
            with pytest.raises(ReadFailure) as failure:  # noqa: PT012 - the one or the other
                if service == "organizations":
                    _ = [_ async for _ in readers.organization_reader("all", Access(), (REGION,), OPTIONS).pages(10)]
                await reader_of(readers, BY_ROLE).read(10)
    assert re.fullmatch(f"malformed: {why} \\({variable} leads to {other.host}\\)", str(failure.value))
    assert advice(failure.value.reason, failure.value.detail).startswith(f"fix {variable}: the server there")


def served_by(authority: Authority, directory: Path, name: str = "127.0.0.1") -> tuple[ssl.SSLContext, Path]:
    """Return what serves with a certificate of an authority, and a bundle that has the authority."""
    context, bundle = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), directory / "bundle.pem"
    certificate, key = authority.sign(name).write(directory, "server")
    certificate.write_text(certificate.read_text() + authority.certificate)
    context.load_cert_chain(certificate, key)
    bundle.write_text(authority.certificate)
    return context, bundle


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "AWS_CONFIG_FILE"])
async def test_the_users_certificates_are_trusted(variable: str, env: SetEnv, tmp_path: Path) -> None:
    context, bundle = served_by(Authority(), tmp_path)
    env(variable, f"[default]\nca_bundle = {bundle}" if variable == "AWS_CONFIG_FILE" else bundle)
    async with Wire(answer, context) as wire:
        env("AWS_ENDPOINT_URL", wire.url)
        await read(BY_ROLE)
    assert len(wire.sent) == 2


@pytest.mark.parametrize(
    ("variable", "trusted", "name", "why"),
    [
        ("", "another", "127.0.0.1", r"self-signed certificate in certificate chain\): set AWS_CA_BUNDLE"),
        ("AWS_CA_BUNDLE", "another", "127.0.0.1", r".+\): check AWS_CA_BUNDLE"),
        ("AWS_CA_BUNDLE", "its own", "another.example", r"IP address mismatch, .+'127.0.0.1'\)"),
    ],
)
async def test_a_certificate_that_is_not_trusted_is_told(
    variable: str, trusted: str, name: str, why: str, env: SetEnv, tmp_path: Path
) -> None:
    context, bundle = served_by(Authority(), tmp_path, name)
    if trusted == "another":
        bundle.write_text(Authority(trusted).certificate)
    if variable:
        env(variable, bundle)
    async with Wire(answer, context) as wire:
        env("AWS_ENDPOINT_URL", wire.url)
        told, to_do = await refused()
    why = rf"{wire.host}: certificate not trusted \({why} \(AWS_ENDPOINT_URL leads to {wire.host}\)"
    assert re.fullmatch(f"unreachable: GetCallerIdentity: {why}", told)
    assert to_do.startswith("set AWS_CA_BUNDLE to")


async def test_a_port_that_speaks_no_tls_is_told(env: SetEnv) -> None:
    async def plain(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        env("AWS_ENDPOINT_URL", f"https://{host}")
        told, _ = await refused()
    assert told.startswith(f"unreachable: GetCallerIdentity: {host}: TLS handshake failed (WRONG_VERSION_NUMBER) (AWS_")


async def test_the_users_proxy_is_used_but_for_what_they_except(env: SetEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", only_addresses)
    env("AWS_ENDPOINT_URL", "http://aws.example")
    async with Wire(answer) as proxy:
        env("http_proxy", proxy.host)
        await read(BY_ROLE)
        env("no_proxy", "aws.example")
        assert "cannot resolve aws.example" in str(await failure_of(BY_ROLE))
    assert [sent.target for sent in proxy.sent] == ["http://aws.example/"] * 2


@pytest.mark.parametrize(
    ("variable", "proxy", "through", "why"),
    [
        ("HTTPS_PROXY", "http://jane:hunter2@{}", "{}", "the proxy answers HTTP 407"),
        ("https_proxy", "{}", "{}", "the proxy answers HTTP 407"),
        ("HTTPS_PROXY", "http://jane:hunter2@127.0.0.1:1/", "127.0.0.1:1", "cannot connect to the proxy: Connection refused"),
        ("HTTPS_PROXY", "jane:hunter2@x.example:3", "x.example:3", "cannot resolve x.example: Name or service not known"),
        ("https_proxy", "http://jane:hunter2@x:none", "what is no URL", "connection lost: InvalidURL"),
    ],
)
async def test_a_proxy_is_named_without_its_password(
    variable: str, proxy: str, through: str, why: str, env: SetEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", only_addresses)
    async with Wire(lambda _: b"<html>", head=b"407 Proxy Authentication Required") as wire:
        env(variable, proxy.format(wire.host))
        told, to_do = await refused()
    leads = f"{variable} leads through {through.format(wire.host)}"
    assert told == f"unreachable: GetCallerIdentity: {STS}: {why} ({leads})"
    assert to_do.startswith("add the proxy's user and password" if "407" in why else "check that the proxy is up")
    password = f"Basic {b64encode(b'jane:hunter2').decode()}" if "hunter2" in proxy else ""
    assert [sent.headers.get("proxy-authorization", "") for sent in wire.sent] == [password] * ("{}" in proxy)


HANGING_NAME_SERVER = """
import asyncio, socket, time
from tests.aws.conftest import readers_of
from exporter.errors import ReadFailure
socket.getaddrinfo = lambda *_, **__: time.sleep(60)
async def main():
    async with readers_of() as readers:
        try:
            await readers.own_account(("us-east-1",), 1)
        except ReadFailure as failure:
            print(failure)
asyncio.run(main())
"""


def test_a_name_server_that_hangs_holds_no_poll_and_no_exit(env: SetEnv) -> None:
    env("AWS_ENDPOINT_URL", "http://aws.example")
    command = [sys.executable, "-c", HANGING_NAME_SERVER]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True, cwd=ROOT)
    assert done.stdout == "timeout: GetCallerIdentity: no answer from aws.example:80 within 1 s\n"


async def test_each_request_is_told_with_its_outcome(simulator: Simulator, account: Account) -> None:
    ended = list[tuple[str, Reason | None]]()
    async with readers_of(observer=lambda operation, _, reason: ended.append((operation, reason))) as readers:
        reader = reader_of(readers, account)
        await reader.read(10)
        simulator.faults.add(Fault(SilenceInBody(), operation="DescribeCases"))
        with pytest.raises(ReadFailure):
            await reader.read(0.1)
    assert ended == [("AssumeRole", None), ("DescribeCases", None), ("DescribeCases", Reason.TIMEOUT)]
