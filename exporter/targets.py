"""From the configuration to the accounts that are read, and to what finds more of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from exporter.aws.connector import Connector, Manner
from exporter.aws.organizations import Member, OrganizationReader
from exporter.cases.access import Access, OwnCredentials, ProfileCredentials, RoleCredentials
from exporter.cases.model import Account
from exporter.collector.source import Discovery, Target
from exporter.config import ResolvedAccount, ResolvedOrganization, Settings


@dataclass(slots=True)
class OrganizationDiscovery:
    """Finds the active accounts of an organization; used by one thread."""

    organization: ResolvedOrganization
    reader: OrganizationReader
    connector: Connector
    manner: Manner
    members: tuple[Member, ...] = ()

    @property
    def name(self) -> str:
        """The organization's name."""
        return self.organization.name

    @property
    def refresh_interval(self) -> float:
        """Seconds after which the accounts are listed again."""
        return self.organization.refresh_interval

    def targets(self, deadline: float) -> tuple[Target, ...]:
        """Return the accounts that are active and selected now."""
        self.members = self.reader.active_members(deadline)
        return self.known()

    def known(self) -> tuple[Target, ...]:
        """Return the accounts that were active when they were last listed, and are selected."""
        return tuple(
            target_of(self.organization.member(member.account_id, member.name), self.connector, self.manner)
            for member in self.members
            if self.organization.selects(member.account_id, member.name)
        )


@dataclass(slots=True)
class OwnAccountDiscovery:
    """Finds the one account that the exporter's own credentials belong to."""

    regions: tuple[str, ...]
    partition: str
    connector: Connector
    manner: Manner
    account_id: str | None = None
    name: str = ""
    refresh_interval: float = float("inf")

    def targets(self, deadline: float) -> tuple[Target, ...]:
        """Return that account."""
        self.account_id = self.connector.own_account(self.regions, deadline)
        return self.known()

    def known(self) -> tuple[Target, ...]:
        """Return that account if it was found before."""
        if self.account_id is None:
            return ()
        account = Account(self.account_id, self.account_id, self.regions[0], self.partition)
        return (target_of(ResolvedAccount(account, self.regions, OwnCredentials()), self.connector, self.manner),)


def target_of(resolved: ResolvedAccount, connector: Connector, manner: Manner) -> Target:
    """Return an account together with what reads it."""
    account = resolved.account
    reader = connector.reader(account.account_id, resolved.access, resolved.regions, manner)
    return Target(account, reader, _in_words(resolved.access))


def _in_words(access: Access) -> str:
    match access:
        case RoleCredentials(chain=chain):
            return f"role {' > '.join(arn.partition(':role/')[2] for arn in chain)}"
        case ProfileCredentials(name):
            return f"profile {name}"
        case _:
            return "own"


def configured_targets(settings: Settings, connector: Connector) -> tuple[Target, ...]:
    """Return the accounts that the configuration names."""
    manner = _manner(settings)
    return tuple(target_of(resolved, connector, manner) for resolved in settings.accounts)


def discoveries(settings: Settings, connector: Connector, before: Sequence[Discovery] = ()) -> tuple[Discovery, ...]:
    """Return what finds the accounts that the configuration does not name one by one.

    When it names neither accounts nor organizations, the one account of the exporter's own credentials is read.

    Args:
        settings: The configuration.
        connector: Makes what reads the accounts.
        before: What found accounts under the configuration before: what it found holds until they are listed anew.
    """
    manner = _manner(settings)
    if settings.accounts or settings.organizations:
        listed = [discovery for discovery in before if isinstance(discovery, OrganizationDiscovery)]
        return tuple(
            OrganizationDiscovery(
                organization,
                connector.organization_reader(organization.name, organization.access, organization.regions, manner),
                connector,
                manner,
                _members_before(organization, listed),
            )
            for organization in settings.organizations
        )
    found = next((discovery.account_id for discovery in before if isinstance(discovery, OwnAccountDiscovery)), None)
    regions = settings.config.aws.regions
    return (OwnAccountDiscovery(regions, connector.partition_of(regions[0]), connector, manner, found),)


def _members_before(organization: ResolvedOrganization, before: Sequence[OrganizationDiscovery]) -> tuple[Member, ...]:
    """Return the members of what is the same organization: it has its name, or is listed with the same credentials."""
    for found in before:
        if found.name == organization.name and found.organization.partition == organization.partition:
            return found.members
    for found in before:
        if (found.organization.access, found.organization.regions) == (organization.access, organization.regions):
            return found.members
    return ()


def _manner(settings: Settings) -> Manner:
    aws, cases = settings.config.aws, settings.config.metrics.cases
    return Manner(aws.session_name, aws.session_duration, keep_subject=cases.enabled and cases.subject)
