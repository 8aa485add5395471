"""The keys of a configuration file, their types, defaults and bounds. Durations are held in seconds.

What one value is is checked here; how values go together is checked in `checks`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, BaseModel, ConfigDict

from exporter.config.values import (
    AccountId,
    ExternalId,
    Labels,
    Name,
    Regions,
    RoleArn,
    RoleArnValue,
    RoleChain,
    RoleName,
    SessionName,
    SeverityCode,
    Switch,
    duration,
    whole_number,
)

MINUTE: Final = 60.0
HOUR: Final = 3600.0

DEFAULT_INTERVAL: Final = 5 * MINUTE
DEFAULT_TIMEOUT: Final = 1 * MINUTE
DEFAULT_CONCURRENCY: Final = 16
DEFAULT_MAX_STALENESS: Final = 30 * MINUTE
DEFAULT_REGION: Final = "us-east-1"
DEFAULT_SESSION_NAME: Final = "aws-support-exporter"
DEFAULT_SESSION_DURATION: Final = 1 * HOUR
DEFAULT_REFRESH_INTERVAL: Final = 1 * HOUR
DEFAULT_CASE_LIMIT: Final = 1000
DEFAULT_FIRST_RESPONSE_TARGETS: Final[Mapping[str, float]] = MappingProxyType(
    {"critical": 15 * MINUTE, "urgent": 1 * HOUR, "high": 4 * HOUR, "normal": 12 * HOUR, "low": 24 * HOUR}
)
"""AWS's promises differ by support plan, and change."""

SHORTEST_INTERVAL: Final = 10.0
SHORTEST_SESSION: Final = 15 * MINUTE
LONGEST_SESSION: Final = 12 * HOUR
LONGEST_CHAINED_SESSION: Final = 1 * HOUR
SHORTEST_DURATION: Final = 0.001
LONGEST_DURATION: Final = 365 * 24 * HOUR
MOST_CONCURRENT: Final = 512

Interval = Annotated[float, duration(SHORTEST_INTERVAL, LONGEST_DURATION)]
PositiveDuration = Annotated[float, duration(SHORTEST_DURATION, LONGEST_DURATION)]


class Section(BaseModel):
    """A part of the file: unknown keys are errors, and nothing changes once it was read."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Poll(Section):
    """When and how accounts are read.

    Attributes:
        interval: From one reading of an account to the next.
        timeout: Within which an account must have been read, retries included. It may be longer than the interval: readings of
            one account never overlap, a slow account is merely read less often.
        concurrency: How many accounts are read at a time.
        max_staleness: For how long the last good cases of a failing account are shown.
    """

    interval: Interval = DEFAULT_INTERVAL
    timeout: PositiveDuration = DEFAULT_TIMEOUT
    concurrency: Annotated[int, whole_number(1, MOST_CONCURRENT)] = DEFAULT_CONCURRENCY
    max_staleness: PositiveDuration = DEFAULT_MAX_STALENESS


class Aws(Section):
    """What holds for every account that does not say otherwise.

    Attributes:
        regions: Whose Support endpoints are used, in the order of preference.
        role_name: The role assumed in accounts that do not say how their credentials come, or None.
        external_id: What the trust policy of that role asks for, or None.
        session_name: Shown in the accounts' CloudTrail.
        session_duration: How long assumed credentials are to last.
    """

    regions: Regions = (DEFAULT_REGION,)
    role_name: RoleName | None = None
    external_id: ExternalId | None = None
    session_name: SessionName = DEFAULT_SESSION_NAME
    session_duration: Annotated[float, duration(SHORTEST_SESSION, LONGEST_SESSION)] = DEFAULT_SESSION_DURATION


class AccessKeys(Section):
    """How AWS is reached: at most one of the first four, and where.

    Attributes:
        role_arn: A role to assume.
        role_chain: Roles to assume one after the other.
        profile: A profile in AWS's configuration files.
        use_own_credentials: Whether the exporter's own are used.
        external_id: What the trust policy of the (last) role asks for.
        regions: Whose endpoints are used; None stands for `aws.regions`.
    """

    role_arn: RoleArnValue | None = None
    role_chain: RoleChain | None = None
    profile: Name | None = None
    use_own_credentials: Switch = False
    external_id: ExternalId | None = None
    regions: Regions | None = None

    @property
    def roles(self) -> tuple[RoleArn, ...]:
        """The roles to assume one after the other; none when credentials come otherwise."""
        return self.role_chain or (() if self.role_arn is None else (self.role_arn,))


class AccountEntry(AccessKeys):
    """One entry of `accounts`.

    Attributes:
        id: Required: empty only until `checks` has told so.
        name: None stands for the id.
        labels: Shown on the account's info metric.
    """

    id: AccountId = ""
    name: Name | None = None
    labels: Labels = {}


class SelectionKeys(Section):
    """Which accounts of an organization.

    Attributes:
        accounts: By their ids.
        name_patterns: By shell-style patterns of their names.
    """

    accounts: tuple[AccountId, ...] = ()
    name_patterns: tuple[Name, ...] = ()


class OrganizationEntry(AccessKeys):
    """One entry of `organizations`; its credentials are those that list the accounts.

    Attributes:
        name: Required: empty only until `checks` has told so.
        member_role_name: The role assumed in every account; None stands for `aws.role_name`.
        member_external_id: What its trust policy asks for; None stands for `aws.external_id`.
        include: Which accounts are read; all when it is empty.
        exclude: Which of them are not.
        refresh_interval: From one listing of the accounts to the next.
        labels: Given to every account.
    """

    name: Name = ""
    member_role_name: RoleName | None = None
    member_external_id: ExternalId | None = None
    include: SelectionKeys = SelectionKeys()
    exclude: SelectionKeys = SelectionKeys()
    refresh_interval: Interval = DEFAULT_REFRESH_INTERVAL
    labels: Labels = {}


class Cases(Section):
    """Series of single cases.

    Attributes:
        enabled: Whether there are any.
        subject: Whether they carry the subject line.
        limit: For how many cases of an account at most, oldest first.
    """

    enabled: Switch = False
    subject: Switch = False
    limit: Annotated[int, whole_number(0)] = DEFAULT_CASE_LIMIT


def _with_defaults(targets: dict[str, float]) -> dict[str, float]:
    return {**DEFAULT_FIRST_RESPONSE_TARGETS, **targets}


class Metrics(Section):
    """What is shown.

    Attributes:
        first_response_targets: Seconds within which AWS is to answer first, by severity code: the defaults, and what
            the file says otherwise.
        cases: Series of single cases.
    """

    first_response_targets: Annotated[dict[SeverityCode, PositiveDuration], AfterValidator(_with_defaults)] = dict(
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
