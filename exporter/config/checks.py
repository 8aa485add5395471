"""What can be wrong between values that are right by themselves."""

from collections.abc import Iterator

from exporter.config.durations import format_duration, quoted
from exporter.config.model import Access, AccountEntry, Aws, OrganizationEntry, Poll
from exporter.config.reader import Document, Path, Problem
from exporter.config.resolved import PartitionOf

_LONGEST_CHAINED = 3600.0
_WAYS = ("role_arn", "role_chain", "profile", "use_own_credentials")


def check_poll(poll: Poll) -> Iterator[Problem]:
    """Yield what is wrong between the durations of a poll."""
    if poll.timeout > poll.interval:
        yield Problem(("poll", "timeout"), f"is longer than the interval of {format_duration(poll.interval)}")
    if poll.max_staleness < poll.interval:
        message = f"is shorter than the interval of {format_duration(poll.interval)}: cases would vanish between two polls"
        yield Problem(("poll", "max_staleness"), message)


def check_regions(regions: tuple[str, ...], path: Path, partition_of: PartitionOf) -> Iterator[Problem]:
    """Yield regions that do not exist, or are of another partition than the first."""
    partitions: dict[str, str] = {}
    for index, region in enumerate(regions):
        try:
            partitions[region] = partition_of(region)
        except ValueError:
            yield Problem((*path, index), f"{quoted(region)} is not an AWS region: write one like us-east-1")
    first = next(iter(partitions.items()), None)
    for region, partition in partitions.items():
        if first is not None and partition != first[1]:
            message = (
                f"{region} is of partition {partition}, {first[0]} of {first[1]}: "
                "an account is in one partition, its regions too"
            )
            yield Problem((*path, regions.index(region)), message)


def check_access(entry: Access, path: Path, aws: Aws) -> Iterator[Problem]:
    """Yield what is wrong with how an entry says that its credentials come."""
    given = [way for way in _WAYS if getattr(entry, way)]
    if len(given) > 1:
        yield Problem((*path, given[1]), f"{given[0]} is given too: credentials come in one way only, remove one of them")
    if entry.external_id and (set(given) - {"role_arn", "role_chain"} or not (given or aws.role_name)):
        yield Problem((*path, "external_id"), "is of use only with a role: remove it, or give role_arn")
    if len(entry.chain) > 1 and aws.session_duration > _LONGEST_CHAINED:
        message = f"AWS allows chained roles 1h, but aws.session_duration is {format_duration(aws.session_duration)}"
        yield Problem((*path, "role_chain"), message)


def check_account(entry: AccountEntry, path: Path, aws: Aws, partition_of: PartitionOf) -> Iterator[Problem]:
    """Yield what is wrong between the keys of one account."""
    yield from check_access(entry, path, aws)
    if entry.regions:
        yield from check_regions(entry.regions, (*path, "regions"), partition_of)
    if not entry.chain:
        return
    where: Path = (*path, "role_chain", len(entry.chain) - 1) if entry.role_chain else (*path, "role_arn")
    _, partition, _, _, owner, _ = entry.chain[-1].split(":", 5)
    if owner != entry.id:
        yield Problem(where, f"the role is in account {owner}, not in {entry.id}")
    region = (entry.regions or aws.regions)[0]
    try:
        home = partition_of(region)
    except ValueError:
        return
    if partition != home:
        yield Problem(where, f"the role is in partition {partition}, but the region {region} in {home}")


def check_organization(entry: OrganizationEntry, path: Path, aws: Aws, partition_of: PartitionOf) -> Iterator[Problem]:
    """Yield what is wrong between the keys of one organization."""
    yield from check_access(entry, path, aws)
    if entry.regions:
        yield from check_regions(entry.regions, (*path, "regions"), partition_of)
    if not (entry.member_role_name or aws.role_name):
        yield Problem(path, "no role to read its accounts with: give member_role_name here, or aws.role_name")


def check_repeats(document: Document, ids: list[tuple[Path, str]], what: str) -> Iterator[Problem]:
    """Yield entries whose id or name an earlier entry has."""
    first: dict[str, Path] = {}
    for path, value in ids:
        if value in first:
            message = f"{what} {value} is there twice, first on line {document.line(first[value])}: remove one of them"
            yield Problem(path, message)
        first.setdefault(value, path)


def check_own(entries: list[tuple[Path, AccountEntry]], aws: Aws) -> Iterator[Problem]:
    """Yield accounts beyond the first that are to be read with the exporter's own credentials."""
    own = [(path, e) for path, e in entries if not (e.chain or e.profile) and (e.use_own_credentials or not aws.role_name)]
    for path, entry in own[1:]:
        message = (
            f"account {entry.id} and account {own[0][1].id} would both be read with the exporter's own credentials, "
            "which belong to one account: give this one a role_arn, or all of them aws.role_name"
        )
        yield Problem(path, message)
