"""What the collector needs from the AWS client."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from exporter.cases.events import Event, Ignored
from exporter.cases.model import Access, Account, Reading
from exporter.cases.report import Finding

Message = tuple[str, Event | Ignored]  # what deletes it, and what it says


class CaseSource(Protocol):
    async def read(self, timeout: float) -> Reading:  # noqa: ASYNC109 - what the failure says depends on how far it came
        """Return a complete reading, or raise ReadFailure; `timeout` is in seconds, retries included."""

    def resume(self, reading: Reading) -> None:
        """Read as if this had been the last reading."""


@dataclass(frozen=True, slots=True)
class Target:
    account: Account
    source: CaseSource
    access: Access = field(default_factory=Access)


class EventSource(Protocol):
    url: str

    async def receive(self, wait: int) -> Sequence[Message]:
        """Return some messages, or raise ReadFailure; wait so many seconds for the first where there is none."""

    async def delete(self, handles: Sequence[str]) -> None:
        """Delete messages, or raise ReadFailure: they come again."""


class Discovery(Protocol):
    name: str  # the organization's; empty for the exporter's own account
    refresh_interval: float  # seconds
    selects_by_tags: bool  # so that accounts are not known before they are looked up

    @property
    def excluded(self) -> int | None:
        """Return how many accounts are not selected; None while that is not known of all."""

    def pages(self, timeout: float) -> AsyncIterator[Sequence[Target]]:
        """Yield the accounts that there are now, as they are listed, or raise ReadFailure."""

    def known(self) -> Sequence[Target]:
        """Return the accounts as last listed completely, and those that a listing has found since."""

    async def look_up(self, owns: Callable[[str], bool], most: int) -> tuple[float, Sequence[Finding], Finding | None]:
        """Look up so many units and owned accounts; return when there is more, what fails, and why tags cannot select."""
