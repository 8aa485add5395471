"""Receiving AWS's events from an SQS queue."""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exporter.aws.client import Client, Service
from exporter.aws.parse import ACCOUNT_ID, timestamp
from exporter.aws.retry import CredentialSource, time_limit
from exporter.cases.events import EVENT_NAMES, ORIGINS, OTHER, Event, Ignored

_MOST = 10  # messages in a batch
_HIDDEN_SECONDS = 30  # after which SQS gives a message again that was not deleted, whatever the queue's own setting
_MARGIN = 5.0  # seconds that a request may take in addition to waiting; a hanging one must not delay a queue that is back
_DETAIL_TYPE = "Support Case Update"
_CASE_ID = re.compile(r"case-([0-9]{12})-.{1,200}", re.ASCII)


@dataclass(eq=False)
class EventQueue:
    """A queue of events; each request is made once: the caller retries."""

    url: str
    client: Client
    service: Service
    credentials: CredentialSource

    async def receive(self, wait: int, hidden_seconds: int = _HIDDEN_SECONDS) -> list[tuple[str, Event | Ignored]]:
        """Return what there is, or raise ReadFailure; wait (seconds) for the first where there is nothing."""
        parameters = {"MaxNumberOfMessages": _MOST, "WaitTimeSeconds": wait, "VisibilityTimeout": hidden_seconds}
        answer = await self._call("ReceiveMessage", wait, parameters)
        found = [each for each in answer.get("Messages") or () if each and isinstance(each.get("ReceiptHandle"), str)]
        return [(each["ReceiptHandle"], content_of(each.get("Body"))) for each in found[:_MOST]]

    async def delete(self, handles: Sequence[str]) -> None:
        """Delete messages, or raise ReadFailure; a single one that is not deleted is no failure, as it comes again."""
        entries = [{"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(handles)]
        await self._call("DeleteMessageBatch", 0, {"Entries": entries})

    async def probe(self) -> None:
        """Raise ReadFailure if messages cannot be received or deleted; none is taken from its consumer."""
        await self.receive(0, hidden_seconds=0)
        await self.delete(["none"])

    async def _call(self, operation: str, wait: int, parameters: Mapping[str, object]) -> dict[str, Any]:
        given, ends = {"QueueUrl": self.url, **parameters}, asyncio.get_running_loop().time() + wait + _MARGIN
        async with time_limit("events", ends) as caller:
            retries = self.client.retries((self.service,), self.credentials, caller)
            return await retries.call(lambda service, used: self.client.request(service, operation, given, used, caller))


def content_of(body: Any) -> Event | Ignored:  # noqa: ANN401 - what the answer holds
    """Return what a message says, or why it has nothing polled; nothing but the account has to be there."""
    try:
        event = json.loads(body)
        kind = event.get("detail-type", _DETAIL_TYPE)
    except (AttributeError, TypeError, ValueError, RecursionError):
        return Ignored.MALFORMED
    if kind != _DETAIL_TYPE:
        return Ignored.OTHER_EVENT
    said, detail = _texts(event), _texts(event.get("detail"))
    case, account_id = _CASE_ID.fullmatch(detail.get("case-id", "")), said.get("account", "")
    if not ACCOUNT_ID.fullmatch(account_id):
        account_id = case[1] if case else ""
    if not account_id:
        return Ignored.MALFORMED
    name, origin = detail.get("event-name", ""), detail.get("origin", "").lower()
    return Event(
        account_id,
        name if name in EVENT_NAMES else OTHER,
        origin if origin in ORIGINS else "",
        case[0] if case else "",
        timestamp(said.get("time")),
    )


def _texts(value: object) -> dict[str, str]:
    return {name: text for name, text in value.items() if isinstance(text, str)} if isinstance(value, dict) else {}
