"""Series under which each alert fires, and others under which it has no cause; Prometheus scrapes and evaluates each minute."""

from collections.abc import Mapping
from dataclasses import dataclass

A = 'account_id="111122223333",account_name="payments",region="us-east-1"'
B = 'account_id="444455556666",account_name="search",region="us-east-1"'
IN_CHINA = 'account_id="777788889999",account_name="china",region="cn-north-1"'
IN_GOVCLOUD = 'account_id="888899990000",account_name="gov",region="us-gov-west-1"'
E = 'job="aws-support",instance="10.0.0.1:10047"'


@dataclass(frozen=True, slots=True)
class Situation:
    """What Prometheus has scraped, from the Unix time 0 on: values of each series, in promtool's notation."""

    alert: str
    minute: int
    """When it is looked at."""
    series: Mapping[str, str]
    variant: str = ""
    """What makes its text another one than usual, if anything does."""
    fires: bool = True

    @property
    def text(self) -> str:
        """The key of its text in the golden file."""
        return f"{self.alert}, {self.variant}" if self.variant else self.alert


fires = Situation


def silent(alert: str, minute: int, series: Mapping[str, str]) -> Situation:
    return Situation(alert, minute, series, fires=False)


def series(metric: str, *labels: str) -> str:
    return f"aws_support_{metric}{{{','.join(labels)}}}"


def failure(reason: str) -> str:
    return series("account_failure_info", A, f'reason="{reason}"')


def case(metric: str, display_id: str) -> str:
    return series(f"case_{metric}_timestamp_seconds", A, f'display_id="{display_id}"')


def case_info(display_id: str, side: str, severity: str) -> str:
    return series("case_info", A, f'display_id="{display_id}"', severity, side)


def replica(of: str) -> str:
    return of.replace("{", '{instance="b",')


def in_search(of: str) -> str:
    return of.replace(A, B)


def shard(ordinal: int, namespace: str = "a") -> str:
    return series("exporter_shard", f'job="aws-support",namespace="{namespace}",ordinal="{ordinal}"')


def shards(namespace: str = "a") -> str:
    return series("exporter_shards", f'job="aws-support",namespace="{namespace}"')


CRITICAL, URGENT, HIGH = (f'severity_code="{severity_code}"' for severity_code in ("critical", "urgent", "high"))
AWS, CUSTOMER = 'waiting_on="aws"', 'waiting_on="customer"'
TARGET = series("first_response_target_seconds", A, URGENT)
CREATED, CREATED_HIGH = (series("oldest_unanswered_case_created_timestamp_seconds", A, each) for each in (URGENT, HIGH))
OVERDUE, LATE = (series("first_response_overdue_cases", A, severity) for severity in (URGENT, HIGH))
WAITS, QUIET = "oldest_waiting_since_timestamp_seconds", "latest_communication_timestamp_seconds"
SEVERE_US, SEVERE_AWS, HIGH_US, HIGH_AWS = (series(WAITS, A, each, side) for each in (URGENT, HIGH) for side in (CUSTOMER, AWS))
QUIET_US, QUIET_AWS, SEVERE_QUIET = (series(QUIET, A, *of) for of in ((HIGH, CUSTOMER), (HIGH, AWS), (URGENT, AWS)))
DROPPED = series("case_series_dropped", A)
RECORDED = "severity_outcome:aws_support_first_responses:increase1h"
MET, MISSED = (f'{RECORDED}{{{HIGH},outcome="{outcome}"}}' for outcome in ("met", "missed"))
OPEN_HIGH, OPEN_ELSEWHERE = series("account_open_cases", A, HIGH), series("account_open_cases", B, CRITICAL)
SUPPORTED, UP_A, UP_B = series("account_supported", A), series("account_up", A), series("account_up", B)
REFUSED, DENIED, TIMEOUT = map(failure, ("assume_role_denied", "credentials", "timeout"))
READ = series("account_last_success_timestamp_seconds", A)
KNOWN = series("account_info", A, 'job="aws-support",organization="acme",organizational_unit="Root/Prod",label_team="shop"')
KNOWN_TO_OTHER = KNOWN.replace("aws-support", "other")
POLL_INTERVAL, MAX_STALENESS = series("exporter_poll_interval_seconds", E), series("exporter_max_staleness_seconds", E)
LISTED, ACCOUNTS = (series(f"organization_{metric}", 'organization="acme"') for metric in ("up", "accounts"))
UP, UP_2, UP_3 = (f"up{{{E.replace('10.0.0.1', address)}}}" for address in ("10.0.0.1", "b", "c"))
BUILD, BUILD_2 = (series("exporter_build_info", E.replace("10.0.0.1", address), 'version="1"') for address in ("10.0.0.1", "b"))
PAGE = series("exporter_page_timestamp_seconds", E)
QUEUE_UP = series("event_queue_up", E)
EVENTS = series("events_received_total", E, 'event_name="ResolveCase"')
FOUND_BY_POLLS = series("changes_seen_total", E, 'by="poll"')
RELOADED = series("exporter_config_last_reload_successful", E)
WRITTEN = series("exporter_state_last_write_timestamp_seconds", E)

SITUATIONS: tuple[Situation, ...] = (
    # The case was opened at 0; a second replica says the same. As old a case of an account with another plan has time left.
    fires(
        "AwsSupportFirstResponseNear",
        13,
        {CREATED: "0x20", TARGET: "900x20", replica(CREATED): "0x20", replica(TARGET): "900x20"}
        | {in_search(CREATED): "0x20", in_search(TARGET): "1800x20"},
    ),
    silent("AwsSupportFirstResponseNear", 11, {CREATED: "0x20", TARGET: "900x20"}),
    silent("AwsSupportFirstResponseNear", 16, {CREATED: "0x20", TARGET: "900x20"}),
    silent("AwsSupportFirstResponseNear", 13, {CREATED: "0x20"}),  # the plan has no target for it
    fires("AwsSupportFirstResponseOverdue", 18, {OVERDUE: "0x15 1x10"}),
    # The exporter restarts, and has not polled the account yet: the alert keeps firing, and notifies nobody twice.
    fires("AwsSupportFirstResponseOverdue", 12, {OVERDUE: "1x10 stale _x2 1x10"}),
    silent("AwsSupportFirstResponseOverdue", 25, {OVERDUE: "0x30", LATE: "1x30"}),
    fires("AwsSupportFirstResponseLate", 20, {LATE: "2x30"}),
    silent("AwsSupportFirstResponseLate", 30, {LATE: "0x10 1x5 0x30", OVERDUE: "1x40"}),
    # AWS's turn, though AWS may have written last: nobody is to answer.
    fires("AwsSupportSevereCaseWaitsForUs", 20, {SEVERE_US: "-14400x60"}),
    silent("AwsSupportSevereCaseWaitsForUs", 20, {SEVERE_US: "-12600x60", SEVERE_AWS: "-20000x60", HIGH_US: "-20000x60"}),
    # Every minute counts on an urgent case, though the other one may wait; AWS has written on both before.
    fires("AwsSupportSevereCaseWaitsForAws", 20, {SEVERE_QUIET: "-14400x60", QUIET_AWS: "-20000x60"}),
    silent("AwsSupportSevereCaseWaitsForAws", 40, {SEVERE_QUIET: "-14400x10 600x50", QUIET_AWS: "-20000x60"}),
    fires("AwsSupportCaseWaitsForUs", 70, {HIGH_US: "-87600x80"}),
    silent("AwsSupportCaseWaitsForUs", 70, {HIGH_US: "-27600x80", HIGH_AWS: "-87600x80"}),
    fires("AwsSupportCaseQuiet", 70, {QUIET_AWS: "-607800x80"}),
    silent("AwsSupportCaseQuiet", 70, {QUIET_AWS: "-607800x30 -300000x60"}),
    # Accounts that are newly discovered bring their old cases with them: no rise.
    fires("AwsSupportSevereCasesRise", 70, {OPEN_HIGH: "1x60 6x30", OPEN_ELSEWHERE: "2x90"}),
    silent("AwsSupportSevereCasesRise", 70, {OPEN_HIGH: "1x60 4x30", OPEN_ELSEWHERE: "_x60 9x30"}),
    fires("AwsSupportCaseSeriesDropped", 40, {DROPPED: "0x5 3x50"}),
    silent("AwsSupportCaseSeriesDropped", 40, {DROPPED: "0x5 3x20 0x50"}),
    # In an hour of five. Two of three are few, five of a hundred are rare.
    fires("AwsSupportFirstResponsesOftenMissed", 300, {MET: "0x30 6x60 0x300", MISSED: "0x30 3x60 0x300"}),
    silent("AwsSupportFirstResponsesOftenMissed", 300, {MET: "0x30 1x60 0x300", MISSED: "0x30 2x60 0x300"}),
    silent("AwsSupportFirstResponsesOftenMissed", 300, {MET: "0x30 102x60 0x300", MISSED: "0x30 5x60 0x300"}),
    # A third account has no support plan, or one of two replicas polls it: it does not count.
    fires(
        "AwsSupportMostAccountsUnread",
        30,
        {UP_A: "1x5 0x60", UP_B: "1x5 0x60", TIMEOUT: "_x5 1x60", in_search(TIMEOUT): "_x5 1x60"},
    ),
    silent("AwsSupportMostAccountsUnread", 30, {UP_A: "1x5 0x60", UP_B: "1x60"}),
    silent("AwsSupportMostAccountsUnread", 30, {UP_A: "0x60", SUPPORTED: "0x60", UP_B: "1x60"}),
    silent("AwsSupportMostAccountsUnread", 30, {UP_A: "0x60", replica(UP_A): "1x60"}),
    # The exporter is gone from service discovery, and all its accounts with it; whoever else is there does not read them.
    fires(
        "AwsSupportMostAccountsUnread",
        1470,
        {SUPPORTED: "1x100 stale", in_search(SUPPORTED): "1x100 stale", KNOWN: "1x100 stale"},
        "gone",
    ),
    # A denied account is retried after a quarter of an hour: one denial does not fire.
    fires("AwsSupportRoleRefused", 25, {REFUSED: "1x30"}),
    silent("AwsSupportRoleRefused", 18, {REFUSED: "1x17 stale"}),
    # With an interval of two hours, one denial lasts as long.
    silent("AwsSupportRoleRefused", 100, {DENIED: "1x200", READ: "0x200", POLL_INTERVAL: "7200x200"}),
    fires("AwsSupportRoleRefused", 270, {DENIED: "1x300", READ: "0x300", POLL_INTERVAL: "7200x300"}, "credentials"),
    fires("AwsSupportAccountThrottled", 40, {failure("throttled"): "1x50"}),
    silent("AwsSupportAccountThrottled", 40, {failure("throttled"): "1x20 stale"}),
    fires("AwsSupportAccountFails", 40, {TIMEOUT: "1x50"}),
    silent("AwsSupportAccountFails", 40, {failure("subscription_required"): "1x50"}),
    # The plan is lost, or one of two replicas polls the account.
    fires("AwsSupportAccountStale", 70, {READ: "0x100", SUPPORTED: "1x100", MAX_STALENESS: "1800x100"}),
    silent("AwsSupportAccountStale", 70, {READ: "0x100", SUPPORTED: "1x5 0x95", MAX_STALENESS: "1800x100"}),
    silent("AwsSupportAccountStale", 70, {READ: "0x100", replica(READ): "0+60x100", MAX_STALENESS: "1800x100"}),
    # Polled every two hours.
    silent("AwsSupportAccountStale", 110, {READ: "0x119", SUPPORTED: "1x119", MAX_STALENESS: "7200x119"}),
    # Another exporter, even of another namespace, takes it over.
    fires("AwsSupportAccountGone", 1500, {KNOWN: "1x100 stale"}),
    silent("AwsSupportAccountGone", 1500, {KNOWN: "1x100 stale", replica(KNOWN): "_x99 1x1500"}),
    fires("AwsSupportAccountsReadTwice", 80, {KNOWN: "1x100", KNOWN_TO_OTHER: "1x100"}),
    silent("AwsSupportAccountsReadTwice", 80, {KNOWN: "1x100", replica(KNOWN): "1x100"}),
    # It fires for a day.
    fires("AwsSupportPlanLost", 30, {SUPPORTED: "1x10 0x60"}),
    fires("AwsSupportPlanLost", 1400, {SUPPORTED: "1x5 0x1600"}),
    silent("AwsSupportPlanLost", 1500, {SUPPORTED: "1x5 0x1600"}),
    silent("AwsSupportPlanLost", 30, {SUPPORTED: "0x60"}),
    # One of two shards fails to list the accounts, and misses its share of new ones; without a name, it is the own account.
    fires("AwsSupportOrganizationNotListed", 40, {LISTED: "0x50"}),
    fires("AwsSupportOrganizationNotListed", 40, {LISTED: "0x50", replica(LISTED): "1x50"}),
    fires("AwsSupportOrganizationNotListed", 40, {LISTED.replace("acme", ""): "0x50"}, "own account"),
    silent("AwsSupportOrganizationNotListed", 40, {LISTED: "0x5 1x50"}),
    # The new pod of a rollout has an include that matches nothing; the old one still polls.
    fires("AwsSupportOrganizationEmpty", 40, {ACCOUNTS: "3x5 0x50"}),
    silent("AwsSupportOrganizationEmpty", 40, {ACCOUNTS: "0x30 1x50"}),
    silent("AwsSupportOrganizationEmpty", 40, {ACCOUNTS: "3x50", replica(ACCOUNTS): "0x50"}),
    # A target of another job is none of ours. A job for all pods of a namespace: one of them is no exporter, and up.
    fires("AwsSupportExporterDown", 20, {UP: "1x5 0x30", BUILD: "1x5 _x30"}),
    silent("AwsSupportExporterDown", 20, {'up{job="node",instance="x"}': "0x30", UP: "1x30", BUILD: "1x30"}),
    silent("AwsSupportExporterDown", 20, {UP: "1x30", BUILD: "1x30", UP_2: "1x30", UP_3: "0x30"}),
    # The second pod of a rollout is no loss when it ends; an exporter that is back is not missed at once.
    fires("AwsSupportExporterMissing", 240, {BUILD: "1x300", BUILD_2: "1x200 stale"}),
    silent("AwsSupportExporterMissing", 300, {BUILD: "1x200 stale _x300", BUILD_2: "_x190 1x300"}),
    silent("AwsSupportExporterMissing", 280, {BUILD: "1x200 stale _x60 1x100"}),
    fires("AwsSupportExporterAbsent", 50, {BUILD: "1x5 stale"}),
    silent("AwsSupportExporterAbsent", 50, {BUILD: "1x5 stale _x15 1x40"}),
    fires("AwsSupportPageNotRefreshed", 10, {PAGE: "0x30"}),
    silent("AwsSupportPageNotRefreshed", 10, {PAGE: "0+60x30"}),
    fires("AwsSupportConfigReloadFailed", 15, {RELOADED: "1x5 0x20"}),
    silent("AwsSupportConfigReloadFailed", 15, {RELOADED: "0x3 1x20"}),
    fires("AwsSupportStateNotWritten", 30, {WRITTEN: "0x50"}),
    silent("AwsSupportStateNotWritten", 30, {WRITTEN: "0+60x50"}),
    # That two exporters have the same shard does not make up for the other. Two sets of one name are each counted by itself.
    fires("AwsSupportShardMissing", 15, {shards(): "2x30", shard(0): "1x30"}),
    fires("AwsSupportShardMissing", 15, {shards(): "2x30", shard(0): "1x30", replica(shard(0)): "1x30"}),
    silent("AwsSupportShardMissing", 15, {shards(): "2x30", shard(0): "1x30", shard(1): "1x30"}),
    silent(
        "AwsSupportShardMissing",
        15,
        {shards("a"): "2x30", shard(0, "a"): "1x30", shard(1, "a"): "1x30", shards("b"): "1x30", shard(0, "b"): "1x30"},
    ),
    fires(
        "AwsSupportShardMissing", 15, {shards("a"): "3x30", shard(0, "a"): "1x30", shards("b"): "0x30"}, "two in a namespace"
    ),
    fires("AwsSupportShardsDisagree", 15, {shards(): "3x30", replica(shards()): "2x30"}),
    silent("AwsSupportShardsDisagree", 15, {shards(): "3x5 2x30", replica(shards()): "2x30"}),
    fires("AwsSupportEventQueueDown", 20, {QUEUE_UP: "0x30"}),
    silent("AwsSupportEventQueueDown", 20, {QUEUE_UP: "0x5 1x30"}),
    # One event tells that they come; a queue that is down has an alert of its own.
    fires("AwsSupportEventsMissing", 200, {QUEUE_UP: "1x400", EVENTS: "0x400", FOUND_BY_POLLS: "0+1x100 100x300"}),
    silent("AwsSupportEventsMissing", 200, {QUEUE_UP: "1x400", EVENTS: "0x50 1x350", FOUND_BY_POLLS: "0+1x400"}),
    silent("AwsSupportEventsMissing", 200, {QUEUE_UP: "0x400", EVENTS: "0x400", FOUND_BY_POLLS: "0+1x400"}),
)

CASE_1, CASE_2 = (case("created", display_id) for display_id in ("1001", "1002"))
SAID_1, SAID_2, SAID_3 = (case("latest_communication", display_id) for display_id in ("1001", "1002", "1003"))
SITUATIONS += tuple(
    fires(alert, minute, {name.replace(URGENT, CRITICAL): values for name, values in cases.items()}, "single cases")
    for alert, minute, cases in (
        ("AwsSupportFirstResponseNear", 13, {CREATED: "0x20", TARGET: "900x20", CASE_1: "9x20", CASE_2: "0x20"}),
        ("AwsSupportFirstResponseOverdue", 15, {OVERDUE: "2x20", CREATED: "0x20", CASE_1: "9x20", CASE_2: "0x20"}),
        (
            "AwsSupportFirstResponseLate",
            18,
            {LATE: "1x20", CREATED_HIGH: "0x20", CREATED: "9x20", CASE_1: "9x20", CASE_2: "0x20"},
        ),
        # Of two that wait on us, the one that has been quiet longest; the third, quiet for longer, waits on AWS.
        (
            "AwsSupportSevereCaseWaitsForUs",
            20,
            {SEVERE_US: "-14400x60", SAID_1: "-14000x60", SAID_2: "9x60", SAID_3: "-20000x60"}
            | {case_info("1001", CUSTOMER, CRITICAL): "1x60", case_info("1002", CUSTOMER, CRITICAL): "1x60"}
            | {case_info("1003", AWS, CRITICAL): "1x60"},
        ),
        (
            "AwsSupportCaseWaitsForUs",
            70,
            {HIGH_US: "-87600x80", HIGH_AWS: "-90000x80", SAID_1: "-90000x80", SAID_2: "-87600x80"}
            | {case_info("1001", CUSTOMER, CRITICAL): "1x80", case_info("1002", CUSTOMER, HIGH): "1x80"},
        ),
        ("AwsSupportCaseQuiet", 70, {QUIET_US: "-607800x80", QUIET_AWS: "9x80", SAID_1: "-607800x80"}),
    )
)
SITUATIONS += tuple(
    fires(alert, 25, {of.replace(A, where): "1x30"}, variant)
    for variant, where in (("in China", IN_CHINA), ("in GovCloud", IN_GOVCLOUD))
    for alert, of in (
        ("AwsSupportFirstResponseOverdue", OVERDUE.replace("urgent", "critical")),
        ("AwsSupportRoleRefused", failure("access_denied")),
    )
)
