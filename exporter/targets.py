"""From the configuration to the accounts that are polled, and to what discovers more of them."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass

from exporter.aws.directory import Directory
from exporter.aws.readers import ReaderOptions, Readers
from exporter.cases.model import Access, Account, Member, Reason
from exporter.cases.report import Finding, finding
from exporter.cases.targets import Targets
from exporter.collector.collector import Plan
from exporter.collector.discovery import BATCH, Listing
from exporter.collector.ports import Discovery, Target
from exporter.config.settings import ResolvedAccount, ResolvedOrganization, Settings


@dataclass(slots=True)
class _OrganizationDiscovery:
    """Finds the active accounts of an organization that are selected."""

    organization: ResolvedOrganization
    directory: Directory
    target: Callable[[ResolvedAccount], Target]
    name: str
    refresh_interval: float
    selects_by_tags: bool

    @property
    def excluded(self) -> int | None:
        members = self.directory.described(self.directory.members.values())
        selected = [self.organization.selects(each) for each in members]
        return None if None in selected else selected.count(False)

    def lists(self, other: ResolvedOrganization) -> bool:
        """Return whether it is the same organization: it has its name, or is listed with the same credentials."""
        own = self.organization
        is_named_so = (self.name, own.partition) == (other.entry.name, other.partition)
        return is_named_so or (own.access, own.regions) == (other.access, other.regions)

    async def pages(self, timeout: float) -> AsyncIterator[Sequence[Target]]:  # noqa: ASYNC109 - as the reader's own
        selections = self.organization.entry.include, self.organization.entry.exclude
        async for page in self.directory.pages(timeout, with_units=any(each.organizational_units for each in selections)):
            yield self._targets(page)

    def known(self) -> Sequence[Target]:
        return self._targets(self.directory.members.values())

    async def look_up(self, owns: Callable[[str], bool], most: int) -> tuple[float, Sequence[Finding], Finding | None]:
        # As they are listed, nothing is known of tags: what selects accounts then does so without them.
        listed = [(each, self.organization.selects(each)) for each in self.directory.members.values() if owns(each.account_id)]
        units = {unit for each, selected in listed if selected is not False for unit in each.units[1:]}
        shown = self.organization.entry.tags
        tagged = {each.account_id for each, selected in listed if selected is None or (selected and shown)}
        names, tags = self.directory.names, self.directory.tags
        pause = min(await names.some(units, BATCH), await tags.some(tagged, most))
        last = [failure for each in (names, tags) for failure in list(each.failed.values())[-1:]]
        told = [finding(self.name, {}, failure.reason, failure.detail) for failure in last]
        return (pause, told[:-1], told[-1]) if self.selects_by_tags and tags.failed else (pause, told, None)

    def _targets(self, members: Iterable[Member]) -> list[Target]:
        """Return those that are polled: what was polled before stays until it is known to be excluded."""
        organization, directory = self.organization, self.directory
        decided = [(each, organization.selects(each)) for each in directory.described(members)]
        directory.selected |= {each.account_id for each, selected in decided if selected}
        directory.selected -= {each.account_id for each, selected in decided if selected is False}
        return [self.target(organization.member(each)) for each, _ in decided if each.account_id in directory.selected]


@dataclass(slots=True)
class _OwnAccountDiscovery:
    """Finds the one account that the exporter's own credentials belong to."""

    regions: tuple[str, ...]
    readers: Readers
    target: Callable[[ResolvedAccount], Target]
    targets: Targets
    account_id: str | None = None
    name: str = ""
    refresh_interval: float = float("inf")
    selects_by_tags: bool = False
    excluded: int = 0

    async def pages(self, timeout: float) -> AsyncIterator[Sequence[Target]]:  # noqa: ASYNC109 - as the reader's own
        self.account_id = await self.readers.own_account(self.regions, timeout)
        yield self.known()

    def known(self) -> Sequence[Target]:
        if self.account_id is None:
            return ()
        partition = self.readers.partition_of(self.regions[0])
        account = Account(self.account_id, self.account_id, self.regions[0], partition, "", (), self.targets)
        return (self.target(ResolvedAccount(account, self.regions, Access())),)

    async def look_up(self, owns: object, most: int) -> tuple[float, Sequence[Finding], None]:  # noqa: ARG002 - as any's
        return self.refresh_interval, (), None


def examined(listing: Listing) -> Finding:
    """Return how many accounts an organization has, how many are selected, and which patterns match none of them."""
    status, discovery = listing.status(), listing.discovery
    name = status.name or "own account"
    facts: dict[str, object] = {"name": name, "listed": None, "excluded": None, "selected": None, "unmatched": []}
    if status.reason in {None, Reason.NO_ACCOUNTS} and isinstance(discovery, _OrganizationDiscovery):
        members = discovery.directory.described(discovery.directory.members.values())
        selected = [discovery.organization.selects(each) for each in members]
        facts |= {"listed": len(members), "excluded": selected.count(False), "selected": selected.count(True)}
        facts["unmatched"] = discovery.organization.unmatched(members)
    return finding(name, facts, status.reason, status.detail)


def plan(settings: Settings, readers: Readers, known: Sequence[Discovery] = ()) -> Plan:
    """Return what a configuration asks of the collector; what is known of discoveries holds until the next listing."""
    aws, poll = settings.config.aws, settings.config.poll
    options = ReaderOptions(aws.session_name, aws.session_duration, aws.languages, keep_subject=settings.policy.subjects)

    def target(resolved: ResolvedAccount) -> Target:
        account, access = resolved.account, resolved.access
        return Target(account, readers.reader(account.account_id, access, resolved.regions, options), access)

    listed = [discovery for discovery in known if isinstance(discovery, _OrganizationDiscovery)]
    discoveries: list[Discovery] = []
    for organization in settings.organizations:
        entry = organization.entry
        reader = readers.organization_reader(entry.name, organization.access, organization.regions, options)
        listed.sort(key=lambda found: found.name != entry.name)
        before = next((found.directory for found in listed if found.lists(organization)), None)
        keys = frozenset((*entry.tags, *entry.include.tags, *entry.exclude.tags))
        directory = Directory(reader, (entry.refresh_interval, entry.tags_refresh_interval), keys, before)
        shown = entry.name, entry.refresh_interval, bool(entry.include.tags or entry.exclude.tags)
        discoveries.append(_OrganizationDiscovery(organization, directory, target, *shown))
    if not settings.accounts and not settings.organizations:
        found = next((discovery.account_id for discovery in known if isinstance(discovery, _OwnAccountDiscovery)), None)
        discoveries.append(_OwnAccountDiscovery(aws.regions, readers, target, settings.own_targets, found))
    return Plan(
        targets=[target(account) for account in settings.accounts],
        discoveries=discoveries,
        interval=poll.interval,
        timeout=poll.timeout,
        concurrency=poll.concurrency,
        policy=settings.policy,
        events=readers.event_queue(*settings.queue, options) if settings.queue else None,
    )
