"""What the configuration says of how cases are judged and shown."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """Read by collector, page and status page; a reload replaces it. Times are in seconds."""

    max_staleness: float
    case_limit: int | None = None  # cases of an account with series of their own; None for no such series
    subjects: bool = False  # whether those carry the subject line
