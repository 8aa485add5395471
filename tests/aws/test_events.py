"""Events as they come through SQS: on the wire, and what is made of a message."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from exporter.aws.events import EventQueue, content_of
from exporter.cases.events import Event, Ignored
from exporter.cases.model import Access, Reason
from exporter.errors import ReadFailure
from exporter.simulator import sqs
from exporter.simulator.corruptions import Body, HtmlPage
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.kinds import CutOffBody, Error
from exporter.simulator.server import Simulator
from tests.aws.conftest import ACCOUNT_ID, OPTIONS, REGION, SetEnv, Wire, readers_of

URL = "https://sqs.us-east-1.amazonaws.com/999999999999/aws-support-events"
CASE_ID = f"case-{ACCOUNT_ID}-muen-2026-0123456789abcdef"
DETAIL = {
    "case-id": CASE_ID,
    "display-id": "1234563851",
    "communication-id": "ABCD",
    "event-name": "AddCommunicationToCase",
    "origin": "AWS",
}
MESSAGE = {
    "version": "0",
    "id": "3433df007-9285-55a3-f6d1-536944be45d7",
    "detail-type": "Support Case Update",
    "source": "aws.support",
    "account": ACCOUNT_ID,
    "time": "2026-02-21T15:51:19Z",
    "region": "us-east-1",
    "resources": [],
    "detail": DETAIL,
}
AT = 1_771_689_079.0
COMMUNICATION = Event(ACCOUNT_ID, "AddCommunicationToCase", "aws", CASE_ID, AT)


@asynccontextmanager
async def queue_of(url: str = URL) -> AsyncIterator[EventQueue]:
    async with readers_of() as readers:
        yield readers.event_queue(url, REGION, Access(), OPTIONS)


def without(*names: str, **changed: object) -> str:
    return json.dumps({name: value for name, value in (MESSAGE | changed).items() if name not in names})


@pytest.mark.parametrize(
    ("body", "content"),
    [
        (without(), COMMUNICATION),
        (
            without(detail=DETAIL | {"event-name": "ResolveCase", "origin": "", "communication-id": ""}),
            Event(ACCOUNT_ID, "ResolveCase", "", CASE_ID, AT),
        ),
        (without("account"), COMMUNICATION),
        (without(account=111122223333), COMMUNICATION),
        (without("detail", "detail-type", "time"), Event(ACCOUNT_ID)),
        (without(detail="text", time=17), Event(ACCOUNT_ID)),
        (without(detail={"event-name": "Brand\nNew", "origin": 3, "case-id": [1]}), Event(ACCOUNT_ID, at=AT)),
        (without("account", detail={"case-id": "case-12-x"}), Ignored.MALFORMED),
        (without(account="\uff11" * 12, detail={}), Ignored.MALFORMED),
        (without(**{"detail-type": "EC2 Instance State-change Notification"}), Ignored.OTHER_EVENT),
        *((body, Ignored.MALFORMED) for body in ("", "certainly not", "[]", "null", "[" * 100_000, None, "\ud800")),
    ],
)
def test_what_is_made_of_a_message(body: object, content: Event | Ignored) -> None:
    assert content_of(body) == content


async def test_events_are_received_and_exactly_these_are_deleted(simulator: Simulator) -> None:
    events = simulator.fleet.send_events()
    case = simulator.fleet.account(ACCOUNT_ID).add_case(body="Help.")
    for _ in range(11):
        case.add_communication()
    async with queue_of() as queue:
        await queue.probe()
        assert len(events.bodies) == 12, "a probe takes nothing away"
        received = await queue.receive(5)
        assert [content.name for _, content in received if isinstance(content, Event)] == [
            "CreateCase",
            *["AddCommunicationToCase"] * 9,
        ]
        await queue.delete([handle for handle, _ in received][:7])
        assert len(events.bodies) == 12 - 7
        assert len(await queue.receive(5)) == 2, "those that were received are hidden for a while"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Error(400, "com.amazonaws.sqs#QueueDoesNotExist"), Reason.ACCESS_DENIED),
        (Error(503, "ServiceUnavailable"), Reason.SERVER_ERROR),
        (CutOffBody(), Reason.UNREACHABLE),
        (Body(), Reason.MALFORMED),
        (HtmlPage(), Reason.MALFORMED),
    ],
    ids=["no queue", "503", "cut off", "empty", "a web page"],
)
async def test_each_fault_has_its_reason_and_its_end(kind: Kind, reason: Reason, simulator: Simulator) -> None:
    queue_of_aws = simulator.fleet.send_events()
    async with queue_of() as queue:
        for operation in ("ReceiveMessage", "DeleteMessageBatch"):
            fault = simulator.faults.add(Fault(kind, operation))
            with pytest.raises(ReadFailure, match=operation) as caught:
                await (queue.receive(1) if operation == "ReceiveMessage" else queue.delete(["handle-0"]))
            assert caught.value.reason is reason, caught.value.detail
            assert fault.hits <= 2, "whoever receives tries again"
        simulator.faults.clear()
        queue_of_aws.send(json.dumps(MESSAGE))
        assert await queue.receive(1)


@pytest.mark.usefixtures("own_keys")
async def test_a_queue_is_asked_in_json_1_0(env: SetEnv) -> None:
    async with Wire(lambda _: b"{}") as wire:
        url = f"{wire.url}/000000000000/events"
        env("AWS_ENDPOINT_URL_SQS", wire.url)
        async with queue_of(url) as queue:
            assert await queue.receive(7) == []
    (sent,) = wire.sent
    assert sent.target == "/"
    assert sent.headers["x-amz-target"] == "AmazonSQS.ReceiveMessage"
    assert sent.headers["content-type"] == "application/x-amz-json-1.0"
    assert "/us-east-1/sqs/aws4_request" in sent.headers["authorization"]
    assert json.loads(sent.body) == {
        "QueueUrl": url,
        "MaxNumberOfMessages": 10,
        "WaitTimeSeconds": 7,
        "VisibilityTimeout": 30,
    }


def test_the_simulator_writes_events_as_aws_documents_them(simulator: Simulator) -> None:
    case = simulator.fleet.account(ACCOUNT_ID).cases[0]
    written = json.loads(sqs.event(case, "AddCommunicationToCase", AT, "Amazon Web Services", "ABCD"))
    assert written.keys() == MESSAGE.keys()
    assert written["detail"].keys() == DETAIL.keys()
    assert written["time"] == MESSAGE["time"]
