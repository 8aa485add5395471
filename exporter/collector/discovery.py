"""Which accounts there are: the configured ones, and those that are discovered at run time."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from structlog.typing import FilteringBoundLogger

from exporter.cases.model import Account
from exporter.cases.report import Finding, OrganizationStatus
from exporter.clock import Clock
from exporter.collector.accounts import AccountTable, Entry, wait
from exporter.collector.ports import Discovery, Target
from exporter.collector.schedule import UNTIL_PASSED
from exporter.errors import ReadFailure, internal
from exporter.metrics import catalog
from exporter.metrics.families import Sample

_TIMEOUT = 120.0
_FIRST_PAUSE = 5.0
_LONGEST_PAUSE = 300.0
_REMINDER_SECONDS = 3600.0


class Listing:
    """What is known of one discovery; it is `due` on the monotonic clock."""

    def __init__(self, discovery: Discovery, due: float, before: "Listing | None" = None) -> None:
        self.discovery = discovery
        # As last listed completely, and those that a listing has found since.
        self.targets = {target.account.account_id: target for target in discovery.known()}
        self.due = due
        self.listed = asyncio.Event()  # set when a listing has ended
        self.warnings: Sequence[Finding] = ()  # why something could not be looked up
        self.logged: dict[str, float] = {}  # when, by detail
        self.remind_at: float = before.remind_at if before else due
        self.failures: int = before.failures if before else 0
        self.failure: ReadFailure | None = before.failure if before else None
        self.last_success: float | None = before.last_success if before else None

    @property
    def tried(self) -> bool:
        return self.failures > 0 or self.last_success is not None

    def status(self) -> OrganizationStatus:
        reason, detail = (self.failure.reason, self.failure.detail) if self.failure else (None, "")
        return OrganizationStatus(self.discovery.name, len(self.targets), self.last_success, reason, detail, self.warnings)


class Discoverer:
    """Keeps the table of accounts up to date; to be used on one event loop.

    Of two entries for one account the configured one wins, then the earlier discovery. A listing that fails keeps the last one.
    """

    def __init__(
        self,
        accounts: AccountTable,
        owns: Callable[[str], bool],
        drop: Callable[[Iterable[Entry]], None],
        *,
        clock: Clock,
        log: FilteringBoundLogger,
    ) -> None:
        self._accounts = accounts
        self._owns = owns
        self._drop = drop
        self._clock = clock
        self._log = log
        self._configured: tuple[Target, ...] = ()
        self.listings: list[Listing] = []

    def apply(self, configured: Iterable[Target], discoveries: Iterable[Discovery]) -> None:
        """Discover in other ways; what a discovery of the same name found before holds until it is listed again, at once."""
        now = self._clock.monotonic()
        before = {listing.discovery.name: listing for listing in self.listings}
        self._configured = tuple(configured)
        self.listings = [Listing(discovery, now, before.get(discovery.name)) for discovery in discoveries]
        self._assign()

    async def run(self, listing: Listing) -> None:
        while True:
            pause = max(0.0, listing.due - self._clock.monotonic())
            passes = listing.failure is not None and listing.failure.passes
            await (wait(self._accounts.passed, pause) if passes else self._clock.sleep(pause))
            await self.refresh(listing)

    async def refresh(self, listing: Listing) -> None:
        before = {target.account for target in listing.targets.values()}
        try:
            async for page in listing.discovery.pages(_TIMEOUT):
                self._add(listing, page)
            self._succeeded(listing, before)
        except Exception as error:  # noqa: BLE001 - one discovery's bug must not end all others
            self._failed(listing, error if isinstance(error, ReadFailure) else internal(error))

    async def run_look_ups(self, listing: Listing) -> None:
        while True:
            listing.listed.clear()
            await wait(listing.listed, await self.look_up(listing))

    async def look_up(self, listing: Listing) -> float:
        """Look up and show some of what no list tells, and return in how many seconds there is more."""
        pause, listing.warnings = await listing.discovery.look_up(self._owns)
        name, now = listing.discovery.name, self._clock.monotonic()
        for _, reason, detail, *_ in listing.warnings:
            if now - listing.logged.get(detail, now - _REMINDER_SECONDS) >= _REMINDER_SECONDS:
                listing.logged[detail] = now
                self._log.warning("reading units or tags failed", organization=name, reason=str(reason), detail=detail)
        self._show(listing)
        return pause

    def all_tried(self) -> bool:
        return all(listing.tried for listing in self.listings)

    def organizations(self) -> list[OrganizationStatus]:
        """Return how the discovery of each organization is doing, and that of the exporter's own account if it failed."""
        return [listing.status() for listing in self.listings if listing.discovery.name or listing.failure]

    def samples(self) -> Iterator[Sample]:
        for listing in self.listings:
            labels = {"organization": listing.discovery.name}
            if not listing.tried:
                continue
            yield Sample(catalog.ORGANIZATION_UP, labels, listing.failure is None)
            if listing.last_success is not None and listing.discovery.name:
                yield Sample(catalog.ORGANIZATION_LAST_SUCCESS, labels, listing.last_success)

    def _add(self, listing: Listing, page: Sequence[Target]) -> None:
        """Poll accounts while the list still comes in; those that are polled already wait for its end."""
        new = {target.account.account_id: target for target in page if target.account.account_id not in self._accounts}
        if new:
            listing.targets |= new
            self._accounts.add(target for account_id, target in new.items() if self._owns(account_id))

    def _succeeded(self, listing: Listing, before: set[Account]) -> None:
        if listing.failure is not None and listing.failure.passes:
            self._accounts.poll_passing()
        self._show(listing)
        if listing.failure is not None or before != {target.account for target in listing.targets.values()}:
            self._log.info("accounts discovered", organization=listing.discovery.name, accounts=len(listing.targets))
        listing.last_success = self._clock.time()
        listing.failures, listing.failure = 0, None
        listing.due = self._clock.monotonic() + listing.discovery.refresh_interval
        listing.listed.set()

    def _show(self, listing: Listing) -> None:
        listing.targets = {target.account.account_id: target for target in listing.discovery.known()}
        self._assign()

    def _failed(self, listing: Listing, failure: ReadFailure) -> None:
        now = self._clock.monotonic()
        if listing.failure is None or failure.reason != listing.failure.reason or now >= listing.remind_at:
            listing.remind_at = now + _REMINDER_SECONDS
            why = {"reason": failure.reason.value, "detail": failure.detail}
            if listing.discovery.name:
                self._log.warning("listing organization failed", organization=listing.discovery.name, **why)
            else:
                self._log.warning("finding the exporter's own account failed", **why)
        listing.failures += 1
        first, growth = UNTIL_PASSED if failure.passes else (_FIRST_PAUSE, 2.0)
        pause = min(_LONGEST_PAUSE, first * growth ** min(listing.failures - 1, 50))
        listing.due = now + min(pause, listing.discovery.refresh_interval)
        listing.failure = failure
        self._accounts.changed.set()

    def _assign(self) -> None:
        targets: dict[str, Target] = {}
        for target in (*self._configured, *(target for each in self.listings for target in each.targets.values())):
            found, first = target.account, targets.setdefault(target.account.account_id, target)
            if found.organization and not first.account.organization:
                account = replace(first.account, organizational_unit=found.organizational_unit, tags=found.tags)
                targets[found.account_id] = replace(first, account=account)
        self._drop(self._accounts.assign(target for account_id, target in targets.items() if self._owns(account_id)))
