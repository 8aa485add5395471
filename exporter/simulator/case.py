"""A support case as AWS keeps it: what was asked, what was said, and its status."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

from exporter.simulator.tokens import seal

Clock: TypeAlias = Callable[[], float]
"""Returns the current time in Unix seconds."""

AWS_AUTHOR = "Amazon Web Services"
"""How AWS signs its communications, to the letter."""

CUSTOMER_AUTHOR = "SupportDesk (Role) <support-desk@example.com>"
"""How a customer's communication is signed: the role and the address behind it."""

RESOLVED = "resolved"
RECENT_COMMUNICATIONS = 5
"""How many communications come with a case; DescribeCommunications has the rest."""


def iso_time(seconds: float) -> str:
    """Return Unix seconds the way Support writes a time: ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Communication:
    """One message on a case; `created_at` is in Unix seconds."""

    submitted_by: str
    body: str
    created_at: float

    def fields(self, case_id: str) -> dict[str, object]:
        return {
            "caseId": case_id,
            "body": self.body,
            "submittedBy": self.submitted_by,
            "timeCreated": iso_time(self.created_at),
            "attachmentSet": [],
        }


@dataclass(slots=True, eq=False, kw_only=True)
class Case:
    """A support case. A test may set any attribute at any time, also while the server runs.

    Attributes:
        ordinal: The position in the account's history; AWS lists the greatest first.
        case_id: `case-<account>-muen-<year>-<hex>`.
        display_id: The numeric id that the console shows.
        created_at: Unix seconds.
        communications: All communications, oldest first.
        lock: The fleet's lock, held while communications are added.
    """

    account_id: str
    ordinal: int
    case_id: str
    display_id: str
    created_at: float
    lock: AbstractContextManager[object] = field(repr=False)
    now: Clock = field(repr=False)
    tell: Callable[..., None] = field(repr=False, default=lambda *_: None)
    subject: str = "Instance fails its status checks"
    status: str = "opened"
    severity_code: str = "normal"
    service_code: str = "amazon-elastic-compute-cloud-linux"
    category_code: str = "instance-issue"
    language: str = "en"
    submitted_by: str = "support-desk@example.com"
    cc_email_addresses: tuple[str, ...] = ()
    communications: tuple[Communication, ...] = ()
    _encoded: dict[bool, bytes] = field(default_factory=dict, init=False, repr=False)

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)
        # A new dictionary: what another thread is encoding just now goes to the old one.
        object.__setattr__(self, "_encoded", {})

    @property
    def is_open(self) -> bool:
        return self.status != RESOLVED

    def add_communication(
        self, body: str = "Thank you for the update.", *, submitted_by: str = AWS_AUTHOR, created_at: float | None = None
    ) -> Communication:
        """Add a communication, by default one that AWS writes now; the status stays as it is."""
        communication = Communication(submitted_by, body, self.now() if created_at is None else created_at)
        with self.lock:
            if self.communications:  # the first one comes with the case
                self.tell(self, "AddCommunicationToCase", submitted_by)
            self.communications = tuple(sorted((*self.communications, communication), key=lambda each: each.created_at))
        return communication

    def resolve(self) -> None:
        self.status = RESOLVED
        self.tell(self, "ResolveCase")

    def reopen(self) -> None:
        self.status = "reopened"
        self.tell(self, "ReopenCase")

    def encoded(self, *, include_communications: bool) -> bytes:
        encoded = self._encoded
        if include_communications not in encoded:
            fields = self._fields(include_communications=include_communications)
            encoded[include_communications] = json.dumps(fields, separators=(",", ":")).encode()
        return encoded[include_communications]

    def _fields(self, *, include_communications: bool) -> dict[str, object]:
        fields: dict[str, object] = {
            "caseId": self.case_id,
            "displayId": self.display_id,
            "subject": self.subject,
            "status": self.status,
            "serviceCode": self.service_code,
            "categoryCode": self.category_code,
            "severityCode": self.severity_code,
            "submittedBy": self.submitted_by,
            "timeCreated": iso_time(self.created_at),
            "ccEmailAddresses": list(self.cc_email_addresses),
            "language": self.language,
        }
        if include_communications:
            newest_first = self.communications[::-1]
            recent: dict[str, object] = {
                "communications": [each.fields(self.case_id) for each in newest_first[:RECENT_COMMUNICATIONS]]
            }
            older = len(newest_first) - RECENT_COMMUNICATIONS
            if older > 0:
                recent["nextToken"] = seal("communications", self.case_id, older)
            fields["recentCommunications"] = recent
        return fields
