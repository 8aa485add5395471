import json
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from exporter.simulator import kinds
from exporter.simulator.account import Account
from exporter.simulator.corruptions import Body, HtmlPage, HugeBody, Tokens, Truncated, WrongTypes
from exporter.simulator.faults import Fault, Kind, Page
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import Drip, Error, Latency, Silence, Throttled
from exporter.simulator.server import Simulator
from tests.simulator.conftest import ACCOUNT_ID, Connect, Serve, code_of

SILENT_AFTER = 0.3
PATIENCE = 10.0


@pytest.fixture(autouse=True)
def _cases(account: Account) -> None:
    for _ in range(12):
        account.add_case(body="x" * 100)


@pytest.fixture
def secure(serve: Serve, certificate: tuple[Path, Path]) -> Simulator:
    return serve(tls=certificate)


def ask(simulator: Simulator, timeout: float = PATIENCE) -> socket.socket:
    """Return a connection on which a DescribeCases request has been sent."""
    environment, address = simulator.environment(), urlsplit(simulator.url)
    headers = {
        "Host": address.netloc,
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "AWSSupport_20130415.DescribeCases",
    }
    request = AWSRequest("POST", simulator.url + "/", headers=headers, data=b"{}")
    credentials = Credentials(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
    SigV4Auth(credentials, "support", "us-east-1").add_auth(request)
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    client = socket.create_connection((address.hostname or "", address.port or 0), timeout=timeout)
    if address.scheme == "https":
        context = ssl.create_default_context(cafile=environment["AWS_CA_BUNDLE"])
        client = context.wrap_socket(client, server_hostname=address.hostname, suppress_ragged_eofs=False)
    client.sendall("\r\n".join(["POST / HTTP/1.1", *lines, "Content-Length: 2", "", "{}"]).encode())
    return client


def received(simulator: Simulator, first_byte_within: float = PATIENCE) -> tuple[bytes, str]:
    """Return what one request brings, and how it ends: `closed`, `reset` or `silent`."""
    data = b""
    with ask(simulator, first_byte_within) as client:
        try:
            while chunk := client.recv(65536):
                data += chunk
                client.settimeout(SILENT_AFTER)
        except (ConnectionResetError, ssl.SSLEOFError):
            return data, "reset"
        except TimeoutError:
            return data, "silent"
    return data, "closed"


def whole_answer(simulator: Simulator, kind: Kind | None = None) -> tuple[bytes, int, str]:
    """Return the body, the status and the type of an answer that is as long as its head claims."""
    handle = simulator.faults.add(Fault(kind)) if kind else None
    with ask(simulator) as client:
        response = HTTPResponse(client)
        response.begin()
        body = response.read()
    assert len(body) == int(response.headers["Content-Length"])
    if handle:
        handle.remove()
    return body, response.status, response.headers["Content-Type"]


@pytest.mark.parametrize("wire", ["simulator", "secure"])
@pytest.mark.parametrize(
    ("kind", "data", "ending", "status"),
    [
        (kinds.ConnectionReset(), b"", "reset", 0),
        (kinds.ConnectionClosed(), b"", "closed", 0),
        (Silence(), b"", "silent", 0),
        (Drip(60.0), b"H", "silent", 200),
    ],
)
def test_connection_ends_before_an_answer(
    request: pytest.FixtureRequest, wire: str, kind: Kind, data: bytes, ending: str, status: int
) -> None:
    simulator = request.getfixturevalue(wire)
    simulator.faults.add(Fault(kind))
    assert received(simulator, PATIENCE if data or ending != "silent" else SILENT_AFTER) == (data, ending)
    assert [record.status for record in simulator.log.records()] == [status]


@pytest.mark.parametrize("wire", ["simulator", "secure"])
@pytest.mark.parametrize(
    ("kind", "share", "ending"),
    [
        (None, 1, "silent"),
        (kinds.SilenceInBody(), 2, "silent"),
        (kinds.CutOffBody(), 2, "closed"),
        (kinds.ResetInBody(), 2, "reset"),
        (Drip(0.0), 1, "closed"),
    ],
)
def test_body_arrives_whole_or_stops_halfway(
    request: pytest.FixtureRequest, wire: str, kind: Kind | None, share: int, ending: str
) -> None:
    simulator = request.getfixturevalue(wire)
    if kind is not None:
        simulator.faults.add(Fault(kind))
    data, seen = received(simulator)
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    claimed = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    assert (len(body), seen) == (claimed // share, ending)


def test_body_is_another_one(simulator: Simulator) -> None:
    right, _, content_type = whole_answer(simulator)
    assert content_type == "application/x-amz-json-1.1"
    assert whole_answer(simulator, Truncated()) == (right[: len(right) // 2], 200, content_type)
    assert whole_answer(simulator, Body(b"{not json", 502)) == (b"{not json", 502, content_type)
    page, status, content_type = whole_answer(simulator, HtmlPage())
    assert (page[:9], status, content_type) == (b"<!DOCTYPE", 200, "text/html")
    assert 3_000_000 <= len(whole_answer(simulator, HugeBody(3))[0]) < 3_100_000


def test_fields_take_every_odd_type(simulator: Simulator) -> None:
    def cases(kind: WrongTypes) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(whole_answer(simulator, kind)[0])["cases"]
        return found

    seen = {type(value) for offset in range(11) for value in cases(WrongTypes(offset))[0].values()}
    assert seen == {int, float, type(None), bool, list, dict, str}
    some = cases(WrongTypes(fields=("status", "timeCreated")))
    assert (some[0]["status"], some[0]["timeCreated"], some[1]["severityCode"]) == (17, -1.5e300, "normal")


def test_tokens_never_end(simulator: Simulator, connect: Connect) -> None:
    client = connect("support")

    def tokens(kind: Tokens) -> list[str]:
        simulator.faults.add(Fault(kind))
        seen: list[str] = []
        for _ in range(4):
            page = client.describe_cases(nextToken=seen[-1]) if seen else client.describe_cases()
            assert len(page["cases"]) == 10
            seen.append(page["nextToken"])
        return seen

    assert tokens(Tokens.repeating("a", "b")) == ["a", "b", "a", "b"]
    assert len(set(tokens(Tokens.endless()))) == 4
    simulator.faults.add(Fault(Tokens.repeating("same")))
    assert connect("organizations").list_accounts(NextToken="same")["NextToken"] == "same"


@pytest.mark.parametrize("kind", [WrongTypes(), Tokens.endless()], ids=["types", "tokens"])
def test_fault_of_a_document_leaves_xml_and_refusals_alone(simulator: Simulator, connect: Connect, kind: Kind) -> None:
    simulator.faults.add(Fault(kind))
    assert connect("sts").get_caller_identity()["Account"] == ACCOUNT_ID
    assert code_of(connect("support").describe_cases, caseIdList=["case-1"]) == "CaseIdNotFound"


def test_fault_uses_the_query_protocols_own_codes(simulator: Simulator, connect: Connect) -> None:
    simulator.faults.add(Fault(Error(403, "AccessDeniedException", "no <way>")))
    assert code_of(connect("sts").get_caller_identity) == "AccessDenied"


@pytest.mark.parametrize("latency_seconds", [0.0, 60.0], ids=["fault", "always"])
def test_request_that_the_client_gives_up_is_logged(serve: Serve, latency_seconds: float) -> None:
    simulator = serve(latency_seconds=latency_seconds)
    simulator.faults.add(Fault(Latency(60.0)))
    assert received(simulator, SILENT_AFTER) == (b"", "silent")
    simulator.stop()
    assert [(record.operation, record.status) for record in simulator.log.records()] == [("DescribeCases", 0)]


def test_latency_comes_before_the_answer_or_another_fault(simulator: Simulator, connect: Connect) -> None:
    client = connect("support")
    simulator.faults.add(Fault(Latency(0.1)))
    before = time.monotonic()
    client.describe_cases()
    simulator.faults.add(Fault(Latency(0.1, then=Throttled())))
    assert code_of(client.describe_cases) == "ThrottlingException"
    assert 0.2 <= time.monotonic() - before < 5


def test_fault_strikes_only_what_it_is_for(fleet: Fleet, account: Account, simulator: Simulator, connect: Connect) -> None:
    other = fleet.add_account()
    here, there = connect("support"), connect("support", region="eu-west-1")
    stranger, base = connect("support", fleet.add_access_key(other)), connect("sts")
    token = here.describe_cases()["nextToken"]
    calls: dict[str, Callable[[], object]] = {
        "first page": here.describe_cases,
        "later page": lambda: here.describe_cases(nextToken=token),
        "other operation": lambda: here.describe_communications(caseId=account.cases[0].case_id),
        "other region": there.describe_cases,
        "other account": stranger.describe_cases,
        "role of the other": lambda: base.assume_role(RoleArn=other.role_arn(), RoleSessionName="me"),
    }

    def struck(**conditions: object) -> set[str]:
        handle = simulator.faults.add(Fault(Throttled(), **conditions))  # type: ignore[arg-type]  # a condition each
        names = set(calls)
        for name, call in calls.items():
            with suppress(ClientError):
                call()
                names.remove(name)
        assert handle.hits == len(names)
        handle.remove()
        return names

    assert struck() == set(calls)
    assert struck(operation="DescribeCommunications") == {"other operation"}
    assert struck(region="eu-west-1") == {"other region"}
    assert struck(account_id=other.account_id) == {"other account", "role of the other"}
    assert struck(page=Page.LATER) == {"later page"}
    first_page = {"page": Page.FIRST, "operation": "DescribeCases", "region": "us-east-1", "account_id": ACCOUNT_ID}
    assert struck(**first_page) == {"first page"}
    assert struck(times=2) == {"first page", "later page"}
    assert struck(probability=0.0) == set()


def test_probability_is_the_share_of_requests(simulator: Simulator, connect: Connect) -> None:
    client = connect("support")
    handle = simulator.faults.add(Fault(Body(), probability=0.5))
    for _ in range(60):
        client.describe_cases()
    assert 15 < handle.hits < 45


def test_fault_added_last_strikes_and_all_can_be_cleared(simulator: Simulator, connect: Connect) -> None:
    client = connect("support")
    simulator.faults.add(Fault(Throttled()))
    simulator.faults.add(Fault(Error(503, "ServiceUnavailable"), times=1))
    assert code_of(client.describe_cases) == "ServiceUnavailable"
    assert code_of(client.describe_cases) == "ThrottlingException"
    simulator.faults.clear()
    client.describe_cases()
    assert [record.status for record in simulator.log.records("DescribeCases")] == [503, 400, 200]
    simulator.log.clear()
    assert simulator.log.records() == []
