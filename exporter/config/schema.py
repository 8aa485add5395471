"""The keys of a configuration file, their types, defaults and bounds. Durations are held in seconds."""

from typing import Annotated, Any, ClassVar, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field

from exporter.cases.targets import EXEMPT_SERVICES, SupportPlan
from exporter.config import types
from exporter.config.problems import HIDDEN_KEYS

MINUTE: Final = 60.0
HOUR: Final = 3600.0

MAX_DURATION: Final = 365 * 24 * HOUR

MASKED: Final = "<secret>"

Concurrency = Annotated[int, types.whole_number(1, 512)]
Interval = Annotated[float, types.duration(10.0, MAX_DURATION)]
PositiveDuration = Annotated[float, types.duration(0.001, MAX_DURATION)]
SessionDuration = Annotated[float, types.duration(15 * MINUTE, 1 * HOUR)]
Targets = dict[types.SeverityCode, Annotated[float | None, types.duration(0.001, MAX_DURATION, optional=True)]]


class Section(BaseModel):
    """A part of the file: unknown keys are errors, and nothing changes once it was read."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Poll(Section):
    """Polling of accounts."""

    interval: Interval = Field(5 * MINUTE, description="Poll interval.")
    timeout: PositiveDuration = Field(
        1 * MINUTE,
        description="Poll timeout, retries included. It may exceed the interval: polls of one account never overlap.",
    )
    concurrency: Concurrency = Field(16, description="Maximum number of concurrent polls.")
    max_staleness: PositiveDuration = Field(30 * MINUTE, description="Maximum age of the cases of a failing account.")


class Aws(Section):
    """Defaults for all accounts and organizations."""

    regions: types.Regions = Field(
        ("us-east-1",), description="Regions whose Support endpoints are used, in order of preference."
    )
    role_name: types.RoleName | None = Field(
        None, description="Role to assume in accounts that set no credentials of their own."
    )
    external_id: types.ExternalId | None = Field(None, description="External ID for that role.")
    session_name: types.SessionName = Field("aws-support-exporter", description="Role session name, as CloudTrail shows it.")
    session_duration: SessionDuration = Field(1 * HOUR, description="Role session duration.")
    support_plan: types.Plan = Field(
        SupportPlan.ENTERPRISE, description=f"Support plan, which sets the first-response targets: {', '.join(SupportPlan)}."
    )
    languages: tuple[types.Language, ...] = Field(
        (), description="Languages of cases, each listed separately. By default AWS lists all, but not in every partition."
    )


class CredentialKeys(Section):
    """Credentials: at most one of the first four keys."""

    role_arn: types.RoleArnValue | None = Field(None, description="Role to assume.")
    role_chain: types.RoleChain | None = Field(None, description="Roles to assume, one after the other.")
    profile: types.Name | None = Field(None, description="Profile in the AWS configuration files.")
    use_own_credentials: types.Switch = Field(default=False, description="Use the exporter's own credentials.")
    external_id: types.ExternalId | None = Field(None, description="External ID for the (last) role.")

    @property
    def roles(self) -> tuple[types.RoleArn, ...]:
        """The roles to assume one after the other; none when credentials come otherwise."""
        return self.role_chain or (() if self.role_arn is None else (self.role_arn,))


class AccessKeys(CredentialKeys):
    """Credentials and regions."""

    regions: types.Regions | None = Field(
        None, description="Regions whose endpoints are used, in order of preference. Defaults to aws.regions."
    )

    support_plan: types.Plan | None = Field(None, description="Support plan. Defaults to aws.support_plan.")
    first_response_targets: Targets = Field(
        {}, description="First-response targets by severity code, overriding the plan's and metrics'; null disables."
    )


class AccountEntry(AccessKeys):
    """An account."""

    id: types.AccountId = Field(title="the account's 12 digits, in quotes", description="The account's 12 digits, in quotes.")
    name: types.Name | None = Field(None, description="Account name. Defaults to the ID.")
    labels: types.Labels = Field({}, description="Labels of the account's info metric.")


class SelectionKeys(Section):
    """Selection of an organization's accounts. One match is enough."""

    accounts: tuple[types.AccountId, ...] = Field((), description="Account IDs.")
    name_patterns: tuple[types.Name, ...] = Field((), description="Shell-style patterns of account names.")
    organizational_units: tuple[types.UnitId, ...] = Field((), description="Organizational unit IDs, with all units below.")
    tags: dict[types.Name, tuple[types.Name, ...]] = Field({}, description="Shell-style patterns of values, by account tag.")


class OrganizationEntry(AccessKeys):
    """An organization; its credentials are those that list its accounts."""

    name: types.Name = Field(title="the organization's name", description="Organization name, shown as the label organization.")
    member_role_name: types.RoleName | None = Field(None, description="Role to assume in each account; default aws.role_name.")
    member_external_id: types.ExternalId | None = Field(None, description="External ID for that role; default aws.external_id.")
    include: SelectionKeys = Field(SelectionKeys(), description="Accounts to poll; all when empty.")
    exclude: SelectionKeys = Field(SelectionKeys(), description="Accounts not to poll.")
    refresh_interval: Interval = Field(1 * HOUR, description="Interval between listings of the accounts.")
    labels: types.Labels = Field({}, description="Labels of every account.")
    tags: types.Tags = Field((), description="Account tags to show as labels, unless a label has that name.")
    tags_refresh_interval: Interval = Field(24 * HOUR, description="Interval between readings of an account's tags.")


class Events(CredentialKeys):
    """Events about cases, which trigger a poll of the account."""

    queue_url: types.QueueUrl = Field(
        title="the URL of the SQS queue that receives the events",
        description="URL of the SQS queue that receives the events; {shard} is replaced by the shard ordinal.",
    )


class Cases(Section):
    """Per-case series."""

    enabled: types.Switch = Field(default=False, description="Enable per-case series, and /api/v1/cases.")
    subject: types.Switch = Field(default=False, description="Add the subject line as a label.")
    limit: Annotated[int, types.whole_number(0)] = Field(1000, description="Maximum number of cases per account, oldest first.")


class Metrics(Section):
    """First-response targets, and per-case series."""

    first_response_targets: Targets = Field(
        {}, description="First-response targets by severity code, overriding the support plan's; null disables."
    )
    first_response_exempt_services: tuple[types.Name, ...] = Field(
        EXEMPT_SERVICES, description="Services whose cases have no first-response target; shell-style patterns (*, ?, [...])."
    )
    cases: Cases = Field(Cases(), description="Per-case series.")


class Config(Section):
    """A configuration file."""

    poll: Poll = Poll()
    aws: Aws = Aws()
    accounts: tuple[AccountEntry, ...] = ()
    organizations: tuple[OrganizationEntry, ...] = ()
    events: Annotated[Events | None, types.GIVEN] = None
    metrics: Metrics = Metrics()


def as_yaml(config: Config) -> str:
    """Return a configuration as a file has it, all defaults filled in; what no key needs to say is left out."""
    return yaml.safe_dump(_shown("", config), sort_keys=False, allow_unicode=True, width=1000)


def _shown(key: str, value: object) -> Any:  # noqa: ANN401 - what YAML can hold
    match value:
        case BaseModel():
            fields = type(value).model_fields
            names = sorted(fields, key=lambda name: name not in ("id", "name"))  # what entries are called by
            shown: Any = {name: _shown(name, getattr(value, name)) for name in names}
            nothing = [
                name for name, part in shown.items() if part in (None, "", {}) or (part == [] and not fields[name].default)
            ]
            shown = {name: part for name, part in shown.items() if name not in nothing}
        case tuple():
            shown = [_shown(key, item) for item in value]
        case dict():
            shown = {name: _shown(key, item) for name, item in value.items()}
        case types.RoleArn():
            shown = value.text
        case SupportPlan():
            shown = value.value
        case float():  # all are durations
            shown = types.format_duration(value)
        case str() if key in HIDDEN_KEYS:
            shown = MASKED
        case _:
            shown = value
    return shown
