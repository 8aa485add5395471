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
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from exporter import __version__
from exporter.cases.advice import KINDS, advice
from exporter.cases.model import Access, Reason
from exporter.errors import ReadFailure
from exporter.simulator.account import Account
from exporter.simulator.corruptions import HugeBody
from exporter.simulator.faults import Fault
from exporter.simulator.kinds import Error, SilenceInBody
from exporter.simulator.server import Simulator
from tests.aws.conftest import OPTIONS, REGION, Requests, Sent, Wire, answer, issued, read, reader_of, readers_of
from tests.support.certificates import Authority
from tests.support.clock import FakeClock
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
    assert json.loads(described.body) == {"includeCommunications": True, "maxResults": 100}


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


def is_example(told: str) -> bool:
    """Return whether a failure is one of the examples in the table of advice, but for hosts and the operation."""
    return shape(told.split(": ", 2)[2]) in {shape(kind.example.partition(": ")[2]) for kind in KINDS}


def shape(detail: str) -> str:
    return re.sub(r"[\w.-]+:\d+|(?<=resolve )[\w.-]+", "HOST", detail)


async def refused(region: str = REGION, seconds: float = 10) -> str:
    """Return why the exporter's own account cannot be asked for."""
    async with readers_of() as readers:
        with pytest.raises(ReadFailure) as failure:
            await readers.own_account((region,), seconds)
    return str(failure.value)


@pytest.mark.usefixtures("own_keys")
@pytest.mark.parametrize(
    ("setting", "url", "why"),
    [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1", "cannot connect: Connection refused"),
        ("AWS_ENDPOINT_URL_STS", "https://[::1]:1/", "cannot connect: (Connection refused|Cannot assign requested address)"),
        ("AWS_ENDPOINT_URL_STS", "http://nowhere.invalid", "cannot resolve nowhere.invalid: .+"),
        ("endpoint_url of the AWS configuration file", "https://nowhere.invalid", "cannot resolve nowhere.invalid: .+"),
    ],
)
async def test_a_host_that_does_not_answer_is_named_with_its_port_and_with_who_named_it(
    setting: str, url: str, why: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text(f"[default]\nendpoint_url = {url}\n")
    monkeypatch.setenv(*(("AWS_CONFIG_FILE", str(tmp_path / "config")) if " " in setting else (setting, url)))
    parts = urlsplit(url)
    host = re.escape(parts.netloc if parts.port else f"{parts.netloc}:{443 if parts.scheme == 'https' else 80}")
    assert re.fullmatch(
        f"unreachable: GetCallerIdentity: {host}: {why} \\({setting} leads to {host}\\)", told := await refused()
    )
    assert is_example(told) or url != "http://127.0.0.1:1"


@pytest.mark.usefixtures("own_keys")
@pytest.mark.parametrize(
    ("variables", "region", "host"),
    [
        (["AWS_USE_FIPS_ENDPOINT"], "cn-north-1", "sts-fips.cn-north-1.amazonaws.com.cn"),
        (["AWS_USE_DUALSTACK_ENDPOINT"], "us-east-1", "sts.us-east-1.api.aws"),
        (["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"], "us-east-1", "sts-fips.us-east-1.api.aws"),
        (["AWS_CONFIG_FILE"], "eu-west-1", "sts-fips.eu-west-1.amazonaws.com"),
        ([], "us-east-1", "sts.us-east-1.amazonaws.com"),
    ],
)
async def test_an_endpoint_that_does_not_exist_is_told_with_the_setting_that_asked_for_it(
    variables: list[str], region: str, host: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _not_found)
    (tmp_path / "config").write_text("[default]\nuse_fips_endpoint = true\n")
    for name in variables:
        monkeypatch.setenv(name, str(tmp_path / "config") if name == "AWS_CONFIG_FILE" else "true")
    setting = " and ".join(variables).replace("AWS_CONFIG_FILE", "use_fips_endpoint")
    told = await refused(region)
    way = f" ({setting} leads to {host}:443)" if variables else ""
    assert told == f"unreachable: GetCallerIdentity: {host}:443: cannot resolve {host}: Name or service not known{way}"
    assert is_example(told) or region != "cn-north-1"
    assert ("region that has such an endpoint" in advice(Reason.UNREACHABLE, told)) == bool(variables)


NOT_FOUND = b"404 Not Found\r\nContent-Type: text/html"


@pytest.mark.usefixtures("own_keys")
@pytest.mark.parametrize(
    ("service", "head", "body", "why"),
    [
        ("sts", NOT_FOUND, b"<html><h1>404</h1></html>", "AssumeRole: HTTP 404"),
        ("sts", b"405 Not Allowed", b"<Error><Code>MethodNotAllowed</Code></Error>", "AssumeRole: .*"),
        ("sts", b"404 Not Found", b"<UnknownOperationException/>", "AssumeRole: .*"),
        ("sts", b"404 Not Found", b'{"__type": "UnknownOperationException"}', "AssumeRole: .*"),
        ("sts", b"200 OK", b"<!doctype html><p>Welcome", "AssumeRole: HTTP 200, .*"),
        ("support", b"404 Not Found", b'{"message": "no Route matched with those values"}', "DescribeCases: HTTP 404"),
        ("support", b"400 Bad Request", b'{"__type": "UnknownOperationException"}', "DescribeCases: UnknownOperationException"),
        ("support", b"400 Bad Request", b"<ErrorResponse><Error><Code>MissingAction</Code></Error></ErrorResponse>",
         "DescribeCases: .*"),
        ("support", b"200 OK", b"{}", "DescribeCases: .*"),
        ("organizations", b"200 OK", b"<html>", "ListAccounts: HTTP 200, .*"),
        ("organizations", b"403 Forbidden", b"<html>", "ListAccounts: HTTP 403, .*"),
    ],
)  # fmt: skip
async def test_another_service_in_the_place_of_one_is_malformed_and_the_variable_is_named(
    service: str, head: bytes, body: bytes, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Wire(answer) as aws, Wire(lambda _: body, head=head) as other:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service.upper()}", other.url)
        async with readers_of(FakeClock()) as readers:
            with pytest.raises(ReadFailure) as failure:  # noqa: PT012 - the one or the other
                if service == "organizations":
                    _ = [_ async for _ in readers.organization_reader("all", Access(), (REGION,), OPTIONS).pages(10)]
                await readers.reader(ACCOUNT_ID, Access((ROLE,)), (REGION,), OPTIONS).read(10)
    way = f"AWS_ENDPOINT_URL_{service.upper()} leads to 127.0.0.1:{other.port}"
    assert re.fullmatch(f"malformed: {why} \\({way}\\)", str(failure.value))
    assert is_example(str(failure.value)) or head != NOT_FOUND
    assert advice(failure.value.reason, failure.value.detail).startswith(
        f"fix AWS_ENDPOINT_URL_{service.upper()}: the server there"
    )


@pytest.mark.usefixtures("own_keys")
async def test_a_silent_server_is_named_with_the_time_it_was_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}")
        assert (told := await refused(seconds=1)) == f"timeout: GetCallerIdentity: no answer from {host} within 1 s"
        assert is_example(told.replace("1 s", "20 s"))


@pytest.mark.usefixtures("own_keys")
@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "AWS_CONFIG_FILE"])
async def test_the_users_certificates_are_trusted(variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    context, bundle = served_by(Authority(), tmp_path)
    if variable == "AWS_CONFIG_FILE":
        (tmp_path / "config").write_text(f"[default]\nca_bundle = {bundle}\n")
    monkeypatch.setenv(variable, str(tmp_path / "config" if variable == "AWS_CONFIG_FILE" else bundle))
    async with Wire(answer, context) as wire:
        monkeypatch.setenv("AWS_ENDPOINT_URL", wire.url)
        await read_by_role()
    assert len(wire.sent) == 2


@pytest.mark.usefixtures("own_keys")
async def test_a_port_that_speaks_no_tls_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def plain(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://{host}")
        why = "TLS handshake failed (WRONG_VERSION_NUMBER)"
        assert await refused() == f"unreachable: GetCallerIdentity: {host}: {why} (AWS_ENDPOINT_URL leads to {host})"


def served_by(authority: Authority, directory: Path, name: str = "127.0.0.1") -> tuple[ssl.SSLContext, Path]:
    """Return what serves with a certificate of an authority, and a bundle that has the authority."""
    context, bundle = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), directory / "bundle.pem"
    certificate, key = authority.sign(name).write(directory, "server")
    certificate.write_text(certificate.read_text() + authority.certificate)
    context.load_cert_chain(certificate, key)
    bundle.write_text(authority.certificate)
    return context, bundle


@pytest.mark.usefixtures("own_keys")
@pytest.mark.parametrize(
    ("variable", "trusted", "name", "told"),
    [
        (
            None,
            False,
            "127.0.0.1",
            r"certificate not trusted \(self-signed certificate in certificate chain\): set AWS_CA_BUNDLE",
        ),
        ("AWS_CA_BUNDLE", False, "127.0.0.1", r"certificate not trusted \(.+\): check AWS_CA_BUNDLE"),
        ("REQUESTS_CA_BUNDLE", False, "127.0.0.1", r"certificate not trusted \(.+\): check REQUESTS_CA_BUNDLE"),
        ("AWS_CA_BUNDLE", True, "another.example", r"certificate not trusted \(IP address mismatch, .+'127.0.0.1'\)"),
    ],
    ids=["no bundle", "not in the bundle", "not in another's bundle", "of another name"],
)
async def test_a_certificate_that_is_not_trusted_is_told_with_the_variable_that_is_set(
    variable: str | None,
    trusted: bool,  # noqa: FBT001 - a column
    name: str,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    authority = Authority()
    context, bundle = served_by(authority, tmp_path, name)
    if not trusted:
        bundle.write_text(Authority("another").certificate)
    if variable:
        monkeypatch.setenv(variable, str(bundle))
    async with Wire(answer, context) as wire:
        monkeypatch.setenv("AWS_ENDPOINT_URL", wire.url)
        host = f"127.0.0.1:{wire.port}"
        said = await refused()
    assert re.fullmatch(f"unreachable: GetCallerIdentity: {host}: {told} \\(AWS_ENDPOINT_URL leads to {host}\\)", said)
    assert is_example(said.removesuffix(f" (AWS_ENDPOINT_URL leads to {host})")) or variable


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
        with nullcontext() if proxied else pytest.raises(ReadFailure, match=r"cannot resolve aws\.example"):
            await read_by_role()
    assert [sent.target for sent in proxy.sent] == ["http://aws.example/"] * 2 * proxied


UNREADABLE_407 = "HTTP 407, and the answer cannot be read: ResponseParserError"


@pytest.mark.usefixtures("own_keys")
@pytest.mark.parametrize(
    ("variable", "proxy", "head", "why"),
    [
        ("HTTPS_PROXY", "http://jane:hunter2@{}", "407 Proxy Authentication Required", "the proxy answers HTTP 407"),
        ("https_proxy", "{}", "407 Proxy Authentication Required", "the proxy answers HTTP 407"),
        ("http_proxy", "http://jane:hunter2@{}/", "407 Proxy Authentication Required", UNREADABLE_407),
        ("https_proxy", "http://{}", "403 Forbidden", "the proxy answers HTTP 403"),
        ("HTTPS_PROXY", "http://jane:hunter2@127.0.0.1:1", "", "cannot connect to the proxy: Connection refused"),
        ("HTTP_PROXY", "jane:hunter2@proxy.invalid:3128", "", "cannot resolve proxy.invalid: Name or service not known"),
        ("https_proxy", "http://jane:hunter2@127.0.0.1:none", "", "connection lost: InvalidURL"),
    ],
)
async def test_a_proxy_is_named_without_its_password_and_407_is_told(
    variable: str, proxy: str, head: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, way = "sts.us-east-1.amazonaws.com:443", ""
    if "http_proxy" in variable.lower():
        host = "sts.aws.example:80"
        way = f"AWS_ENDPOINT_URL_STS leads to {host}; "
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://sts.aws.example")
    monkeypatch.setattr(socket, "getaddrinfo", _only_addresses)
    async with Wire(lambda _: b"<html>", head=head.encode()) as wire:
        url = proxy.format(f"127.0.0.1:{wire.port}")
        monkeypatch.setenv(variable, url)
        told = await refused()
    through = "what is no URL" if url.endswith("none") else re.sub(r".*[@/](?=.)", "", url).rstrip("/")
    where = "" if why == UNREADABLE_407 else f"{host}: "
    assert told == f"unreachable: GetCallerIdentity: {where}{why} ({way}{variable} leads through {through})"
    assert is_example(told) or variable != "HTTPS_PROXY"
    assert "NO_PROXY" in advice(Reason.UNREACHABLE, told)
    asks_for_password = [sent.headers.get("proxy-authorization", "") for sent in wire.sent]
    assert asks_for_password == [f"Basic {b64encode(b'jane:hunter2').decode()}" if "hunter2" in proxy else ""] * bool(head)


_look_up = socket.getaddrinfo


def _only_addresses(host: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - getaddrinfo's many arguments
    return _look_up(host, *args, **options) if host[0].isdigit() else _not_found()


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
    assert done.stdout == "timeout: GetCallerIdentity: no answer from aws.example:80 within 3 s\n"
    assert time.monotonic() - started < 30


async def test_where_sts_is_not_active_the_next_region_is_asked_once(simulator: Simulator, account: Account) -> None:
    disabled = Error(403, "RegionDisabledException", "STS is not activated in this region for account:999999999999.")
    first = simulator.faults.add(Fault(disabled, "AssumeRole", region="us-west-2"))
    assert len((await read(account, regions=("us-west-2", "us-east-1"))).cases) == 1
    everywhere = simulator.faults.add(Fault(disabled, "AssumeRole"))
    with pytest.raises(ReadFailure, match=r"^assume_role_denied: AssumeRole: RegionDisabledException$"):
        await read(account, regions=("us-west-2", "us-east-1", "eu-west-1"))
    assert (first.hits, everywhere.hits) == (1, 3)


WHO = "User: arn:aws:sts::999999999999:assumed-role/SSO/jane@example.com is not authorized to perform: sts:"
ON = f"on resource: {ROLE}"
SCP = "arn:aws:organizations::999999999999:policy/o-abc/service_control_policy/p-abc"


@pytest.mark.parametrize(
    ("code", "message", "says", "to_do"),
    [
        ("AccessDenied", f"{WHO}AssumeRole {ON}", f"sts:AssumeRole {ON}", "create the role"),
        ("AccessDenied", f"{WHO}TagSession {ON}", f"sts:TagSession {ON}", "allow sts:TagSession"),
        ("AccessDenied", f"{WHO}AssumeRole {ON} with an explicit deny in a service control policy: {SCP}", f"policy: {SCP}",
         "exempt sts:AssumeRole"),
        ("AccessDenied", f"{WHO}AssumeRole because no service control policy allows the sts:AssumeRole action", "action",
         "exempt sts:AssumeRole"),
        ("AccessDenied", f"{WHO}AssumeRole {ON} with an explicit deny in a permissions boundary", "permissions boundary",
         "also allow sts:AssumeRole in the permissions boundary"),
        ("AccessDenied", f"{WHO}AssumeRole with an explicit deny in the role trust policy", "role trust policy",
         "allow the exporter's own role or user sts:AssumeRole"),
        ("PackedPolicyTooLarge", "Packed size of session tags consumes 112% of allotted space.", "PackedPolicyTooLarge",
         "set disableSessionTags"),
    ],
)  # fmt: skip
async def test_what_sts_refuses_has_a_sentence_of_its_own_and_names_nobody(
    code: str, message: str, says: str, to_do: str, simulator: Simulator, account: Account
) -> None:
    simulator.faults.add(Fault(Error(403, code, message), operation="AssumeRole"))
    with pytest.raises(ReadFailure) as failure:
        await read(account)
    assert str(failure.value).startswith(f"assume_role_denied: AssumeRole: {code}")
    assert failure.value.detail.endswith(says)
    assert advice(failure.value.reason, failure.value.detail).startswith(to_do)
    assert "jane" not in str(failure.value)


async def test_each_request_is_told_with_its_outcome(simulator: Simulator, account: Account) -> None:
    requests = Requests()
    async with readers_of(requests=requests) as readers:
        reader = reader_of(account, readers)
        await reader.read(10)
        simulator.faults.add(Fault(SilenceInBody(), operation="DescribeCases"))
        with pytest.raises(ReadFailure):
            await reader.read(0.1)
    assert requests.ended == [("AssumeRole", None), ("DescribeCases", None), ("DescribeCases", Reason.TIMEOUT)]
