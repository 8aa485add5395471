"""From a configuration file to what is read, and how; or to everything that is wrong with the file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from exporter.cases.model import Access, Account, Member
from exporter.cases.policy import Policy
from exporter.cases.targets import DEFAULT, Targets, targets
from exporter.config.problems import validated
from exporter.config.schema import (
    MAX_CHAINED_SESSION,
    AccessKeys,
    AccountEntry,
    Aws,
    Config,
    CredentialKeys,
    Events,
    OrganizationEntry,
    SelectionKeys,
)
from exporter.config.types import SHARD, PartitionOf, RoleArn, format_duration, label_name, region_of_queue
from exporter.config.yaml_lines import Document, Loc, quoted, read, read_yaml

_WAYS = ("role_arn", "role_chain", "profile", "use_own_credentials")


@dataclass(frozen=True, slots=True)
class ResolvedAccount:
    """An account that is polled; its regions are in order of preference, all of one partition."""

    account: Account
    regions: tuple[str, ...]
    access: Access


@dataclass(frozen=True, slots=True)
class ResolvedOrganization:
    """An organization whose accounts are discovered, and how they are polled.

    `access` lists its accounts; the role in each is assumed with the credentials of its profile, or with the exporter's own.
    """

    entry: OrganizationEntry
    aws: Aws
    regions: tuple[str, ...]
    partition: str
    access: Access
    targets: Targets

    def selects(self, account: Member) -> bool:
        """Return whether an account is polled: not before its tags and units are known, where they can exclude it."""
        include, exclude = self.entry.include, self.entry.exclude
        is_known = exclude.tags.keys() <= account.tags.keys() and (account.units or not exclude.organizational_units)
        included = not any(values for _, values in include) or _matches(include, account)
        return bool(is_known and included and not _matches(exclude, account))

    def unmatched(self, accounts: Sequence[Member]) -> list[str]:
        """Return what of include and exclude matches none of the accounts."""
        return [
            f"{name}.{key} {value}"
            for name, selection in (("include", self.entry.include), ("exclude", self.entry.exclude))
            for key, values in selection
            for value in values
            for alone in [SelectionKeys.model_validate({key: {value: values[value]} if key == "tags" else (value,)})]
            if not any(_matches(alone, account) for account in accounts)
        ]

    def member(self, member: Member) -> ResolvedAccount:
        entry, account_id = self.entry, member.account_id
        role = _role_in(self.partition, account_id, entry.member_role_name or self.aws.role_name or "")
        tags = tuple((label_name(tag), value) for tag in entry.tags if (value := member.tags.get(tag)) is not None)
        shared = self.regions[0], self.partition, entry.name, tuple(sorted(entry.labels.items())), self.targets
        account = Account(account_id, member.name, *shared, member.path, tags)
        access = Access((role,), entry.member_external_id or self.aws.external_id, entry.profile)
        return ResolvedAccount(account, self.regions, access)


@dataclass(frozen=True, slots=True)
class Settings:
    """A configuration that needs no more checks: as the file has it, and resolved."""

    config: Config
    accounts: tuple[ResolvedAccount, ...] = ()
    organizations: tuple[ResolvedOrganization, ...] = ()
    own_targets: Targets = DEFAULT  # of the exporter's own account, where no other is configured
    queue: tuple[str, str, Access] | None = None  # of this shard: URL, region, and how it is read

    @property
    def entries(self) -> tuple[ResolvedAccount | ResolvedOrganization, ...]:
        return (*self.accounts, *self.organizations)

    @property
    def first_response_targets(self) -> set[float]:
        """The targets of all accounts, in seconds."""
        found = {
            self.own_targets,
            *(each.account.targets for each in self.accounts),
            *(each.targets for each in self.organizations),
        }
        return {seconds for each in found for _, seconds in each.by_severity}

    @property
    def policy(self) -> Policy:
        metrics = self.config.metrics
        return Policy(
            self.config.poll.max_staleness,
            metrics.cases.limit if metrics.cases.enabled else None,
            subjects=metrics.cases.enabled and metrics.cases.subject,
        )


def load(path: Path, *, partition_of: PartitionOf, shard: tuple[int, int] = (0, 1)) -> Settings:
    """Read a configuration file; a `ConfigError` has a line for each problem: place, what is wrong, what to write instead."""
    return parse(read(path), source=str(path), partition_of=partition_of, shard=shard)


def parse(content: bytes, *, source: str, partition_of: PartitionOf, shard: tuple[int, int] = (0, 1)) -> Settings:
    """Read a configuration as `load` does; `source` is what messages call it, `shard` which one of how many this is."""
    document = read_yaml(content, source)
    config = validated(
        document,
        Config,
        partition_of,
        advice_on_credentials="credentials do not belong in this file: remove it, and leave them to AWS's default chain "
        "(environment, profile, or the role of the machine or pod)",
    )
    _check(config, document, partition_of, shard[1])
    document.check()
    return Settings(
        config,
        tuple(_account(entry, config, partition_of) for entry in config.accounts),
        tuple(_organization(entry, config, partition_of) for entry in config.organizations),
        _targets(AccessKeys(), config),
        _queue(config.events, config.aws, shard[0]) if config.events else None,
    )


def _check(config: Config, document: Document, partition_of: PartitionOf, shards: int) -> None:
    """Report what is wrong between values each of which is right by itself."""
    accounts = [(("accounts", i), entry) for i, entry in enumerate(config.accounts)]
    organizations = [(("organizations", i), entry) for i, entry in enumerate(config.organizations)]
    entries: list[tuple[Loc, AccountEntry | OrganizationEntry]] = [*accounts, *organizations]
    aws, poll = config.aws, config.poll
    sources: list[tuple[Loc, CredentialKeys, str]] = [(*each, (each[1].regions or aws.regions)[0]) for each in entries]
    if config.events:
        _, region, _ = _queue(config.events, aws, 0)
        if partition_of(region) not in map(partition_of, (aws.regions[0], *(each[2] for each in sources))):
            document.add(
                ("events", "queue_url"), f"is in {region}, in whose partition no account is: events do not cross partitions"
            )
        sources.append((("events",), config.events, region))
        if shards > 1 and SHARD not in config.events.queue_url:
            advice = "write {shard} into its name, and have each event sent to each of these queues"
            document.add(("events", "queue_url"), f"is one queue for {shards} shards: {advice}")
    if poll.max_staleness < poll.interval:
        default = "" if "max_staleness" in poll.model_fields_set else " (the default)"
        interval = format_duration(poll.interval)
        document.add(
            ("poll", "max_staleness"),
            f"{format_duration(poll.max_staleness)}{default} is shorter than poll.interval, {interval}: "
            f"cases would vanish between two polls; write {interval} or more",
        )
    chained = [(*loc, "role_chain") for loc, entry, _ in sources if len(entry.roles) > 1]
    if chained and aws.session_duration > MAX_CHAINED_SESSION:
        document.add(
            ("aws", "session_duration"),
            f"{format_duration(aws.session_duration)} is too long for {document.place(chained[0])}: "
            "AWS ends the session of a role that another role assumed after 1h; write 1h or less",
        )
    _check_repeats([((*loc, "id"), entry.id) for loc, entry in accounts], document)
    _check_repeats([((*loc, "name"), entry.name) for loc, entry in organizations], document)
    _check_own_credentials(accounts, aws, document)
    for loc, entry, region in sources:
        _check_access(loc, entry, aws, document)
        _check_roles(loc, entry, region, partition_of, document)
        if isinstance(entry, OrganizationEntry) and not (entry.member_role_name or aws.role_name):
            text = "is missing: write the name of the role to assume in each account, here or as aws.role_name"
            document.add((*loc, "member_role_name"), text)


def _check_repeats(values: Iterable[tuple[Loc, str]], document: Document) -> None:
    first: dict[str, Loc] = {}
    for loc, value in values:
        if first.setdefault(value, loc) is not loc:
            place = document.place(first[value][:-1])
            document.add(loc, f"{quoted(value)} is there twice, first at {place}: remove one of them")


def _check_own_credentials(accounts: Iterable[tuple[Loc, AccountEntry]], aws: Aws, document: Document) -> None:
    others = [(loc, entry) for loc, entry in accounts if not (entry.roles or entry.profile)]
    own = [(loc, entry.use_own_credentials) for loc, entry in others if entry.use_own_credentials or not aws.role_name]
    for loc, is_explicit in own[1:]:
        document.add(
            (*loc, "use_own_credentials") if is_explicit else loc,
            f"the exporter's own credentials belong to one account, and {document.place(own[0][0])} uses them: "
            "write role_arn here, or aws.role_name for all",
        )


def _check_access(loc: Loc, entry: CredentialKeys, aws: Aws, document: Document) -> None:
    ways = sorted((way for way in _WAYS if getattr(entry, way)), key=lambda way: document.line((*loc, way)))
    for way in ways[1:]:
        first = f"{ways[0]} (line {document.line((*loc, ways[0]))})"
        document.add((*loc, way), f"{first} says already how the credentials come: keep one of them")
    assumes_by_name = isinstance(entry, AccountEntry) and not ways and aws.role_name
    if entry.external_id is not None and not entry.roles and not assumes_by_name:
        document.add((*loc, "external_id"), "is for a role, and there is none: write role_arn, or remove it")


def _check_roles(loc: Loc, entry: CredentialKeys, region: str, partition_of: PartitionOf, document: Document) -> None:
    roles: list[tuple[Loc, RoleArn]] = [((*loc, "role_chain", i), role) for i, role in enumerate(entry.role_chain or ())]
    if entry.role_arn is not None:
        roles = [((*loc, "role_arn"), entry.role_arn), *roles]
    partition = partition_of(region)
    for where, role in roles:
        if role.partition != partition:
            document.add(
                where,
                f"{quoted(role.text)} is in partition {role.partition}, but region {region} in {partition}: "
                f"write regions of {role.partition}, or a role of {partition}",
            )
    if roles and isinstance(entry, AccountEntry) and entry.id != roles[-1][1].account_id:
        where, role = roles[-1]
        document.add(where, f"{quoted(role.text)} is in account {role.account_id}, not in {entry.id}: correct it, or the id")


def _account(entry: AccountEntry, config: Config, partition_of: PartitionOf) -> ResolvedAccount:
    aws = config.aws
    regions = entry.regions or aws.regions
    partition = partition_of(regions[0])
    access = _access(entry)
    if access is None and aws.role_name is not None:
        access = Access((_role_in(partition, entry.id, aws.role_name),), entry.external_id or aws.external_id)
    labels = tuple(sorted(entry.labels.items()))
    account = Account(entry.id, entry.name or entry.id, regions[0], partition, "", labels, _targets(entry, config))
    return ResolvedAccount(account, regions, access or Access())


def _organization(entry: OrganizationEntry, config: Config, partition_of: PartitionOf) -> ResolvedOrganization:
    regions = entry.regions or config.aws.regions
    access = _access(entry) or Access()
    return ResolvedOrganization(entry, config.aws, regions, partition_of(regions[0]), access, _targets(entry, config))


def _queue(events: Events, aws: Aws, shard: int) -> tuple[str, str, Access]:
    url = events.queue_url.replace(SHARD, str(shard))
    return url, region_of_queue(url) or aws.regions[0], _access(events) or Access()


def _targets(entry: AccessKeys, config: Config) -> Targets:
    plan, metrics = entry.support_plan or config.aws.support_plan, config.metrics
    overrides = (metrics.first_response_targets, entry.first_response_targets)
    return targets(plan, overrides, metrics.first_response_exempt_services)


def _access(entry: CredentialKeys) -> Access | None:
    if entry.roles:
        return Access(tuple(role.text for role in entry.roles), entry.external_id)
    if entry.profile is not None:
        return Access(profile=entry.profile)
    return Access() if entry.use_own_credentials else None


def _role_in(partition: str, account_id: str, role_name: str) -> str:
    return f"arn:{partition}:iam::{account_id}:role/{role_name}"


def _matches(selection: SelectionKeys, account: Member) -> bool:
    tagged = ((account.tags.get(tag), patterns) for tag, patterns in selection.tags.items())
    return (
        account.account_id in selection.accounts
        or any(fnmatchcase(account.name, pattern) for pattern in selection.name_patterns)
        or any(unit in selection.organizational_units for unit in account.units)
        or any(fnmatchcase(value, pattern) for value, patterns in tagged if value is not None for pattern in patterns)
    )
