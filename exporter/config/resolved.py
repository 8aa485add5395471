"""Accounts and organizations with all that their entries leave to the rest of the file filled in."""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from exporter.cases.access import Access, OwnCredentials, ProfileCredentials, RoleCredentials
from exporter.cases.model import Account
from exporter.config import model
from exporter.config.model import AccountEntry, Aws, OrganizationEntry, Selection

PartitionOf = Callable[[str], str]


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
        labels: Extra labels of its accounts.
    """

    name: str
    regions: tuple[str, ...]
    partition: str
    access: Access
    refresh_interval: float
    labels: tuple[tuple[str, str], ...]
    _role_name: str
    _external_id: str | None
    _profile: str | None
    _include: Selection
    _exclude: Selection

    def selects(self, account_id: str, name: str) -> bool:
        """Return whether an account is to be read: included, or nothing is said of that, and not excluded."""
        include = self._include
        included = not (include.accounts or include.name_patterns) or _matches(include, account_id, name)
        return included and not _matches(self._exclude, account_id, name)

    def member(self, account_id: str, name: str) -> ResolvedAccount:
        """Return how one of its accounts is read."""
        chain = (_role_in(self.partition, account_id, self._role_name),)
        account = Account(account_id, name, self.regions[0], self.partition, self.name, self.labels)
        return ResolvedAccount(account, self.regions, RoleCredentials(chain, self._external_id, self._profile))


def resolve_account(entry: AccountEntry, aws: Aws, partition_of: PartitionOf) -> ResolvedAccount:
    """Return an account entry with what it leaves to the `aws` section filled in."""
    regions = entry.regions or aws.regions
    partition = partition_of(regions[0])
    labels = tuple(sorted(entry.labels.items()))
    account = Account(entry.id, entry.name or entry.id, regions[0], partition, labels=labels)
    access = _access(entry)
    if access is None and aws.role_name:
        access = RoleCredentials((_role_in(partition, entry.id, aws.role_name),), entry.external_id or aws.external_id)
    return ResolvedAccount(account, regions, access or OwnCredentials())


def resolve_organization(entry: OrganizationEntry, aws: Aws, partition_of: PartitionOf) -> ResolvedOrganization:
    """Return an organization entry with what it leaves to the `aws` section filled in."""
    regions = entry.regions or aws.regions
    return ResolvedOrganization(
        name=entry.name,
        regions=regions,
        partition=partition_of(regions[0]),
        access=_access(entry) or OwnCredentials(),
        refresh_interval=entry.refresh_interval,
        labels=tuple(sorted(entry.labels.items())),
        _role_name=entry.member_role_name or aws.role_name or "",
        _external_id=entry.member_external_id or aws.external_id,
        _profile=entry.profile,
        _include=entry.include,
        _exclude=entry.exclude,
    )


def _access(entry: model.Access) -> Access | None:
    """Return how an entry itself says that credentials come, or None when it does not."""
    if entry.chain:
        return RoleCredentials(entry.chain, entry.external_id)
    if entry.profile:
        return ProfileCredentials(entry.profile)
    return OwnCredentials() if entry.use_own_credentials else None


def _role_in(partition: str, account_id: str, role_name: str) -> str:
    return f"arn:{partition}:iam::{account_id}:role/{role_name}"


def _matches(selection: Selection, account_id: str, name: str) -> bool:
    return account_id in selection.accounts or any(fnmatchcase(name, pattern) for pattern in selection.name_patterns)
