"""From the configuration to the accounts that are read, and to what finds more of them."""

from dataclasses import dataclass, field

from exporter.aws.connector import Connector
from exporter.aws.organizations import OrganizationReader
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
    _known: dict[ResolvedAccount, Target] = field(default_factory=dict)

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
        resolved = [
            self.organization.member(member.account_id, member.name)
            for member in self.reader.active_members(deadline)
            if self.organization.selects(member.account_id, member.name)
        ]
        # A target that stays keeps its credentials, its quota, and what it knows of first responses.
        self._known = {account: self._known.get(account) or target_of(account, self.connector) for account in resolved}
        return tuple(self._known.values())


@dataclass(frozen=True, slots=True)
class OwnAccountDiscovery:
    """Finds the one account that the exporter's own credentials belong to."""

    regions: tuple[str, ...]
    partition: str
    connector: Connector
    name: str = ""
    refresh_interval: float = float("inf")

    def targets(self, deadline: float) -> tuple[Target, ...]:
        """Return that account."""
        account_id = self.connector.own_account(self.regions, deadline)
        account = Account(account_id, account_id, self.regions[0], self.partition)
        return (target_of(ResolvedAccount(account, self.regions, OwnCredentials()), self.connector),)


def target_of(resolved: ResolvedAccount, connector: Connector) -> Target:
    """Return an account together with what reads it."""
    account = resolved.account
    reader = connector.reader(account.account_id, resolved.access, resolved.regions)
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
    return tuple(target_of(resolved, connector) for resolved in settings.accounts)


def discoveries(settings: Settings, connector: Connector) -> tuple[Discovery, ...]:
    """Return what finds the accounts that the configuration does not name one by one.

    When it names neither accounts nor organizations, the one account of the exporter's own credentials is read.
    """
    if settings.accounts or settings.organizations:
        return tuple(
            OrganizationDiscovery(
                organization,
                connector.organization_reader(organization.name, organization.access, organization.regions),
                connector,
            )
            for organization in settings.organizations
        )
    regions = settings.config.aws.regions
    return (OwnAccountDiscovery(regions, connector.partition_of(regions[0]), connector),)
