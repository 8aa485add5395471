"""The Simple Queue Service as a consumer sees it, and the events about cases that AWS sends through it."""

import itertools
import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from exporter.simulator.case import AWS_AUTHOR, Case, Clock
from exporter.simulator.errors import ApiError
from exporter.simulator.keys import AccessKey
from exporter.simulator.parameters import Parameters


@dataclass(slots=True, eq=False)
class EventQueue:
    """A standard queue of events, which AWS sends by best effort; `lost` has the names and case ids of those that it did not.

    Whoever uses it holds the fleet's lock.
    """

    owner_id: str
    now: Clock
    rng: random.Random = field(repr=False)
    lost_share: float = 0.0
    doubled_share: float = 0.0
    late_share: float = 0.0
    late_seconds: float = 2.0
    name: str = "aws-support-events"
    lost: list[tuple[str, str]] = field(default_factory=list)
    bodies: dict[str, str] = field(default_factory=dict)  # by handle
    _visible_at: dict[str, float] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The URL of the queue, which leads to the simulator where AWS_ENDPOINT_URL does."""
        return f"https://sqs.us-east-1.amazonaws.com/{self.owner_id}/{self.name}"

    def tell(self, case: Case, name: str, author: str = "") -> None:
        """Send an event of a name; it has an author where a communication was added."""
        draw = self.rng.random
        if draw() < self.lost_share:
            self.lost.append((name, case.case_id))
            return
        body = event(case, name, self.now(), author, f"{self.rng.getrandbits(64):016x}" if author else "")
        for _ in range(2 if draw() < self.doubled_share else 1):
            self.send(body, draw() * self.late_seconds if draw() < self.late_share else 0.0)

    def send(self, body: str, delay_seconds: float = 0.0) -> None:
        handle = f"handle-{self.rng.getrandbits(64):016x}"
        self.bodies[handle], self._visible_at[handle] = body, self.now() + delay_seconds

    def receive(self, most: int = 10, hidden_seconds: float = 0.0) -> dict[str, str]:
        """Return messages by their handles, and hide them from others for a while."""
        now = self.now()
        found = itertools.islice((handle for handle, at in self._visible_at.items() if at <= now), most)
        received = {handle: self.bodies[handle] for handle in found}
        self._visible_at.update(dict.fromkeys(received, now + hidden_seconds))
        return received

    def delete(self, handle: str) -> bool:
        """Delete a message, and return whether the handle is one; again is fine."""
        self.bodies.pop(handle, None)
        self._visible_at.pop(handle, None)
        return handle.startswith("handle-")


def event(case: Case, name: str, at: float, author: str = "", communication_id: str = "") -> str:
    origin = ("AWS" if author == AWS_AUTHOR else "CUSTOMER") if author else ""
    detail = {"case-id": case.case_id, "display-id": case.display_id, "communication-id": communication_id}
    fields: dict[str, object] = {
        "version": "0",
        "id": str(uuid5(NAMESPACE_OID, f"{case.case_id} {name} {at}")),
        "detail-type": "Support Case Update",
        "source": "aws.support",
        "account": case.account_id,
        "time": f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "region": "us-east-1",
        "resources": [],
        "detail": {**detail, "event-name": name, "origin": origin},
    }
    return json.dumps(fields)


def answer(operation: str, parameters: Parameters, caller: AccessKey, queue: EventQueue | None) -> bytes:
    """Return the JSON body of an SQS operation's response, or raise ApiError where AWS refuses."""
    if queue is None or not (parameters.text("QueueUrl") or "").endswith(f"/{queue.name}"):
        raise ApiError("com.amazonaws.sqs#QueueDoesNotExist", "The specified queue does not exist.")
    if caller.account_id != queue.owner_id:
        raise ApiError("AccessDeniedException", f"{caller.arn} may not perform sqs:{operation}", HTTPStatus.FORBIDDEN)
    if operation == "ReceiveMessage":
        most = parameters.number("MaxNumberOfMessages", default=1, least=1, most=10)
        found = queue.receive(most, parameters.number("VisibilityTimeout", default=30, least=0, most=43_200))
        told = [{"MessageId": handle, "ReceiptHandle": handle, "Body": body} for handle, body in found.items()]
        return json.dumps({"Messages": told} if told else {}).encode()
    entries: Any = parameters.values["Entries"]
    outcomes: dict[str, list[dict[str, object]]] = {"Successful": [], "Failed": []}
    for entry in entries:
        if queue.delete(entry["ReceiptHandle"]):
            outcomes["Successful"].append({"Id": entry["Id"]})
        else:
            outcomes["Failed"].append({"Id": entry["Id"], "Code": "ReceiptHandleIsInvalid", "SenderFault": True})
    return json.dumps(outcomes).encode()
