"""What AWS tells of cases by itself: its `Support Case Update` events."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

OTHER = "other"
CREATED, WRITTEN_ON, RESOLVED, REOPENED = "CreateCase", "AddCommunicationToCase", "ResolveCase", "ReopenCase"
EVENT_NAMES = (CREATED, WRITTEN_ON, RESOLVED, REOPENED)
ORIGINS = ("aws", "customer")


class Ignored(StrEnum):
    """Why a message had nothing read: the closed list behind the `reason` label."""

    UNKNOWN_ACCOUNT = "unknown_account"
    MALFORMED = "malformed"
    OTHER_EVENT = "other_event"


@dataclass(frozen=True, slots=True)
class Event:
    """One event. Only the account decides anything; all else may be missing, and is empty or None then."""

    account_id: str
    name: str = OTHER  # one of EVENT_NAMES, or OTHER
    origin: str = ""  # one of ORIGINS, where somebody wrote
    case_id: str = ""
    communication_id: str = ""
    at: float | None = None  # when it happened, in Unix seconds; AWS gives whole ones


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the queue, and what deletes it."""

    handle: str
    content: Event | Ignored


def moments(events: Iterable[Event], name: str) -> dict[str, float]:
    """Return when the latest event of a name happened to each case, by case id."""
    found: dict[str, float] = {}
    for event in events:
        if event.name == name and event.at is not None:
            found[event.case_id] = max(event.at, found.get(event.case_id, event.at))
    return found
