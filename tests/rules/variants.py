"""Situations in which it matters how an alert is written: replicas, restarts, shards, partitions, series of single cases."""

from tests.rules.situations import (
    BUILD,
    CRITICAL,
    HIGH,
    HIGH_AWS,
    HIGH_CUSTOMER,
    IN_CHINA,
    IN_GOVCLOUD,
    LATE,
    OVERDUE,
    READ,
    SEVERE_AWS,
    SUPPORTED,
    TARGET,
    UNANSWERED,
    A,
    failure,
    fires,
    group,
    replica,
    silent,
)

ORGANIZATION = 'aws_support_organization_up{organization="acme"}'


def case(metric: str, display_id: str) -> str:
    return group(f"case_{metric}_timestamp_seconds", A, f'display_id="{display_id}"')


def shard(namespace: str, ordinal: int) -> str:
    return group("exporter_shard", f'job="aws-support",namespace="{namespace}",ordinal="{ordinal}"')


def shards(namespace: str) -> str:
    return group("exporter_shards", f'job="aws-support",namespace="{namespace}"')


REPLICAS = (
    # Two replicas tell of one case.
    fires("AwsSupportFirstResponseOverdue", {OVERDUE: "1x10", replica(OVERDUE): "1x10"}, 5),
    # One of two replicas reads the account.
    silent("AwsSupportAccountStale", {READ: "0x100", replica(READ): "0+60x100"}, 70),
    # One of two shards cannot list the accounts, and misses its share of new ones.
    fires("AwsSupportOrganizationNotListed", {ORGANIZATION: "0x50", replica(ORGANIZATION): "1x50"}, 40),
    # Nothing is configured, and nobody knows the account of the exporter's own credentials.
    fires("AwsSupportOrganizationNotListed", {'aws_support_organization_up{organization=""}': "0x50"}, 40, "own account"),
    # Two sets of shards of one name: each is counted by itself.
    silent(
        "AwsSupportShardMissing",
        {shards("a"): "2x30", shard("a", 0): "1x30", shard("a", 1): "1x30", shards("b"): "1x30", shard("b", 0): "1x30"},
        15,
    ),
    fires(
        "AwsSupportShardMissing", {shards("a"): "3x30", shard("a", 0): "1x30", shards("b"): "0x30"}, 15, "two in a namespace"
    ),
)

RESTARTS = (
    # The exporter starts anew, and has not read the account yet: it goes on firing, and calls nobody twice.
    fires("AwsSupportFirstResponseOverdue", {OVERDUE: "1x10 stale _x2 1x10"}, 12),
    fires("AwsSupportCaseWaitsForUs", {HIGH_AWS: "0x51 stale"}, 1560, step=30),
    silent("AwsSupportFirstResponseOverdue", {OVERDUE: "1x10 0x10"}, 17),
    silent("AwsSupportExporterAbsent", {BUILD: "1x5 stale _x15 1x40"}, 50),
    silent("AwsSupportPlanLost", {SUPPORTED: "1x5 0x40"}, 35 * 60, step=60),
    silent("AwsSupportFirstResponseNear", {UNANSWERED: "0x20", TARGET: "900x20"}, 11),
)

LINKS = (
    fires(
        "AwsSupportFirstResponseNear",
        {UNANSWERED: "0x20", TARGET: "900x20", case("created", "1001"): "9x20", case("created", "1002"): "0x20"},
        13,
        "single cases",
    ),
    fires(
        "AwsSupportFirstResponseOverdue",
        {OVERDUE: "2x20", UNANSWERED: "0x20", case("created", "1001"): "9x20", case("created", "1002"): "0x20"},
        15,
        "single cases",
    ),
    fires(
        "AwsSupportFirstResponseLate",
        {
            LATE: "1x20",
            group("oldest_unanswered_case_created_timestamp_seconds", A, HIGH): "0x20",
            UNANSWERED: "9x20",
            case("created", "1001"): "9x20",
            case("created", "1002"): "0x20",
        },
        18,
        "single cases",
    ),
    fires(
        "AwsSupportSevereCaseWaitsForUs",
        {SEVERE_AWS: "0x60", case("latest_communication", "1001"): "0x60", case("latest_communication", "1002"): "9x60"},
        260,
        "single cases",
        step=5,
    ),
    fires(
        "AwsSupportCaseWaitsForUs",
        {
            HIGH_AWS: "9x60",
            HIGH_CUSTOMER: "0x60",
            case("latest_communication", "1001"): "0x60",
            case("latest_communication", "1002"): "9x60",
        },
        1530,
        "single cases",
        step=30,
    ),
    fires(
        "AwsSupportCaseQuiet",
        {HIGH_CUSTOMER: "0x200", HIGH_AWS: "9x200", case("latest_communication", "1001"): "0x200"},
        10200,
        "single cases",
        step=60,
    ),
)

PARTITIONS = tuple(
    fires(alert, {group(metric, where, label): "1x30"}, 25, variant)
    for variant, where in (("in China", IN_CHINA), ("in GovCloud", IN_GOVCLOUD))
    for alert, metric, label in (
        ("AwsSupportFirstResponseOverdue", "first_response_overdue_cases", CRITICAL),
        ("AwsSupportRoleRefused", "account_failure_info", 'reason="access_denied"'),
    )
)

VARIANTS = (
    *REPLICAS,
    *RESTARTS,
    *LINKS,
    *PARTITIONS,
    fires("AwsSupportRoleRefused", {failure("credentials"): "1x30"}, 25, "credentials"),
)
