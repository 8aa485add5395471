"""What can be wrong between values each of which is right by itself.

What is broken was left out before, so each check keeps silent where it would judge by something that was.
"""

from collections.abc import Iterable

from exporter.config.document import Document
from exporter.config.durations import format_duration
from exporter.config.problems import Path, Report, quoted, written_path
from exporter.config.schema import LONGEST_CHAINED_SESSION, AccessKeys, AccountEntry, Config, OrganizationEntry
from exporter.config.values import PartitionOf, RoleArn

_WAYS = ("role_arn", "role_chain", "profile", "use_own_credentials")


def check(config: Config, document: Document, partition_of: PartitionOf, report: Report) -> None:
    """Report everything that does not go together."""
    _Checks(config, document, partition_of, report).all()


class _Checks:
    def __init__(self, config: Config, document: Document, partition_of: PartitionOf, report: Report) -> None:
        self._config = config
        self._document = document
        self._partition_of = partition_of
        self._report = report

    def all(self) -> None:
        self._check_staleness()
        self._check_chained_session()
        accounts: list[tuple[Path, AccountEntry]] = [(("accounts", i), e) for i, e in enumerate(self._config.accounts)]
        organizations: list[tuple[Path, OrganizationEntry]] = [
            (("organizations", i), e) for i, e in enumerate(self._config.organizations)
        ]
        self._check_repeats("id", ((path, entry.id) for path, entry in accounts), "account")
        self._check_repeats("name", ((path, entry.name) for path, entry in organizations), "organization")
        self._check_own(accounts)
        for path, account in accounts:
            self._check_access(path, account, by_name=True)
            self._check_account_of_role(path, account)
        for path, organization in organizations:
            self._check_access(path, organization, by_name=False)
            self._check_member_role(path, organization)

    def _add(self, path: Path, text: str) -> None:
        self._report.add(self._document.line(path), path, text)

    def _line(self, path: Path) -> str:
        return f"{written_path(path)} (line {self._document.line(path)})"

    def _check_staleness(self) -> None:
        poll = self._config.poll
        if poll.max_staleness >= poll.interval or not self._report.is_sound(("poll", "interval"), ("poll", "max_staleness")):
            return
        default = "" if self._document.node(("poll", "max_staleness")) else " (the default)"
        interval = format_duration(poll.interval)
        self._add(
            ("poll", "max_staleness"),
            f"{format_duration(poll.max_staleness)}{default} is shorter than poll.interval, {interval}: "
            f"cases would vanish between two readings; write {interval} or more",
        )

    def _check_chained_session(self) -> None:
        duration = self._config.aws.session_duration
        entries: list[tuple[str, int, AccessKeys]] = [("accounts", i, e) for i, e in enumerate(self._config.accounts)]
        entries += [("organizations", i, e) for i, e in enumerate(self._config.organizations)]
        chained: list[Path] = [(key, index, "role_chain") for key, index, entry in entries if len(entry.roles) > 1]
        if chained and duration > LONGEST_CHAINED_SESSION:
            self._add(
                ("aws", "session_duration"),
                f"{format_duration(duration)} is too long for {self._line(chained[0])}: "
                f"AWS ends the session of a role that another role assumed after 1h; write 1h or less",
            )

    def _check_repeats(self, key: str, values: Iterable[tuple[Path, str]], what: str) -> None:
        first: dict[str, Path] = {}
        for path, value in values:
            where = (*path, key)
            if not value:
                if self._report.is_sound(where):
                    self._add(where, f"is missing: write the {what}'s {'12 digits, in quotes' if key == 'id' else key}")
            elif value in first:
                self._add(where, f"{quoted(value)} is there twice, first at {self._line(first[value])}: remove one of them")
            else:
                first[value] = path

    def _check_own(self, accounts: Iterable[tuple[Path, AccountEntry]]) -> None:
        own = [(path, entry) for path, entry in accounts if self._report.is_sound(path) and self._uses_own(entry)]
        for path, entry in own[1:]:
            holder = self._line(own[0][0])
            if entry.use_own_credentials:
                where: Path = (*path, "use_own_credentials")
                text = f"the exporter's own credentials belong to one account, and {holder} uses them: write role_arn instead"
            else:
                where = path
                text = (
                    "does not say how its credentials come, and the exporter's own belong to one account, "
                    f"{holder}: write role_arn here, or aws.role_name for all"
                )
            self._add(where, text)

    def _uses_own(self, entry: AccountEntry) -> bool:
        if entry.roles or entry.profile is not None:
            return False
        return entry.use_own_credentials or not self._has_role_name()

    def _has_role_name(self) -> bool:
        return self._config.aws.role_name is not None or not self._report.is_sound(("aws", "role_name"))

    def _check_access(self, path: Path, entry: AccessKeys, *, by_name: bool) -> None:
        given = sorted((way for way in _WAYS if getattr(entry, way)), key=lambda way: self._document.line((*path, way)))
        for way in given[1:]:
            first = self._document.line((*path, given[0]))
            self._add((*path, way), f"{given[0]} (line {first}) says already how the credentials come: keep one of them")
        if entry.external_id is not None and not entry.roles and self._report.is_sound(path):
            assumes_by_name = by_name and not given and self._has_role_name()
            if not assumes_by_name:
                self._add((*path, "external_id"), "is for a role, and there is none: write role_arn, or remove it")
        self._check_partition_of_roles(path, entry)

    def _check_partition_of_roles(self, path: Path, entry: AccessKeys) -> None:
        if not self._report.is_sound((*path, "regions")):
            return
        regions = entry.regions or self._config.aws.regions
        if entry.regions is None and not self._report.is_sound(("aws", "regions")):
            return
        partition = self._partition_of(regions[0])
        for where, role in self._roles(path, entry):
            if role.partition != partition:
                self._add(
                    where,
                    f"{quoted(role.text)} is in partition {role.partition}, but region {regions[0]} in {partition}: "
                    f"write regions of {role.partition}, or a role of {partition}",
                )

    def _roles(self, path: Path, entry: AccessKeys) -> list[tuple[Path, RoleArn]]:
        roles: list[tuple[Path, RoleArn]] = []
        if entry.role_arn is not None:
            roles.append(((*path, "role_arn"), entry.role_arn))
        roles += [((*path, "role_chain", index), role) for index, role in enumerate(entry.role_chain or ())]
        return roles

    def _check_account_of_role(self, path: Path, entry: AccountEntry) -> None:
        if not (entry.id and entry.roles):
            return
        where, role = self._roles(path, entry)[-1]
        if role.account_id != entry.id:
            self._add(where, f"{quoted(role.text)} is in account {role.account_id}, not in {entry.id}: correct it, or the id")

    def _check_member_role(self, path: Path, entry: OrganizationEntry) -> None:
        where = (*path, "member_role_name")
        if entry.member_role_name is None and not self._has_role_name() and self._report.is_sound(where):
            self._add(where, "is missing: write the name of the role to assume in each account, here or as aws.role_name")
