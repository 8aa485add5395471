"""The keys of a configuration file, their types, defaults and bounds. Durations are held in seconds."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from exporter.config import types

MINUTE: Final = 60.0
HOUR: Final = 3600.0

DEFAULT_CONCURRENCY: Final = 16
DEFAULT_FIRST_RESPONSE_TARGETS: Final[Mapping[str, float]] = MappingProxyType(
    {"critical": 15 * MINUTE, "urgent": 1 * HOUR, "high": 4 * HOUR, "normal": 12 * HOUR, "low": 24 * HOUR}
)
"""AWS's promises differ by support plan, and change."""

MAX_CHAINED_SESSION: Final = 1 * HOUR
MAX_DURATION: Final = 365 * 24 * HOUR
MAX_CONCURRENCY: Final = 512

Interval = Annotated[float, types.duration(10.0, MAX_DURATION)]
PositiveDuration = Annotated[float, types.duration(0.001, MAX_DURATION)]


class Section(BaseModel):
    """A part of the file: unknown keys are errors, and nothing changes once it was read."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Poll(Section):
    """Polling of accounts.

    Attributes:
        interval: Poll interval.
        timeout: Poll timeout, retries included. It may exceed the interval: polls of one account never overlap.
        concurrency: Maximum number of concurrent polls.
        max_staleness: How long the last good cases of a failing account are shown.
    """

    interval: Interval = 5 * MINUTE
    timeout: PositiveDuration = 1 * MINUTE
    concurrency: Annotated[int, types.whole_number(1, MAX_CONCURRENCY)] = DEFAULT_CONCURRENCY
    max_staleness: PositiveDuration = 30 * MINUTE


class Aws(Section):
    """Defaults for all accounts and organizations.

    Attributes:
        regions: Regions whose Support endpoints are used, in order of preference.
        role_name: Role to assume in accounts that set no credentials of their own.
        external_id: External ID for that role.
        session_name: Role session name, as CloudTrail shows it.
        session_duration: Role session duration.
    """

    regions: types.Regions = ("us-east-1",)
    role_name: types.RoleName | None = None
    external_id: types.ExternalId | None = None
    session_name: types.SessionName = "aws-support-exporter"
    session_duration: Annotated[float, types.duration(15 * MINUTE, 12 * HOUR)] = 1 * HOUR


class AccessKeys(Section):
    """Credentials and regions: at most one of the first four keys.

    Attributes:
        role_arn: Role to assume.
        role_chain: Roles to assume, one after the other.
        profile: Profile in the AWS configuration files.
        use_own_credentials: Use the exporter's own credentials.
        external_id: External ID for the (last) role.
        regions: Regions whose endpoints are used, in order of preference; default aws.regions.
    """

    role_arn: types.RoleArnValue | None = None
    role_chain: types.RoleChain | None = None
    profile: types.Name | None = None
    use_own_credentials: types.Switch = False
    external_id: types.ExternalId | None = None
    regions: types.Regions | None = None

    @property
    def roles(self) -> tuple[types.RoleArn, ...]:
        """The roles to assume one after the other; none when credentials come otherwise."""
        return self.role_chain or (() if self.role_arn is None else (self.role_arn,))


class AccountEntry(AccessKeys):
    """An account.

    Attributes:
        id: The account's 12 digits, in quotes.
        name: Account name; default the id.
        labels: Labels of the account's info metric.
    """

    id: types.AccountId = Field(description="the account's 12 digits, in quotes")
    name: types.Name | None = None
    labels: types.Labels = {}


class SelectionKeys(Section):
    """Selection of an organization's accounts.

    Attributes:
        accounts: Account IDs.
        name_patterns: Shell-style patterns of account names.
    """

    accounts: tuple[types.AccountId, ...] = ()
    name_patterns: tuple[types.Name, ...] = ()


class OrganizationEntry(AccessKeys):
    """An organization; its credentials are those that list its accounts.

    Attributes:
        name: Organization name, shown as the label organization.
        member_role_name: Role to assume in each account; default aws.role_name.
        member_external_id: External ID for that role; default aws.external_id.
        include: Accounts to poll; all when empty.
        exclude: Accounts not to poll.
        refresh_interval: Interval between listings of the accounts.
        labels: Labels of every account.
    """

    name: types.Name = Field(description="the organization's name")
    member_role_name: types.RoleName | None = None
    member_external_id: types.ExternalId | None = None
    include: SelectionKeys = SelectionKeys()
    exclude: SelectionKeys = SelectionKeys()
    refresh_interval: Interval = 1 * HOUR
    labels: types.Labels = {}


class Cases(Section):
    """Series for single cases.

    Attributes:
        enabled: Enable series for single cases.
        subject: Add the subject line as a label.
        limit: Maximum number of cases per account, oldest first.
    """

    enabled: types.Switch = False
    subject: types.Switch = False
    limit: Annotated[int, types.whole_number(0)] = 1000


def _with_defaults(targets: dict[str, float]) -> dict[str, float]:
    return {**DEFAULT_FIRST_RESPONSE_TARGETS, **targets}


class Metrics(Section):
    """First response targets, and series for single cases.

    Attributes:
        first_response_targets: First response targets by severity code; the defaults hold for codes that are not listed.
        cases: Series for single cases.
    """

    first_response_targets: Annotated[dict[types.SeverityCode, PositiveDuration], AfterValidator(_with_defaults)] = dict(
        DEFAULT_FIRST_RESPONSE_TARGETS
    )
    cases: Cases = Cases()


class Config(Section):
    """A whole file."""

    poll: Poll = Poll()
    aws: Aws = Aws()
    accounts: tuple[AccountEntry, ...] = ()
    organizations: tuple[OrganizationEntry, ...] = ()
    metrics: Metrics = Metrics()
