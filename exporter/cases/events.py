"""What AWS tells of cases by itself: its `Support Case Update` events."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

OTHER = "other"
WRITTEN, RESOLVED = "AddCommunicationToCase", "ResolveCase"
EVENT_NAMES = ("CreateCase", WRITTEN, RESOLVED, "ReopenCase")
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
    at: float | None = None  # when it happened, in Unix seconds; AWS gives whole ones


class Message(NamedTuple):
    """A message of the queue; its handle deletes it."""

    handle: str
    content: Event | Ignored


def resolutions(events: Iterable[Event]) -> dict[str, float]:
    """Return when each case was resolved last, as events tell, by case id."""
    told = [(event.at, event.case_id) for event in events if event.name == RESOLVED and event.at is not None]
    return {case_id: at for at, case_id in sorted(told)}
