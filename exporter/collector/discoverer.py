"""Which accounts there are: the configured ones, and those that are found at run time and change."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from exporter.cases.model import Reason
from exporter.cases.report import OrganizationStatus
from exporter.collector.pulse import Pulse
from exporter.collector.roster import Roster
from exporter.collector.source import Discovery, Target, Timing
from exporter.errors import ReadFailure, internal
from exporter.metrics import catalog
from exporter.metrics.families import Sample

TIMEOUT = 120.0
"""Seconds within which the accounts of one discovery must be listed."""
_FIRST_PAUSE = 5.0
_LONGEST_PAUSE = 300.0
_REMINDER = 3600.0


@dataclass(frozen=True, slots=True)
class DiscoveryFailure:
    """Why the accounts of a discovery could not be listed the last time."""

    name: str
    reason: Reason
    detail: str


class _Found:
    """What is known of one discovery."""

    __slots__ = ("discovery", "due", "failure", "failures", "last_success", "remind_at", "targets")

    def __init__(self, discovery: Discovery, due: float, before: "_Found | None" = None) -> None:
        self.discovery = discovery
        self.targets = discovery.known()
        self.due = due
        self.remind_at: float = before.remind_at if before else due
        self.failures: int = before.failures if before else 0
        self.failure: DiscoveryFailure | None = before.failure if before else None
        self.last_success: float | None = before.last_success if before else None

    @property
    def tried(self) -> bool:
        return self.failures > 0 or self.last_success is not None


class Discoverer:
    """Keeps a roster's accounts up to date.

    Of two entries for one account the configured one wins, then the earlier discovery. A refresh that fails keeps the last
    list.

    Args:
        configured: Accounts that are always read.
        discoveries: Find more.
        roster: Whose accounts these are.
        owns: Whether an account is this process's to read.
        timing: The clocks.
        log: Where failures are told.
    """

    def __init__(
        self,
        configured: Sequence[Target],
        discoveries: Iterable[Discovery],
        roster: Roster,
        owns: Callable[[str], bool],
        timing: Timing,
        log: FilteringBoundLogger,
    ) -> None:
        self._configured = tuple(configured)
        self._found = [_Found(discovery, timing.monotonic()) for discovery in discoveries]
        self._roster = roster
        self._owns = owns
        self._timing = timing
        self._log = log
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._assign()

    def run(self, stop: threading.Event, pulse: Pulse) -> None:
        """Refresh discoveries as they fall due, until told to stop."""
        while not stop.is_set():
            self._changed.clear()
            for found in self._found:
                pulse.beat(TIMEOUT)
                self._refresh_if_due(found)
            pulse.rest()
            next_due = min((found.due for found in self._found), default=float("inf"))
            self._changed.wait(min(max(0.0, next_due - self._timing.monotonic()), threading.TIMEOUT_MAX))

    def wake(self) -> None:
        """End the wait for the next refresh."""
        self._changed.set()

    def discoveries(self) -> tuple[Discovery, ...]:
        """Return what finds accounts now."""
        return tuple(found.discovery for found in self._found)

    def adopt(self, configured: Sequence[Target], discoveries: Iterable[Discovery]) -> None:
        """Have other accounts read, and find more in other ways.

        Discoveries are all refreshed at once. What a discovery of the same name found before holds until then, and what is
        known of accounts that nothing has found yet is kept until everything was tried.
        """
        now = self._timing.monotonic()
        with self._lock:
            before = {found.discovery.name: found for found in self._found}
            self._configured = tuple(configured)
            self._found = [_Found(discovery, now, before.get(discovery.name)) for discovery in discoveries]
            self._assign()
        self.wake()

    def refresh_due(self) -> None:
        """Refresh the discoveries that are due now."""
        for found in self._found:
            self._refresh_if_due(found)

    def all_tried(self) -> bool:
        """Return whether every discovery was tried at least once."""
        return all(found.tried for found in self._found)

    def failures(self) -> list[DiscoveryFailure]:
        """Return the discoveries that failed the last time."""
        return [found.failure for found in self._found if found.failure is not None]

    def organizations(self) -> list[OrganizationStatus]:
        """Return how the discovery of each organization is doing, and that of the exporter's own account where it failed."""
        return [_organization(found) for found in self._found if found.discovery.name or found.failure]

    def samples(self) -> Iterable[Sample]:
        """Yield how the discoveries are doing."""
        for found in self._found:
            labels = {"organization": found.discovery.name}
            if not found.tried:
                continue
            yield Sample(catalog.ORGANIZATION_UP, labels, found.failure is None)
            if found.last_success is not None and found.discovery.name:
                yield Sample(catalog.ORGANIZATION_LAST_SUCCESS, labels, found.last_success)

    def _refresh_if_due(self, found: _Found) -> None:
        if found.due <= self._timing.monotonic():
            self._refresh(found)

    def _refresh(self, found: _Found) -> None:
        now = self._timing.monotonic()
        try:
            targets = found.discovery.targets(now + TIMEOUT)
            self._found_again(found, targets)
        except Exception as error:  # noqa: BLE001 - one discovery's bug must not end all others
            failure = error if isinstance(error, ReadFailure) else internal(error)
            self._failed(found, failure)
            return

    def _found_again(self, found: _Found, targets: tuple[Target, ...]) -> None:
        with self._lock:
            before, found.targets = found.targets, targets
            succeeded_before, found.last_success = found.last_success, self._timing.time()
            try:
                self._assign()
            except Exception:
                found.targets, found.last_success = before, succeeded_before
                raise
            if found.failure is not None or {t.account for t in before} != {t.account for t in targets}:
                self._log.info("accounts discovered", organization=found.discovery.name, accounts=len(targets))
            found.failures = 0
            found.failure = None
            found.due = self._timing.monotonic() + found.discovery.refresh_interval

    def _failed(self, found: _Found, failure: ReadFailure) -> None:
        now = self._timing.monotonic()
        if found.failure is None or failure.reason != found.failure.reason or now >= found.remind_at:
            found.remind_at = now + _REMINDER
            why = {"reason": failure.reason.value, "detail": failure.detail}
            if found.discovery.name:
                self._log.warning("accounts cannot be discovered", organization=found.discovery.name, **why)
            else:
                self._log.warning("the exporter's own account cannot be found", **why)
        with self._lock:
            found.failures += 1
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(found.failures - 1, 20))
            found.due = self._timing.monotonic() + min(pause, found.discovery.refresh_interval)
            found.failure = DiscoveryFailure(found.discovery.name, failure.reason, failure.detail)
        if self.all_tried():
            self._roster.forget_departed()

    def _assign(self) -> None:
        targets: dict[str, Target] = {}
        for target in (*self._configured, *(target for found in self._found for target in found.targets)):
            targets.setdefault(target.account.account_id, target)
        owned = [target for account_id, target in targets.items() if self._owns(account_id)]
        self._roster.assign(owned, may_return=not self.all_tried())


def _organization(found: _Found) -> OrganizationStatus:
    name, failure = found.discovery.name, found.failure
    if failure is None:
        return OrganizationStatus(name, len(found.targets), found.last_success)
    return OrganizationStatus(name, len(found.targets), found.last_success, failure.reason, failure.detail)
