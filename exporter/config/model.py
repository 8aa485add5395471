"""The configuration, key by key, with its defaults."""

import re
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from exporter.config.durations import format_duration, parse_duration, quoted

DEFAULT_REGION = "us-east-1"
DEFAULT_TARGETS = {"critical": 900.0, "urgent": 3600.0, "high": 14400.0, "normal": 43200.0, "low": 86400.0}
"""First-response targets in seconds; AWS's promises differ by plan, and change."""
SHORTEST_INTERVAL = 10.0
MOST_CONCURRENT = 512

_ACCOUNT_ID = re.compile(r"[0-9]{12}")
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::(?P<account>[0-9]{12}):role/(?:[\x21-\x7e]{1,512}/)?[\w+=,.@-]{1,64}", re.ASCII)
_ROLE_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
_LABEL_NAME = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{quoted(value)} must be text: put it in quotes")  # noqa: TRY004 - one error for one mistake
    return value


def _account_id(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        # YAML reads 012345678901 as an octal number: the digits cannot be given back.
        raise ValueError('an account id must be in quotes, or YAML reads it as a number: write "111122223333"')  # noqa: TRY004
    if not isinstance(value, str) or not _ACCOUNT_ID.fullmatch(value):
        raise ValueError(f"{quoted(value)} is not an account id: it has 12 digits")
    return value


def _role_arn(value: str) -> str:
    if not _ROLE_ARN.fullmatch(value):
        raise ValueError(
            f"{quoted(value)} is not a role ARN: write arn:aws:iam::111122223333:role/NAME (the account id has 12 digits)"
        )
    return value


def _matching(pattern: re.Pattern[str], what: str) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(f"{quoted(value)} is not {what}")
        return value

    return AfterValidator(check)


def _within(least: float, most: float) -> AfterValidator:
    def check(value: float) -> float:
        if not least <= value <= most:
            raise ValueError(f"{format_duration(value)} is not within {format_duration(least)} and {format_duration(most)}")
        return value

    return AfterValidator(check)


def _positive(value: float) -> float:
    if value <= 0:
        raise ValueError("must be longer than 0s")
    return value


def _label_names(labels: dict[str, str]) -> dict[str, str]:
    for name in labels:
        if not _LABEL_NAME.fullmatch(name):
            raise ValueError(f"{quoted(name)} is not a label name: letters, digits and _, not starting with a digit or __")
    return labels


def _unique(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"{quoted(value)} is there twice")
    return values


def _not_empty(values: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        raise ValueError("must not be empty: leave the key out, or list at least one")
    return values


Text = Annotated[str, BeforeValidator(_string)]
Name = Annotated[Text, Field(min_length=1, max_length=256)]
AccountId = Annotated[str, BeforeValidator(_account_id)]
RoleArn = Annotated[Text, AfterValidator(_role_arn)]
RoleName = Annotated[Text, _matching(_ROLE_NAME, "a role name: letters, digits and +=,.@_-, at most 64; no path, no ARN")]
ExternalId = Annotated[Text, _matching(_EXTERNAL_ID, "an external id: 2 to 1224 letters, digits and +=,.@:/_-")]
SessionName = Annotated[Text, _matching(_SESSION_NAME, "a session name: 2 to 64 letters, digits and +=,.@_-")]
Seconds = Annotated[float, BeforeValidator(parse_duration)]
Positive = Annotated[Seconds, AfterValidator(_positive)]
Regions = Annotated[tuple[Text, ...], AfterValidator(_unique), AfterValidator(_not_empty)]
Labels = Annotated[dict[Text, Text], AfterValidator(_label_names)]


class Section(BaseModel):
    """A part of the configuration: unknown keys are errors, and nothing changes after it was read."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=True)


class Poll(Section):
    """How accounts are read; durations are seconds.

    Attributes:
        interval: Between two readings of an account.
        timeout: Within which an account must be read, retries included.
        concurrency: How many accounts are read at a time.
        max_staleness: For how long the last good cases of a failing account are shown.
    """

    interval: Annotated[Seconds, _within(SHORTEST_INTERVAL, 7 * 86400.0)] = 300.0
    timeout: Positive = 60.0
    concurrency: Annotated[int, Field(ge=1, le=MOST_CONCURRENT)] = 16
    max_staleness: Positive = 1800.0


class Aws(Section):
    """How AWS is reached, where an account does not say otherwise.

    Attributes:
        regions: Regions whose Support endpoints are used, in the order of preference.
        role_name: The role that is assumed in every account without credentials of its own.
        external_id: What the trust policy of that role asks for.
        session_name: Shown in the accounts' CloudTrail.
        session_duration: How long assumed credentials last, in seconds.
    """

    regions: Regions = (DEFAULT_REGION,)
    role_name: RoleName | None = None
    external_id: ExternalId | None = None
    session_name: SessionName = "aws-support-exporter"
    session_duration: Annotated[Seconds, _within(900.0, 43200.0)] = 3600.0


class Access(Section):
    """Where credentials come from: at most one of these."""

    role_arn: RoleArn | None = None
    role_chain: Annotated[tuple[RoleArn, ...], AfterValidator(_not_empty)] | None = None
    profile: Name | None = None
    use_own_credentials: bool = False
    external_id: ExternalId | None = None

    @property
    def chain(self) -> tuple[str, ...]:
        """The roles to assume one after the other, or none."""
        return self.role_chain or ((self.role_arn,) if self.role_arn else ())


class AccountEntry(Access):
    """One entry of `accounts`."""

    id: AccountId
    name: Name | None = None
    regions: Regions | None = None
    labels: Labels = {}


class Selection(Section):
    """Which accounts: by id, or by shell-style patterns of their names."""

    accounts: tuple[AccountId, ...] = ()
    name_patterns: tuple[Name, ...] = ()


class OrganizationEntry(Access):
    """One entry of `organizations`.

    The credentials are those that list the accounts. Members are read with a role of their own, assumed with the profile's
    credentials if there is one, and the exporter's own otherwise.
    """

    name: Name
    member_role_name: RoleName | None = None
    member_external_id: ExternalId | None = None
    regions: Regions | None = None
    include: Selection = Selection()
    exclude: Selection = Selection()
    refresh_interval: Annotated[Seconds, _within(60.0, 7 * 86400.0)] = 3600.0
    labels: Labels = {}


class Cases(Section):
    """Series of single cases.

    Attributes:
        enabled: Whether there are any.
        subject: Whether they carry the subject line.
        limit: Of how many cases of one account at most, oldest first.
    """

    enabled: bool = False
    subject: bool = False
    limit: Annotated[int, Field(ge=0)] = 1000


def _with_defaults(targets: dict[str, float]) -> dict[str, float]:
    return DEFAULT_TARGETS | targets


class Metrics(Section):
    """What is shown.

    Attributes:
        first_response_targets: Seconds within which AWS is to answer, by severity code.
        cases: Series of single cases.
    """

    first_response_targets: Annotated[dict[Text, Positive], AfterValidator(_with_defaults)] = DEFAULT_TARGETS
    cases: Cases = Cases()


class Config(Section):
    """The whole configuration, as a file has it."""

    poll: Poll = Poll()
    aws: Aws = Aws()
    accounts: tuple[AccountEntry, ...] = ()
    organizations: tuple[OrganizationEntry, ...] = ()
    metrics: Metrics = Metrics()
