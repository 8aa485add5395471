"""Which accounts there are: the configured ones, and those that are discovered at run time."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from structlog.typing import FilteringBoundLogger

from exporter.cases.model import Reason
from exporter.cases.report import Finding, OrganizationStatus, finding
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
_MOST_NAMES = 10
_FEW, _MANY = 3, 0.1  # accounts, and share of an organization's, that are many if they leave at once
_IF_MANY_LEFT = "check the organization, and include and exclude of its entry; a reload dismisses this"
BATCH = 30  # of units and of accounts, after which what is known of them is shown


@dataclass(slots=True, eq=False)
class Listing:
    """What is known of one discovery; times are on the monotonic clock, but for `last_success`."""

    discovery: Discovery
    due: float = 0.0
    looked_up: bool = False  # whether tags and units were looked up once, or failed
    targets: dict[str, Target] = field(default_factory=dict)  # of those listed completely, and those found since
    listed: asyncio.Event = field(default_factory=asyncio.Event)  # set when a listing has ended
    warnings: Sequence[Finding] = ()  # why something could not be looked up
    blind: Finding | None = None  # why accounts are not known that tags select
    logged: dict[str, float] = field(default_factory=dict)  # when, by detail
    names: dict[str, str] = field(default_factory=dict)  # of the accounts that were logged
    left: tuple[Finding, ...] = ()  # that many left at once
    remind_at: float = 0.0
    failures: int = 0
    failure: ReadFailure | None = None
    last_success: float | None = None

    def status(self) -> OrganizationStatus:
        failure = self.failure or self.blind or self.empty
        reason, detail = (failure.reason, failure.detail) if failure else (None, "")
        warnings = (*self.warnings, *self.left)
        return OrganizationStatus(self.discovery.name, len(self.targets), self.last_success, reason, detail, warnings)

    @property
    def is_known(self) -> bool:
        return self.last_success is not None and self.looked_up

    @property
    def empty(self) -> Finding | None:
        if self.targets or not self.is_known or (excluded := self.discovery.excluded) is None:
            return None
        found = f"{excluded} accounts, none matches include and exclude" if excluded else "no accounts"
        return finding(self.discovery.name, {}, Reason.NO_ACCOUNTS, f"ListAccounts: {found}")


@dataclass(eq=False, repr=False)
class Discoverer:
    """Keeps the table of accounts up to date; to be used on one event loop.

    Of two entries for one account the configured one wins, then the earlier discovery. A listing that fails keeps the last one.
    """

    accounts: AccountTable
    owns: Callable[[str], bool]
    drop: Callable[[Iterable[Entry]], None]
    clock: Clock
    log: FilteringBoundLogger
    listings: list[Listing] = field(default_factory=list, init=False)
    _configured: tuple[Target, ...] = field(default=(), init=False)

    def apply(self, configured: Iterable[Target], discoveries: Sequence[Discovery]) -> None:
        """Discover in other ways; what a discovery of the same name found before holds until it is listed again, at once."""
        now = self.clock.monotonic()
        before = {listing.discovery.name: listing for listing in self.listings}
        self._configured = tuple(configured)
        self.listings = [before.get(discovery.name, Listing(discovery)) for discovery in discoveries]
        for listing, discovery in zip(self.listings, discoveries, strict=True):
            listing.discovery, listing.due, listing.looked_up = discovery, now, not discovery.selects_by_tags
        self._assign()
        for listing in self.listings:
            self._log_changes(listing)
            listing.left = ()  # it is known, or was meant so

    async def run(self, listing: Listing) -> None:
        while True:
            pause = max(0.0, listing.due - self.clock.monotonic())
            passes = listing.failure is not None and listing.failure.passes
            await (wait(self.accounts.passed, pause) if passes else self.clock.sleep(pause))
            await self.refresh(listing)

    async def refresh(self, listing: Listing) -> None:
        try:
            async for page in listing.discovery.pages(_TIMEOUT):
                self._add(listing, page)
            self._succeeded(listing)
        except Exception as error:  # noqa: BLE001 - one discovery's bug must not end all others
            self._failed(listing, error if isinstance(error, ReadFailure) else internal(error))

    async def run_look_ups(self, listing: Listing) -> None:
        while True:
            listing.listed.clear()
            await wait(listing.listed, await self.look_up(listing))

    async def look_up(self, listing: Listing, most: int = BATCH) -> float:
        """Look up some unit names and tags, and return the seconds until more are due."""
        was_listed = listing.last_success is not None
        pause, listing.warnings, listing.blind = await listing.discovery.look_up(self.owns, most)
        listing.looked_up = listing.looked_up or (was_listed and pause > 0)
        name, now = listing.discovery.name, self.clock.monotonic()
        self._assign()
        self._log_changes(listing)
        for failed in (*listing.warnings, listing.blind, listing.empty):
            if failed and now - listing.logged.get(failed.detail, now - _REMINDER_SECONDS) >= _REMINDER_SECONDS:
                listing.logged[failed.detail] = now
                event = "no accounts to poll" if failed == listing.empty else "reading units or tags failed"
                self.log.warning(event, organization=name, reason=str(failed.reason), detail=failed.detail)
        return pause

    def all_tried(self) -> bool:
        return all(each.failures or each.is_known for each in self.listings)

    def organizations(self) -> list[OrganizationStatus]:
        """Return how the discovery of each organization is doing, and that of the exporter's own account if it failed."""
        return [listing.status() for listing in self.listings if listing.discovery.name or listing.failure]

    def samples(self) -> Iterator[Sample]:
        for listing in self.listings:
            labels = {"organization": listing.discovery.name}
            if listing.failures or listing.last_success is not None:
                yield Sample(catalog.ORGANIZATION_UP, labels, listing.status().reason in {None, Reason.NO_ACCOUNTS})
            if listing.last_success is not None and listing.discovery.name:
                yield Sample(catalog.ORGANIZATION_LAST_SUCCESS, labels, listing.last_success)
                if listing.targets or listing.empty:
                    yield Sample(catalog.ORGANIZATION_ACCOUNTS, labels, len(listing.targets))

    def _add(self, listing: Listing, page: Sequence[Target]) -> None:
        """Poll accounts while the list still comes in; those that are polled already wait for its end."""
        new = {each.account.account_id: each for each in page if self.accounts.get(each.account.account_id) is None}
        if new:
            listing.targets |= new
            self.accounts.add(target for account_id, target in new.items() if self.owns(account_id))

    def _succeeded(self, listing: Listing) -> None:
        if listing.failure is not None and listing.failure.passes:
            self.accounts.poll_passing()
        self._assign()
        listing.last_success = self.clock.time()
        self._log_changes(listing)
        listing.failures, listing.failure = 0, None
        listing.due = self.clock.monotonic() + listing.discovery.refresh_interval
        listing.listed.set()

    def _failed(self, listing: Listing, failure: ReadFailure) -> None:
        now = self.clock.monotonic()
        if listing.failure is None or failure.reason != listing.failure.reason or now >= listing.remind_at:
            listing.remind_at = now + _REMINDER_SECONDS
            where = {"organization": listing.discovery.name} if listing.discovery.name else {}
            what = "listing organization failed" if where else "looking up own account failed"
            self.log.warning(what, **where, reason=failure.reason.value, detail=failure.detail)
        listing.failures, listing.failure = listing.failures + 1, failure
        first, growth = UNTIL_PASSED if failure.passes else (_FIRST_PAUSE, 2.0)
        pause = min(_LONGEST_PAUSE, first * growth ** min(listing.failures - 1, 50))
        listing.due = now + min(pause, listing.discovery.refresh_interval)
        self.accounts.changed.set()

    def _log_changes(self, listing: Listing) -> None:
        if not listing.is_known:
            return
        name, before = listing.discovery.name, listing.names
        names = listing.names = {key: f"{target.account.name} ({key})" for key, target in listing.targets.items()}
        joined, left = (sorted(some[key] for key in some.keys() - other) for some, other in ((names, before), (before, names)))
        log = self.log.info
        if len(left) >= max(_FEW, _MANY * len(before)):
            log = self.log.warning
            detail = f"{len(left)} of {len(before)} accounts left at once: {_some(left)}"
            listing.left = (Finding((name,), None, detail, _IF_MANY_LEFT),)
        if joined or left or listing.failure is not None:
            changes = {how: _some(some) for how, some in (("joined", joined), ("left", left)) if some and before}
            log("accounts discovered", organization=name, accounts=len(names), **changes)

    def _assign(self) -> None:
        for listing in self.listings:
            listing.targets = {target.account.account_id: target for target in listing.discovery.known()}
        targets = {account_id: target for each in reversed(self.listings) for account_id, target in each.targets.items()}
        for target in self._configured:
            of = targets.get(target.account.account_id, target).account
            account = replace(
                target.account, organization=of.organization, organizational_unit=of.organizational_unit, tags=of.tags
            )
            targets[account.account_id] = replace(target, account=account)
        self.drop(self.accounts.assign(target for account_id, target in targets.items() if self.owns(account_id)))


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more
