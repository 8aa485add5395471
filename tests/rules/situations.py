"""For each alert, series under which it fires, and others under which all is well."""

from collections.abc import Mapping
from dataclasses import dataclass

A = 'account_id="111122223333",account_name="payments",region="us-east-1"'
B = 'account_id="444455556666",account_name="search",region="us-east-1"'
E = 'job="aws-support",instance="10.0.0.1:10047"'
TARGET = 'aws_support_first_response_target_seconds{severity_code="critical"}'


@dataclass(frozen=True, slots=True)
class Situation:
    """What Prometheus has scraped, from the Unix time 0 on.

    Attributes:
        alert: The alert that is looked at.
        series: Values of each series, in promtool's words.
        minute: When it is looked at.
        fires: Whether the alert fires then.
        step: Minutes between two samples, and between two evaluations.
    """

    alert: str
    series: Mapping[str, str]
    minute: int
    fires: bool
    step: int = 1


def pair(
    alert: str, bad: tuple[Mapping[str, str], int], good: tuple[Mapping[str, str], int], step: int = 1
) -> tuple[Situation, Situation]:
    return Situation(alert, *bad, fires=True, step=step), Situation(alert, *good, fires=False, step=step)


def group(metric: str, *labels: str) -> str:
    return f"aws_support_{metric}{{{','.join(labels)}}}"


CRITICAL, HIGH = 'severity_code="critical"', 'severity_code="high"'
AWS, CUSTOMER = 'last_author="aws"', 'last_author="customer"'
UNANSWERED = group("oldest_unanswered_case_created_timestamp_seconds", A, CRITICAL)
OVERDUE = group("first_response_overdue_cases", A, CRITICAL)
LATE = group("first_response_overdue_cases", A, HIGH)
SEVERE_AWS = group("latest_communication_timestamp_seconds", A, CRITICAL, AWS)
HIGH_AWS = group("latest_communication_timestamp_seconds", A, HIGH, AWS)
HIGH_CUSTOMER = group("latest_communication_timestamp_seconds", A, HIGH, CUSTOMER)
SUPPORTED = group("account_supported", A)
READ = group("account_last_success_timestamp_seconds", A)
BUILD = group("exporter_build_info", E, 'version="1"')
SHARD_0, SHARD_1 = (group("exporter_shard", f'job="aws-support",instance="{n}",ordinal="{n}",total="2"') for n in (0, 1))
SHARDS = group("exporter_shards", 'job="aws-support",instance="0"')


def failure(reason: str) -> str:
    return group("account_failure_info", A, f'reason="{reason}"')


SITUATIONS = (
    # The case was opened at 0; a second replica says the same.
    *pair(
        "AwsSupportFirstResponseNear",
        ({UNANSWERED: "0x20", UNANSWERED.replace("{", '{instance="b",'): "0x20", TARGET: "900x20"}, 13),
        ({UNANSWERED: "0x20", TARGET: "900x20"}, 16),
    ),
    Situation("AwsSupportFirstResponseNear", {UNANSWERED: "0x20", TARGET: "900x20"}, 11, fires=False),
    *pair("AwsSupportFirstResponseOverdue", ({OVERDUE: "0x15 1x10"}, 18), ({OVERDUE: "0x30", LATE: "1x30"}, 25)),
    *pair("AwsSupportFirstResponseLate", ({LATE: "2x30"}, 20), ({LATE: "0x10 1x5 0x30", OVERDUE: "1x40"}, 30)),
    *pair("AwsSupportSevereCaseWaitsForUs", ({SEVERE_AWS: "0x60"}, 260), ({SEVERE_AWS: "0x60", HIGH_AWS: "0x60"}, 230), step=5),
    *pair(
        "AwsSupportCaseWaitsForUs",
        ({HIGH_AWS: "0x60"}, 1530),
        ({HIGH_CUSTOMER: "0x60", HIGH_AWS: "60000x60"}, 1530),
        step=30,
    ),
    *pair("AwsSupportCaseQuiet", ({HIGH_CUSTOMER: "0x200"}, 10200), ({HIGH_CUSTOMER: "0x90 300000x100"}, 10200), step=60),
    # Accounts that come into sight bring their old cases with them: no rise.
    *pair(
        "AwsSupportSevereCasesRise",
        ({group("account_open_cases", A, HIGH): "1x60 6x30", group("account_open_cases", B, CRITICAL): "2x90"}, 70),
        ({group("account_open_cases", A, HIGH): "1x60 4x30", group("account_open_cases", B, CRITICAL): "_x60 9x30"}, 70),
    ),
    *pair(
        "AwsSupportRoleRefused",
        ({failure("assume_role_denied"): "1x30"}, 20),
        ({failure("assume_role_denied"): "1x5 stale", failure("timeout"): "1x30"}, 20),
    ),
    *pair("AwsSupportAccountThrottled", ({failure("throttled"): "1x50"}, 40), ({failure("throttled"): "1x20 stale"}, 40)),
    *pair("AwsSupportAccountFails", ({failure("timeout"): "1x50"}, 40), ({failure("subscription_required"): "1x50"}, 40)),
    *pair(
        "AwsSupportAccountStale",
        ({READ: "0x100", SUPPORTED: "1x100"}, 70),
        ({READ: "0x100", SUPPORTED: "1x5 0x95"}, 70),
    ),
    *pair("AwsSupportPlanLost", ({SUPPORTED: "1x10 0x60"}, 30), ({SUPPORTED: "0x60"}, 30)),
    *pair(
        "AwsSupportOrganizationNotListed",
        ({'aws_support_organization_up{organization="acme"}': "0x50"}, 40),
        ({'aws_support_organization_up{organization="acme"}': "0x5 1x50"}, 40),
    ),
    # A target of another job is none of ours.
    *pair(
        "AwsSupportExporterDown",
        ({f"up{{{E}}}": "1x5 0x30", BUILD: "1x5 _x30"}, 20),
        ({'up{job="node",instance="x"}': "0x30", f"up{{{E}}}": "1x30", BUILD: "1x30"}, 20),
    ),
    *pair("AwsSupportExporterAbsent", ({BUILD: "1x5 stale"}, 50), ({BUILD: "1x60"}, 50)),
    *pair(
        "AwsSupportPageNotRefreshed",
        ({group("exporter_page_timestamp_seconds", E): "0x30"}, 10),
        ({group("exporter_page_timestamp_seconds", E): "0+60x30"}, 10),
    ),
    *pair(
        "AwsSupportConfigReloadFailed",
        ({group("exporter_config_last_reload_successful", E): "1x5 0x20"}, 15),
        ({group("exporter_config_last_reload_successful", E): "0x3 1x20"}, 15),
    ),
    *pair(
        "AwsSupportShardMissing",
        ({SHARDS: "2x30", SHARD_0: "1x30"}, 15),
        ({SHARDS: "2x30", SHARD_0: "1x30", SHARD_1: "1x30"}, 15),
    ),
)
