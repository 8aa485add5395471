"""Accounts and organizations with all that their entries leave to the rest of the file filled in."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from exporter.cases.access import Access, OwnCredentials, ProfileCredentials, RoleCredentials
from exporter.cases.model import Account
from exporter.cases.policy import Policy
from exporter.config.schema import AccessKeys, AccountEntry, Aws, Config, OrganizationEntry, SelectionKeys
from exporter.config.values import PartitionOf


@dataclass(frozen=True, slots=True)
class ResolvedAccount:
    """An account that is read, and how.

    Attributes:
        account: The account.
        regions: Its regions in the order of preference, all of one partition.
        access: How its credentials come.
    """

    account: Account
    regions: tuple[str, ...]
    access: Access


@dataclass(frozen=True, slots=True)
class ResolvedOrganization:
    """An organization whose accounts are discovered, and how they are read.

    Attributes:
        name: Its name in the configuration.
        regions: Regions of its accounts in the order of preference, all of one partition.
        partition: Their partition.
        access: How the credentials come that list its accounts.
        refresh_interval: Seconds after which they are listed again.
        labels: Extra labels of its accounts, as sorted pairs.
        member_role_name: The role that is assumed in each account.
        member_external_id: What its trust policy asks for, or None.
        profile: The profile whose credentials it is assumed with, or None for the exporter's own.
        include: Which accounts are read; all when it is empty.
        exclude: Which of them are not.
    """

    name: str
    regions: tuple[str, ...]
    partition: str
    access: Access
    refresh_interval: float
    labels: tuple[tuple[str, str], ...]
    member_role_name: str
    member_external_id: str | None
    profile: str | None
    include: SelectionKeys
    exclude: SelectionKeys

    def selects(self, account_id: str, name: str) -> bool:
        """Return whether an account is to be read: included, or nothing is said of that, and not excluded."""
        included = not (self.include.accounts or self.include.name_patterns) or _matches(self.include, account_id, name)
        return included and not _matches(self.exclude, account_id, name)

    def member(self, account_id: str, name: str) -> ResolvedAccount:
        """Return how one of its accounts is read."""
        role = _role_in(self.partition, account_id, self.member_role_name)
        account = Account(account_id, name, self.regions[0], self.partition, self.name, self.labels)
        return ResolvedAccount(account, self.regions, RoleCredentials((role,), self.member_external_id, self.profile))


@dataclass(frozen=True, slots=True)
class Settings:
    """A configuration that needs no more checks.

    Attributes:
        config: As the file has it, defaults filled in.
        accounts: The configured accounts.
        organizations: The organizations whose accounts are discovered.
    """

    config: Config
    accounts: tuple[ResolvedAccount, ...] = ()
    organizations: tuple[ResolvedOrganization, ...] = ()

    @property
    def policy(self) -> Policy:
        """How cases are judged and shown."""
        cases = self.config.metrics.cases
        limit = cases.limit if cases.enabled else None
        targets = self.config.metrics.first_response_targets
        return Policy(self.config.poll.max_staleness, targets, limit, subjects=cases.enabled and cases.subject)


def resolve(config: Config, partition_of: PartitionOf) -> Settings:
    """Return a configuration in which nothing is wrong with what its entries leave to the rest filled in."""
    return Settings(
        config,
        tuple(_account(entry, config.aws, partition_of) for entry in config.accounts),
        tuple(_organization(entry, config.aws, partition_of) for entry in config.organizations),
    )


def _account(entry: AccountEntry, aws: Aws, partition_of: PartitionOf) -> ResolvedAccount:
    regions = entry.regions or aws.regions
    partition = partition_of(regions[0])
    access = _access(entry)
    if access is None and aws.role_name is not None:
        access = RoleCredentials((_role_in(partition, entry.id, aws.role_name),), entry.external_id or aws.external_id)
    account = Account(entry.id, entry.name or entry.id, regions[0], partition, labels=tuple(sorted(entry.labels.items())))
    return ResolvedAccount(account, regions, access or OwnCredentials())


def _organization(entry: OrganizationEntry, aws: Aws, partition_of: PartitionOf) -> ResolvedOrganization:
    regions = entry.regions or aws.regions
    return ResolvedOrganization(
        name=entry.name,
        regions=regions,
        partition=partition_of(regions[0]),
        access=_access(entry) or OwnCredentials(),
        refresh_interval=entry.refresh_interval,
        labels=tuple(sorted(entry.labels.items())),
        member_role_name=entry.member_role_name or aws.role_name or "",
        member_external_id=entry.member_external_id or aws.external_id,
        profile=entry.profile,
        include=entry.include,
        exclude=entry.exclude,
    )


def _access(entry: AccessKeys) -> Access | None:
    """Return how an entry itself says that credentials come, or None when it does not."""
    if entry.roles:
        return RoleCredentials(tuple(role.text for role in entry.roles), entry.external_id)
    if entry.profile is not None:
        return ProfileCredentials(entry.profile)
    return OwnCredentials() if entry.use_own_credentials else None


def _role_in(partition: str, account_id: str, role_name: str) -> str:
    return f"arn:{partition}:iam::{account_id}:role/{role_name}"


def _matches(selection: SelectionKeys, account_id: str, name: str) -> bool:
    return account_id in selection.accounts or any(fnmatchcase(name, pattern) for pattern in selection.name_patterns)
