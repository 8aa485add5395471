"""From a configuration file to what is read, and how; or to everything that is wrong with the file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from exporter.cases.model import Access, Account, Member
from exporter.cases.policy import Policy
from exporter.cases.targets import DEFAULT, Targets, targets
from exporter.config import schema
from exporter.config.problems import validated
from exporter.config.types import SHARD, PartitionOf, RoleArn, format_duration, label_name, region_of_queue
from exporter.config.yaml_lines import Document, Loc, quoted, read_yaml

_TAGS = "tags."
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

    entry: schema.OrganizationEntry
    aws: schema.Aws
    regions: tuple[str, ...]
    partition: str
    access: Access
    targets: Targets

    def selects(self, account: Member) -> bool | None:
        """Return whether an account is polled; None while it depends on tags or units that are not known yet."""
        included = {_matches(key, values, account) for key, values in _parts(self.entry.include).items()} or {True}
        excluded = {_matches(key, values, account) for key, values in _parts(self.entry.exclude).items()}
        if True in excluded or included == {False}:
            return False
        return True if True in included and None not in excluded else None

    def unmatched(self, accounts: Sequence[Member]) -> list[str]:
        """Return what of include and exclude matches none of the accounts, and none whose tags are not known."""
        return [
            f"{name}.{key} {value}"
            for name, selection in (("include", self.entry.include), ("exclude", self.entry.exclude))
            for key, values in _parts(selection).items()
            for value in values
            if not any(_matches(key, (value,), account) or self.selects(account) is None for account in accounts)
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

    config: schema.Config
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
        found = [each.account.targets for each in self.accounts] + [each.targets for each in self.organizations]
        return {seconds for each in (self.own_targets, *found) for _, seconds in each.by_severity}

    @property
    def policy(self) -> Policy:
        cases, longest = self.config.metrics.cases, self.config.poll.max_staleness
        return Policy(longest, cases.limit if cases.enabled else None, subjects=cases.enabled and cases.subject)


def parse(content: bytes, *, source: str, partition_of: PartitionOf, shard: int | None = None) -> Settings:
    """Read a configuration for one shard, or for all; a `ConfigError` has a line for each problem: place, what, remedy."""
    document = read_yaml(content, source)
    config = validated(
        document,
        schema.Config,
        partition_of,
        advice_on_credentials="credentials do not belong in this file: remove it, and use AWS's default credential chain "
        "(environment, profile, role of the instance or pod)",
    )
    _check(config, document, partition_of, is_sharded=shard is not None)
    document.check()
    return Settings(
        config,
        tuple(_account(entry, config, partition_of) for entry in config.accounts),
        tuple(_organization(entry, config, partition_of) for entry in config.organizations),
        _targets(schema.AccessKeys(), config),
        _queue(config.events, config.aws, shard or 0) if config.events else None,
    )


def _check(config: schema.Config, document: Document, partition_of: PartitionOf, *, is_sharded: bool) -> None:
    """Report what is wrong between values that are valid on their own."""
    accounts = [(("accounts", i), entry) for i, entry in enumerate(config.accounts)]
    organizations = [(("organizations", i), entry) for i, entry in enumerate(config.organizations)]
    entries: list[tuple[Loc, schema.AccountEntry | schema.OrganizationEntry]] = [*accounts, *organizations]
    aws, poll = config.aws, config.poll
    sources: list[tuple[Loc, schema.CredentialKeys, str]] = [(*each, (each[1].regions or aws.regions)[0]) for each in entries]
    if config.events:
        _, region, _ = _queue(config.events, aws, 0)
        if partition_of(region) not in map(partition_of, (aws.regions[0], *(each[2] for each in sources))):
            document.add(
                ("events", "queue_url"), f"is in {region}, but no account is in its partition: events do not cross partitions"
            )
        sources.append((("events",), config.events, region))
        if is_sharded and SHARD not in config.events.queue_url:
            advice = "add {shard} to its name, and send each event to every queue"
            document.add(("events", "queue_url"), f"is one queue for all shards: {advice}")
    if poll.max_staleness < poll.interval:
        default = "" if "max_staleness" in poll.model_fields_set else " (the default)"
        interval = format_duration(poll.interval)
        document.add(
            ("poll", "max_staleness"),
            f"{format_duration(poll.max_staleness)}{default} is shorter than poll.interval, {interval}: "
            f"cases would disappear between polls; set {interval} or more",
        )
    _check_repeats([((*loc, "id"), entry.id) for loc, entry in accounts], document)
    _check_repeats([((*loc, "name"), entry.name) for loc, entry in organizations], document)
    _check_own_credentials(accounts, aws, document)
    for loc, entry, region in sources:
        _check_access(loc, entry, aws, document)
        _check_roles(loc, entry, region, partition_of, document)
        if isinstance(entry, schema.OrganizationEntry) and not (entry.member_role_name or aws.role_name):
            text = "is missing: set the role to assume in each account, here or as aws.role_name"
            document.add((*loc, "member_role_name"), text)


def _check_repeats(values: Iterable[tuple[Loc, str]], document: Document) -> None:
    first: dict[str, Loc] = {}
    for loc, value in values:
        if first.setdefault(value, loc) is not loc:
            place = document.place(first[value][:-1])
            document.add(loc, f"{quoted(value)} is a duplicate of {place}: remove one of them")


def _check_own_credentials(accounts: Iterable[tuple[Loc, schema.AccountEntry]], aws: schema.Aws, document: Document) -> None:
    others = [(loc, entry) for loc, entry in accounts if not (entry.roles or entry.profile)]
    own = [(loc, entry.use_own_credentials) for loc, entry in others if entry.use_own_credentials or not aws.role_name]
    for loc, is_explicit in own[1:]:
        document.add(
            (*loc, "use_own_credentials") if is_explicit else loc,
            f"only one account can use the exporter's own credentials, and {document.place(own[0][0])} does: "
            "set role_arn here, or aws.role_name for all",
        )


def _check_access(loc: Loc, entry: schema.CredentialKeys, aws: schema.Aws, document: Document) -> None:
    ways = sorted((way for way in _WAYS if getattr(entry, way)), key=lambda way: document.line((*loc, way)))
    for way in ways[1:]:
        first = f"{ways[0]} (line {document.line((*loc, ways[0]))})"
        document.add((*loc, way), f"is mutually exclusive with {first}: keep one of them")
    assumes_by_name = isinstance(entry, schema.AccountEntry) and not ways and aws.role_name
    if entry.external_id is not None and not entry.roles and not assumes_by_name:
        document.add((*loc, "external_id"), "requires a role: set role_arn, or remove it")


def _check_roles(loc: Loc, entry: schema.CredentialKeys, region: str, partition_of: PartitionOf, document: Document) -> None:
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
    if roles and isinstance(entry, schema.AccountEntry) and entry.id != roles[-1][1].account_id:
        where, role = roles[-1]
        document.add(where, f"{quoted(role.text)} is in account {role.account_id}, not in {entry.id}: fix it, or the ID")


def _account(entry: schema.AccountEntry, config: schema.Config, partition_of: PartitionOf) -> ResolvedAccount:
    aws, regions = config.aws, entry.regions or config.aws.regions
    access, partition = _access(entry), partition_of(regions[0])
    if access is None and aws.role_name is not None:
        access = Access((_role_in(partition, entry.id, aws.role_name),), entry.external_id or aws.external_id)
    labels = tuple(sorted(entry.labels.items()))
    account = Account(entry.id, entry.name or entry.id, regions[0], partition, "", labels, _targets(entry, config))
    return ResolvedAccount(account, regions, access or Access())


def _organization(entry: schema.OrganizationEntry, config: schema.Config, partition_of: PartitionOf) -> ResolvedOrganization:
    regions, access = entry.regions or config.aws.regions, _access(entry) or Access()
    return ResolvedOrganization(entry, config.aws, regions, partition_of(regions[0]), access, _targets(entry, config))


def _queue(events: schema.Events, aws: schema.Aws, shard: int) -> tuple[str, str, Access]:
    url = events.queue_url.replace(SHARD, str(shard))
    return url, region_of_queue(url) or aws.regions[0], _access(events) or Access()


def _targets(entry: schema.AccessKeys, config: schema.Config) -> Targets:
    plan, metrics = entry.support_plan or config.aws.support_plan, config.metrics
    overrides = (metrics.first_response_targets, entry.first_response_targets)
    return targets(plan, overrides, metrics.first_response_exempt_services)


def _access(entry: schema.CredentialKeys) -> Access | None:
    is_set = entry.roles or entry.profile is not None or entry.use_own_credentials
    return Access(tuple(role.text for role in entry.roles), entry.external_id, entry.profile) if is_set else None


def _role_in(partition: str, account_id: str, role_name: str) -> str:
    return f"arn:{partition}:iam::{account_id}:role/{role_name}"


def _parts(selection: schema.SelectionKeys) -> dict[str, tuple[str, ...]]:
    """Return the keys that have values, and these; each tag is a key of its own."""
    tags = {_TAGS + tag: patterns for tag, patterns in selection.tags.items()}
    return {key: values for key, values in (dict(selection) | tags).items() if values and key != "tags"}


def _matches(key: str, values: Sequence[str], account: Member) -> bool | None:
    """Return whether one of the values matches, None where that is not known."""
    if key == "accounts":
        return account.account_id in values
    if key == "organizational_units":
        return any(unit in values for unit in account.units) if account.units else None
    if (tag := key.removeprefix(_TAGS)) != key and tag not in account.tags:
        return None
    value = account.name if tag == key else account.tags[tag]
    return value is not None and any(fnmatchcase(value, pattern) for pattern in values)
