"""What the collector needs from whoever talks to AWS."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from exporter.cases.model import Access, Account, Reading


class CaseSource(Protocol):
    """Reads the open cases of one account."""

    async def read(self, timeout: float) -> Reading:  # noqa: ASYNC109 - what the failure says depends on how far it came
        """Return a complete reading, or raise ReadFailure; `timeout` is in seconds, retries included."""


@dataclass(frozen=True, slots=True)
class Target:
    """An account and how it is read."""

    account: Account
    source: CaseSource
    access: Access = field(default_factory=Access)


class Discovery(Protocol):
    """Finds accounts at run time."""

    @property
    def name(self) -> str:
        """The organization's name; empty for the exporter's own account."""

    @property
    def refresh_interval(self) -> float: ...

    def pages(self, timeout: float) -> AsyncIterator[Sequence[Target]]:
        """Yield the accounts that there are now, as they are listed, or raise ReadFailure."""

    def known(self) -> Sequence[Target]:
        """Return the accounts as last listed completely."""
