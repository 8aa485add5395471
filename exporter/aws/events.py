"""Receiving AWS's events from an SQS queue."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from exporter.aws.client import Client, Parser, Service
from exporter.aws.errors import RequestFailure
from exporter.aws.parse import ACCOUNT_ID, decoded, timestamp
from exporter.aws.retry import CredentialSource, time_limit
from exporter.cases.events import EVENT_NAMES, ORIGINS, OTHER, Event, Ignored, Message
from exporter.cases.model import Reason

BATCH = 10
"""Messages that SQS gives, and deletes, at a time."""
_HIDDEN_SECONDS = 30
"""After which SQS gives a message again that was not deleted, whatever the queue's own setting."""
_MARGIN = 5.0
"""Seconds that a request may take besides waiting; one that hangs must not keep a queue that is back from being heard."""
_DETAIL_TYPE = "Support Case Update"
_CASE_ID = re.compile(r"case-([0-9]{12})-.{1,200}", re.ASCII)


@dataclass(eq=False)
class EventQueue:
    """A queue of events; it is tried once: whoever receives tries again."""

    url: str
    client: Client
    service: Service
    credentials: CredentialSource

    async def receive(self, wait: int) -> tuple[Message, ...]:
        """Return what there is, up to `BATCH`, or raise ReadFailure; wait (seconds) for the first where there is nothing."""
        parameters = {"MaxNumberOfMessages": BATCH, "WaitTimeSeconds": wait, "VisibilityTimeout": _HIDDEN_SECONDS}
        found: tuple[Message, ...] = await self._call("ReceiveMessage", parameters, messages, wait)
        return found

    async def delete(self, handles: Sequence[str]) -> None:
        entries = [{"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(handles)]
        await self._call("DeleteMessageBatch", {"Entries": entries}, check_deleted)

    async def probe(self) -> None:
        """Raise ReadFailure if messages cannot be received or deleted; none is taken from whoever consumes them."""
        parameters = {"MaxNumberOfMessages": 1, "WaitTimeSeconds": 0, "VisibilityTimeout": 0}
        await self._call("ReceiveMessage", parameters, messages)
        await self._call("DeleteMessageBatch", {"Entries": [{"Id": "0", "ReceiptHandle": "none"}]}, check_deleted)

    async def _call(self, operation: str, parameters: Mapping[str, object], parse: Parser, wait: float = 0.0) -> Any:  # noqa: ANN401 - as parsed
        given = {"QueueUrl": self.url, **parameters}
        ends = asyncio.get_running_loop().time() + wait + _MARGIN
        async with time_limit("events", ends) as caller:
            retries = self.client.retries((self.service,), self.credentials, caller)
            return await retries.call(
                lambda service, credentials: self.client.request(service, operation, given, credentials, caller, parse)
            )


class _Message(msgspec.Struct, rename="pascal"):
    receipt_handle: str
    body: Any = None


class _Received(msgspec.Struct, rename="pascal"):
    messages: list[_Message] | None = None


class _Failed(msgspec.Struct, rename="pascal"):
    code: Any = None
    sender_fault: Any = None


class _Deleted(msgspec.Struct, rename="pascal"):
    failed: list[_Failed] | None = None


class _Detail(msgspec.Struct, rename="kebab"):
    case_id: Any = None
    communication_id: Any = None
    event_name: Any = None
    origin: Any = None


class _Event(msgspec.Struct, rename="kebab"):
    detail_type: Any = None
    account: Any = None
    time: Any = None
    detail: Any = None


_RECEIVED = msgspec.json.Decoder(_Received)
_DELETED = msgspec.json.Decoder(_Deleted)
_EVENT = msgspec.json.Decoder(_Event)


def messages(body: bytes) -> tuple[Message, ...]:
    """Parse the body of a ReceiveMessage answer, or raise `malformed`; SQS leaves the list out where it is empty."""
    received = decoded(_RECEIVED, body, "ReceiveMessage").messages or ()
    return tuple(Message(message.receipt_handle, content_of(message.body)) for message in received)


def check_deleted(body: bytes) -> None:
    """Raise RequestFailure if messages were not deleted that could be; one whose handle has expired comes again by itself."""
    failed = [each for each in decoded(_DELETED, body, "DeleteMessageBatch").failed or () if each.sender_fault is False]
    if failed:
        raise RequestFailure(Reason.SERVER_ERROR, f"DeleteMessageBatch: {len(failed)} messages could not be deleted")


def content_of(body: object) -> Event | Ignored:
    """Return what a message says, or why it has nothing read; nothing but the account has to be there."""
    try:
        event = decoded(_EVENT, body.encode(errors="replace"), "event") if isinstance(body, str) else _Event()
    except RequestFailure:
        return Ignored.MALFORMED
    if event.detail_type is not None and event.detail_type != _DETAIL_TYPE:
        return Ignored.OTHER_EVENT
    detail = _detail(event.detail)
    case = _CASE_ID.fullmatch(_text(detail.case_id))
    account_id = _text(event.account)
    if not ACCOUNT_ID.fullmatch(account_id):
        account_id = case[1] if case else ""
    if not account_id:
        return Ignored.MALFORMED
    name, origin = _text(detail.event_name), _text(detail.origin).lower()
    return Event(
        account_id,
        name if name in EVENT_NAMES else OTHER,
        origin if origin in ORIGINS else "",
        case[0] if case else "",
        _text(detail.communication_id)[:200],
        timestamp(event.time),
    )


def _detail(value: object) -> _Detail:
    try:
        return msgspec.convert(value, _Detail)
    except msgspec.ValidationError:
        return _Detail()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
