"""What the configuration says of how cases are judged and shown."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """Read by poller, page and status page; a reload replaces it as a whole.

    Attributes:
        max_staleness: Seconds for which the last good cases of a failing account are shown.
        first_response_targets: Seconds, by severity code.
        case_limit: Cases of an account with series of their own; None for no such series.
        subjects: Whether those carry the subject line.
    """

    max_staleness: float
    first_response_targets: Mapping[str, float]
    case_limit: int | None = None
    subjects: bool = False
