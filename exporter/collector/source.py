"""What the collector needs from whoever talks to AWS; `exporter.aws` fulfils it."""

from dataclasses import dataclass
from typing import Protocol

from exporter.cases.model import Account, Reading


class Timing(Protocol):
    """The clocks that the collector goes by."""

    def time(self) -> float:
        """Return Unix seconds."""

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""


class CaseSource(Protocol):
    """Reads the open cases of one account."""

    def read(self, deadline: float) -> Reading:
        """Return a complete reading.

        Args:
            deadline: When to give up, on the monotonic clock.

        Raises:
            ReadFailure: The account could not be read completely.
        """


@dataclass(frozen=True, slots=True)
class Target:
    """An account and how it is read.

    Attributes:
        account: The account.
        source: Reads it.
        credentials: How its credentials come, in words.
    """

    account: Account
    source: CaseSource
    credentials: str = ""


class Discovery(Protocol):
    """Finds accounts at run time."""

    @property
    def name(self) -> str:
        """The organization's name; empty when it is not an organization."""

    @property
    def refresh_interval(self) -> float:
        """Seconds after which the list is asked for again."""

    def targets(self, deadline: float) -> tuple[Target, ...]:
        """Return the accounts that there are now.

        Args:
            deadline: When to give up, on the monotonic clock.

        Raises:
            ReadFailure: They cannot be listed.
        """

    def known(self) -> tuple[Target, ...]:
        """Return the accounts as they were last found; none before that."""
