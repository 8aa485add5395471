"""From the configuration to the accounts that are polled, and to what discovers more of them."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from exporter.aws.organizations import Member, OrganizationReader
from exporter.aws.readers import ReaderOptions, Readers
from exporter.cases.model import Access, Account
from exporter.cases.report import Finding, finding
from exporter.cases.targets import Targets
from exporter.collector.collector import Plan
from exporter.collector.discovery import Listing
from exporter.collector.ports import Discovery, Target
from exporter.config.settings import ResolvedAccount, ResolvedOrganization, Settings


@dataclass(slots=True)
class _OrganizationDiscovery:
    """Finds the active accounts of an organization that are selected."""

    organization: ResolvedOrganization
    reader: OrganizationReader
    target: Callable[[ResolvedAccount], Target]
    members: Sequence[Member]
    name: str
    refresh_interval: float

    def lists(self, other: ResolvedOrganization) -> bool:
        """Return whether it is the same organization: it has its name, or is listed with the same credentials."""
        own = self.organization
        is_named_so = (self.name, own.partition) == (other.entry.name, other.partition)
        return is_named_so or (own.access, own.regions) == (other.access, other.regions)

    async def pages(self, timeout: float) -> AsyncIterator[Sequence[Target]]:  # noqa: ASYNC109 - as the reader's own
        members: list[Member] = []
        async for page in self.reader.pages(timeout):
            members += page
            yield self._targets(page)
        self.members = members

    def known(self) -> Sequence[Target]:
        return self._targets(self.members)

    def _targets(self, members: Sequence[Member]) -> list[Target]:
        return [self.target(self.organization.member(*each)) for each in members if self.organization.selects(*each)]


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

    async def pages(self, timeout: float) -> AsyncIterator[Sequence[Target]]:  # noqa: ASYNC109 - as the reader's own
        self.account_id = await self.readers.own_account(self.regions, timeout)
        yield self.known()

    def known(self) -> Sequence[Target]:
        if self.account_id is None:
            return ()
        partition = self.readers.partition_of(self.regions[0])
        account = Account(self.account_id, self.account_id, self.regions[0], partition, "", (), self.targets)
        return (self.target(ResolvedAccount(account, self.regions, Access())),)


def examined(listing: Listing) -> Finding:
    """Return how many accounts an organization has, how many are selected, and which patterns match none of them."""
    status, discovery = listing.status(), listing.discovery
    name = status.name or "own account"
    facts: dict[str, object] = {"name": name, "listed": None, "excluded": None, "selected": None, "unmatched": []}
    if status.reason is None and isinstance(discovery, _OrganizationDiscovery):
        members = dict(discovery.members)
        selected = sum(discovery.organization.selects(*member) for member in members.items())
        facts |= {"listed": len(members), "excluded": len(members) - selected, "selected": selected}
        facts["unmatched"] = discovery.organization.unmatched(members)
    return finding(name, facts, status.reason, status.detail)


def plan(settings: Settings, readers: Readers, before: Sequence[Discovery] = ()) -> Plan:
    """Return what a configuration asks of the collector; what the discoveries before found holds until it is listed anew."""
    aws, cases, poll = settings.config.aws, settings.config.metrics.cases, settings.config.poll
    subjects = cases.enabled and cases.subject
    options = ReaderOptions(aws.session_name, aws.session_duration, aws.languages, keep_subject=subjects)

    def target(resolved: ResolvedAccount) -> Target:
        account, access = resolved.account, resolved.access
        return Target(account, readers.reader(account.account_id, access, resolved.regions, options), access)

    listed = [discovery for discovery in before if isinstance(discovery, _OrganizationDiscovery)]
    discoveries: list[Discovery] = [
        _OrganizationDiscovery(
            organization,
            readers.organization_reader(organization.entry.name, organization.access, organization.regions, options),
            target,
            next((found.members for found in listed if found.lists(organization)), ()),
            organization.entry.name,
            organization.entry.refresh_interval,
        )
        for organization in settings.organizations
    ]
    if not settings.accounts and not settings.organizations:
        found = next((discovery.account_id for discovery in before if isinstance(discovery, _OwnAccountDiscovery)), None)
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
