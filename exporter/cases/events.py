"""`Support Case Update` events from AWS."""

from dataclasses import dataclass
from enum import StrEnum

OTHER = "other"
WRITTEN, RESOLUTION = "AddCommunicationToCase", "ResolveCase"
EVENT_NAMES = ("CreateCase", WRITTEN, RESOLUTION, "ReopenCase")
ORIGINS = ("aws", "customer")


class Ignored(StrEnum):
    """Why a message had nothing read: the closed list behind the `reason` label."""

    UNKNOWN_ACCOUNT = "unknown_account"
    MALFORMED = "malformed"
    OTHER_EVENT = "other_event"


@dataclass(frozen=True, slots=True)
class Event:
    """One event. Only the account decides what is polled; all else may be missing, and is empty or None then."""

    account_id: str
    name: str = OTHER  # one of EVENT_NAMES, or OTHER
    origin: str = ""  # one of ORIGINS, where somebody wrote
    case_id: str = ""
    at: float | None = None  # when it happened, in Unix seconds; AWS gives no fractions
