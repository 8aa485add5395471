import json
import socket
import time
from collections.abc import Callable
from http.client import HTTPResponse
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ReadTimeoutError,
)
from mypy_boto3_organizations import OrganizationsClient
from mypy_boto3_sts import STSClient
from mypy_boto3_support import SupportClient

from exporter.simulator import (
    Body,
    ConnectionClosed,
    ConnectionReset,
    CutOffBody,
    Drip,
    Error,
    Fault,
    Fleet,
    HtmlPage,
    HugeBody,
    Latency,
    Page,
    Silence,
    SilenceInBody,
    Simulator,
    Throttled,
    Tokens,
    Truncated,
    WrongTypes,
)
from exporter.simulator.faults import Kind

Serve = Callable[..., Simulator]
Support = Callable[..., SupportClient]
Organizations = Callable[..., OrganizationsClient]
Sts = Callable[..., STSClient]
CodeOf = Callable[[Callable[[], object]], str]


@pytest.fixture
def simulator(fleet: Fleet, serve: Serve) -> Simulator:
    account = fleet.add_account()
    for _ in range(12):
        account.add_case(body="x" * 100)
    return serve(fleet)


BUSY = 2.0
"""Seconds within which a busy machine, too, sends what there is to send."""


def signed_request(simulator: Simulator) -> bytes:
    """Return a DescribeCases request as bytes, for a socket."""
    key = simulator.fleet.base_key
    headers = {
        "Host": urlsplit(simulator.url).netloc,
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "AWSSupport_20130415.DescribeCases",
    }
    request = AWSRequest("POST", simulator.url + "/", headers=headers, data=b"{}")
    SigV4Auth(Credentials(key.access_key_id, key.secret_access_key), "support", "us-east-1").add_auth(request)
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    return "\r\n".join(["POST / HTTP/1.1", *lines, "Content-Length: 2", "", "{}"]).encode()


def received(simulator: Simulator, seconds: float = 0.3) -> tuple[bytes, str]:
    """Return what one request brings, and how it ends: `closed`, `reset` or `silent`."""
    address = urlsplit(simulator.url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=seconds) as client:
        client.sendall(signed_request(simulator))
        data = b""
        try:
            while chunk := client.recv(65536):
                data += chunk
        except ConnectionResetError:
            return data, "reset"
        except TimeoutError:
            return data, "silent"
    return data, "closed"


def whole_answer(simulator: Simulator) -> tuple[bytes, int]:
    """Return the body of an answer that is complete, and the length that its head claims."""
    address = urlsplit(simulator.url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as client:
        client.sendall(signed_request(simulator))
        response = HTTPResponse(client)
        response.begin()
        return response.read(), int(response.headers["Content-Length"])


def body_and_claimed_length(data: bytes) -> tuple[bytes, int]:
    head, _, body = data.partition(b"\r\n\r\n")
    return body, int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])


def test_without_faults_a_socket_gets_one_complete_answer(simulator: Simulator) -> None:
    data, ending = received(simulator, BUSY)
    body, claimed = body_and_claimed_length(data)
    assert data.startswith(b"HTTP/1.1 200 OK\r\n")
    assert (len(body), ending) == (claimed, "silent")


@pytest.mark.parametrize(
    ("kind", "ending"), [(ConnectionReset(), "reset"), (ConnectionClosed(), "closed"), (Silence(), "silent")]
)
def test_connection_ends_before_an_answer(simulator: Simulator, kind: Kind, ending: str) -> None:
    simulator.faults.add(Fault(kind))
    assert received(simulator) == (b"", ending)
    assert [record.status for record in simulator.log.records()] == [0]


@pytest.mark.parametrize(("kind", "ending"), [(SilenceInBody(), "silent"), (CutOffBody(), "closed")])
def test_body_stops_halfway(simulator: Simulator, kind: Kind, ending: str) -> None:
    simulator.faults.add(Fault(kind))
    data, seen = received(simulator, BUSY)
    body, claimed = body_and_claimed_length(data)
    assert (len(body), seen) == (claimed // 2, ending)


def test_answer_drips_byte_by_byte(simulator: Simulator) -> None:
    handle = simulator.faults.add(Fault(Drip(60.0)))
    assert received(simulator, BUSY) == (b"H", "silent")
    handle.remove()
    simulator.faults.add(Fault(Drip(0.0)))
    body, claimed = whole_answer(simulator)
    assert len(body) == claimed


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (ConnectionReset(), ConnectionClosedError),
        (ConnectionClosed(), ConnectionClosedError),
        (Silence(), ReadTimeoutError),
        (SilenceInBody(), ReadTimeoutError),
        (Latency(5.0), ReadTimeoutError),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_botocore_sees_the_fault(simulator: Simulator, support: Support, kind: Kind, error: type[BotoCoreError]) -> None:
    simulator.faults.add(Fault(kind))
    with pytest.raises(error):
        support(simulator).describe_cases()


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (Throttled(), 400, "ThrottlingException"),
        (Error(500, "InternalServerError"), 500, "InternalServerError"),
        (Error(503, "ServiceUnavailable"), 503, "ServiceUnavailable"),
        (Error(400, "SubscriptionRequiredException"), 400, "SubscriptionRequiredException"),
        (Error(400, "RequestExpired"), 400, "RequestExpired"),
    ],
)
def test_aws_refuses_on_demand(simulator: Simulator, support: Support, kind: Kind, status: int, code: str) -> None:
    simulator.faults.add(Fault(kind))
    with pytest.raises(ClientError) as caught:
        support(simulator).describe_cases()
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert simulator.log.records()[0].status == status


@pytest.mark.parametrize(
    "kind",
    [CutOffBody(), Truncated(), Body(b"{not json"), Body(), HtmlPage()],
    ids=repr,
)
def test_botocore_takes_a_broken_body_for_an_answer_without_cases(simulator: Simulator, support: Support, kind: Kind) -> None:
    simulator.faults.add(Fault(kind))
    assert "cases" not in support(simulator).describe_cases()


def test_odd_values_can_be_kept_to_some_fields(simulator: Simulator, support: Support) -> None:
    simulator.faults.add(Fault(WrongTypes(fields=("status", "timeCreated"))))
    cases = support(simulator).describe_cases()["cases"]
    odd: list[object] = [cases[0]["status"], cases[0]["timeCreated"]]
    assert odd == [17, -1.5e300]
    assert cases[1]["severityCode"] == "normal"


def test_every_field_takes_every_odd_type(simulator: Simulator) -> None:
    seen = set()
    for offset in range(11):
        handle = simulator.faults.add(Fault(WrongTypes(offset)))
        body, _ = whole_answer(simulator)
        handle.remove()
        seen |= {type(value) for value in json.loads(body)["cases"][0].values()}
    assert seen == {int, float, type(None), bool, list, dict, str}


def test_huge_body_is_as_long_as_it_says(simulator: Simulator) -> None:
    simulator.faults.add(Fault(HugeBody(3)))
    body, claimed = whole_answer(simulator)
    assert len(body) == claimed
    assert 3_000_000 <= claimed < 3_100_000


def test_tokens_never_end(simulator: Simulator, support: Support, organizations: Organizations) -> None:
    client = support(simulator)

    def tokens(kind: Tokens) -> list[str]:
        handle = simulator.faults.add(Fault(kind))
        seen: list[str] = []
        for _ in range(4):
            page = client.describe_cases(nextToken=seen[-1]) if seen else client.describe_cases()
            assert len(page["cases"]) == 10
            seen.append(page["nextToken"])
        handle.remove()
        return seen

    assert tokens(Tokens.repeating("same")) == ["same"] * 4
    assert tokens(Tokens.repeating("a", "b")) == ["a", "b", "a", "b"]
    assert len(set(tokens(Tokens.endless()))) == 4
    simulator.faults.add(Fault(Tokens.repeating("same")))
    assert organizations(simulator).list_accounts(NextToken="same")["NextToken"] == "same"


@pytest.mark.parametrize("kind", [WrongTypes(), Tokens.endless()], ids=["types", "tokens"])
def test_fault_of_a_document_leaves_xml_and_refusals_alone(
    simulator: Simulator, support: Support, sts: Sts, code_of: CodeOf, kind: Kind
) -> None:
    simulator.faults.add(Fault(kind))
    assert sts(simulator).get_caller_identity()["Account"] == simulator.fleet.base_account.account_id
    client = support(simulator)
    assert code_of(lambda: client.describe_cases(caseIdList=["case-1"])) == "CaseIdNotFound"


@pytest.mark.parametrize("latency_seconds", [0.0, 60.0], ids=["fault", "always"])
def test_request_that_the_client_gives_up_is_logged(fleet: Fleet, serve: Serve, latency_seconds: float) -> None:
    fleet.add_account()
    simulator = serve(fleet, latency_seconds=latency_seconds)
    simulator.faults.add(Fault(Latency(60.0)))
    assert received(simulator) == (b"", "silent")
    simulator.stop()
    assert [(record.operation, record.status) for record in simulator.log.records()] == [("DescribeCases", 0)]


def test_latency_comes_before_the_answer_or_another_fault(simulator: Simulator, support: Support, code_of: CodeOf) -> None:
    client = support(simulator)
    simulator.faults.add(Fault(Latency(0.1)))
    before = time.monotonic()
    client.describe_cases()
    simulator.faults.add(Fault(Latency(0.1, then=Throttled())))
    assert code_of(client.describe_cases) == "ThrottlingException"
    assert 0.2 <= time.monotonic() - before < 5


def test_fault_strikes_only_what_it_is_for(fleet: Fleet, serve: Serve, support: Support, code_of: CodeOf) -> None:
    account, other = fleet.add_account(), fleet.add_account()
    for _ in range(11):
        account.add_case()
    simulator = serve(fleet)
    here, there = support(simulator), support(simulator, region="eu-west-1")
    stranger = support(simulator, fleet.add_access_key(other))
    token = here.describe_cases()["nextToken"]
    calls: dict[str, Callable[[], object]] = {
        "first page": here.describe_cases,
        "later page": lambda: here.describe_cases(nextToken=token),
        "other operation": here.describe_severity_levels,
        "other region": there.describe_cases,
        "other account": stranger.describe_cases,
    }

    def struck(**conditions: object) -> set[str]:
        handle = simulator.faults.add(Fault(Throttled(), **conditions))  # type: ignore[arg-type]  # a condition each
        names = set()
        for name, call in calls.items():
            try:
                call()
            except ClientError:
                names.add(name)
        handle.remove()
        handle.remove()
        return names

    assert struck() == set(calls)
    assert struck(operation="DescribeSeverityLevels") == {"other operation"}
    assert struck(region="eu-west-1") == {"other region"}
    assert struck(account_id=other.account_id) == {"other account"}
    assert struck(page=Page.LATER) == {"later page"}
    assert struck(page=Page.FIRST, operation="DescribeCases", region="us-east-1", account_id=account.account_id) == {
        "first page"
    }
    assert struck(times=2) == {"first page", "later page"}
    assert struck(probability=0.0) == set()
    assert code_of(lambda: here.describe_cases(caseIdList=["case-1"])) == "CaseIdNotFound"


def test_probability_is_the_share_of_requests(simulator: Simulator, support: Support) -> None:
    client = support(simulator)
    handle = simulator.faults.add(Fault(Body(), probability=0.5))
    for _ in range(60):
        client.describe_cases()
    assert 15 < handle.hits < 45


def test_fault_added_last_strikes_and_all_can_be_cleared(simulator: Simulator, support: Support, code_of: CodeOf) -> None:
    client = support(simulator)
    simulator.faults.add(Fault(Throttled()))
    simulator.faults.add(Fault(Error(400, "RequestExpired"), times=1))
    assert code_of(client.describe_cases) == "RequestExpired"
    assert code_of(client.describe_cases) == "ThrottlingException"
    simulator.faults.clear()
    client.describe_cases()


def test_region_that_is_down_leaves_the_others_up(simulator: Simulator, support: Support) -> None:
    simulator.faults.add(Fault(ConnectionReset(), region="us-east-1"))
    with pytest.raises(ConnectionClosedError):
        support(simulator).describe_cases()
    support(simulator, region="us-west-2").describe_cases()
    regions = [(record.region, record.status) for record in simulator.log.records()]
    assert regions == [("us-east-1", 0), ("us-west-2", 200)]


def test_retries_are_counted_one_by_one(simulator: Simulator, support: Support) -> None:
    simulator.faults.add(Fault(Error(500, "InternalServerError"), times=1))
    support(simulator, attempts=2).describe_cases()
    assert [record.status for record in simulator.log.records("DescribeCases")] == [500, 200]
    assert simulator.log.counts() == {"DescribeCases": 2}
    simulator.log.clear()
    assert simulator.log.records() == []
