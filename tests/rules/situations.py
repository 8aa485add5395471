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
    series: Mapping[str, str]
    minute: int
    """When it is looked at."""
    fires: bool = True
    variant: str = ""
    """What makes its text another one than usual, if anything does."""

    @property
    def text(self) -> str:
        """The key of its text in the golden file."""
        return f"{self.alert}, {self.variant}" if self.variant else self.alert


def silent(alert: str, series: Mapping[str, str], minute: int) -> Situation:
    return Situation(alert, series, minute, fires=False)


def pair(alert: str, bad: tuple[Mapping[str, str], int], good: tuple[Mapping[str, str], int]) -> tuple[Situation, Situation]:
    return Situation(alert, *bad), silent(alert, *good)


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
UNANSWERED, UNANSWERED_HIGH = (
    series("oldest_unanswered_case_created_timestamp_seconds", A, severity) for severity in (URGENT, HIGH)
)
OVERDUE, LATE = (series("first_response_overdue_cases", A, severity) for severity in (URGENT, HIGH))
SEVERE_US, SEVERE_AWS, HIGH_US, HIGH_AWS = (
    series("oldest_waiting_since_timestamp_seconds", A, severity, side)
    for severity in (URGENT, HIGH)
    for side in (CUSTOMER, AWS)
)
QUIET_US, QUIET_AWS, SILENT_URGENT = (
    series("latest_communication_timestamp_seconds", A, severity, side)
    for severity, side in ((HIGH, CUSTOMER), (HIGH, AWS), (URGENT, AWS))
)
DROPPED = series("case_series_dropped", A)
MET, MISSED = (
    f'severity_outcome:aws_support_first_responses:increase1h{{{HIGH},outcome="{outcome}"}}' for outcome in ("met", "missed")
)
OPEN_HIGH = series("account_open_cases", A, HIGH)
OPEN_CRITICAL_ELSEWHERE = series("account_open_cases", B, CRITICAL)
SUPPORTED = series("account_supported", A)
REFUSED = failure("assume_role_denied")
READ_UP, SEARCH_UP = series("account_up", A), series("account_up", B)
READ = series("account_last_success_timestamp_seconds", A)
KNOWN = series("account_info", A, 'job="aws-support",organization="acme",organizational_unit="Root/Prod",label_team="shop"')
POLL_INTERVAL, MAX_STALENESS = series("exporter_poll_interval_seconds", E), series("exporter_max_staleness_seconds", E)
ORGANIZATION, ITS_ACCOUNTS = (series(f"organization_{metric}", 'organization="acme"') for metric in ("up", "accounts"))
UP = f"up{{{E}}}"
BUILD = series("exporter_build_info", E, 'version="1"')
PAGE = series("exporter_page_timestamp_seconds", E)
QUEUE_UP = series("event_queue_up", E)
EVENTS = series("events_received_total", E, 'event_name="ResolveCase"')
FOUND_BY_POLLS = series("changes_seen_total", E, 'by="poll"')
RELOADED = series("exporter_config_last_reload_successful", E)
WRITTEN = series("exporter_state_last_write_timestamp_seconds", E)

EACH_ALERT = (
    # The case was opened at 0; a second replica says the same. As old a case of an account with another plan has time left.
    *pair(
        "AwsSupportFirstResponseNear",
        (
            {UNANSWERED: "0x20", TARGET: "900x20", replica(UNANSWERED): "0x20", replica(TARGET): "900x20"}
            | {in_search(UNANSWERED): "0x20", in_search(TARGET): "1800x20"},
            13,
        ),
        ({UNANSWERED: "0x20", TARGET: "900x20"}, 16),
    ),
    *pair("AwsSupportFirstResponseOverdue", ({OVERDUE: "0x15 1x10"}, 18), ({OVERDUE: "0x30", LATE: "1x30"}, 25)),
    *pair("AwsSupportFirstResponseLate", ({LATE: "2x30"}, 20), ({LATE: "0x10 1x5 0x30", OVERDUE: "1x40"}, 30)),
    # AWS's turn, though AWS may have written last: nobody is to answer.
    *pair(
        "AwsSupportSevereCaseWaitsForUs",
        ({SEVERE_US: "-14400x60"}, 20),
        ({SEVERE_US: "-12600x60", SEVERE_AWS: "-20000x60", HIGH_US: "-20000x60"}, 20),
    ),
    # Every minute counts on an urgent case, though the other one may wait; AWS has written on both before.
    *pair(
        "AwsSupportSevereCaseWaitsForAws",
        ({SILENT_URGENT: "-14400x60", QUIET_AWS: "-20000x60"}, 20),
        ({SILENT_URGENT: "-14400x10 600x50", QUIET_AWS: "-20000x60"}, 40),
    ),
    *pair("AwsSupportCaseWaitsForUs", ({HIGH_US: "-87600x80"}, 70), ({HIGH_US: "-27600x80", HIGH_AWS: "-87600x80"}, 70)),
    *pair("AwsSupportCaseQuiet", ({QUIET_AWS: "-607800x80"}, 70), ({QUIET_AWS: "-607800x30 -300000x60"}, 70)),
    # Accounts that are newly discovered bring their old cases with them: no rise.
    *pair(
        "AwsSupportSevereCasesRise",
        ({OPEN_HIGH: "1x60 6x30", OPEN_CRITICAL_ELSEWHERE: "2x90"}, 70),
        ({OPEN_HIGH: "1x60 4x30", OPEN_CRITICAL_ELSEWHERE: "_x60 9x30"}, 70),
    ),
    *pair("AwsSupportCaseSeriesDropped", ({DROPPED: "0x5 3x50"}, 40), ({DROPPED: "0x5 3x20 0x50"}, 40)),
    # Two of three are few, five of a hundred are rare.
    *pair(
        "AwsSupportFirstResponsesOftenMissed",
        ({MET: "1x5 0x60", MISSED: "1x2 0x60"}, 60),
        ({MET: "1x0 0x60", MISSED: "1x1 0x60"}, 60),
    ),
    silent("AwsSupportFirstResponsesOftenMissed", {MET: "2x50 0x60", MISSED: "1x4 0x60"}, 60),
    # A third account has no support plan: it does not count.
    *pair(
        "AwsSupportMostAccountsUnread",
        (
            {READ_UP: "1x5 0x60", SEARCH_UP: "1x5 0x60"}
            | {failure("timeout"): "_x5 1x60", in_search(failure("timeout")): "_x5 1x60"},
            30,
        ),
        ({READ_UP: "1x5 0x60", SEARCH_UP: "1x60"}, 30),
    ),
    # A denied account is retried after a quarter of an hour: one denial does not fire.
    *pair("AwsSupportRoleRefused", ({REFUSED: "1x30"}, 25), ({REFUSED: "1x17 stale"}, 18)),
    # With an interval of two hours, one denial lasts as long.
    silent("AwsSupportRoleRefused", {failure("credentials"): "1x200", READ: "0x200", POLL_INTERVAL: "7200x200"}, 100),
    Situation(
        *("AwsSupportRoleRefused", {failure("credentials"): "1x300", READ: "0x300", POLL_INTERVAL: "7200x300"}, 270),
        variant="credentials",
    ),
    *pair("AwsSupportAccountThrottled", ({failure("throttled"): "1x50"}, 40), ({failure("throttled"): "1x20 stale"}, 40)),
    *pair("AwsSupportAccountFails", ({failure("timeout"): "1x50"}, 40), ({failure("subscription_required"): "1x50"}, 40)),
    *pair(
        "AwsSupportAccountStale",
        ({READ: "0x100", SUPPORTED: "1x100", MAX_STALENESS: "1800x100"}, 70),
        ({READ: "0x100", SUPPORTED: "1x5 0x95", MAX_STALENESS: "1800x100"}, 70),
    ),
    # Another exporter, even of another namespace, takes it over.
    *pair(
        "AwsSupportAccountGone", ({KNOWN: "1x100 stale"}, 1500), ({KNOWN: "1x100 stale", replica(KNOWN): "_x99 1x1500"}, 1500)
    ),
    *pair(
        "AwsSupportAccountsReadTwice",
        ({KNOWN: "1x100", KNOWN.replace("aws-support", "other"): "1x100"}, 80),
        ({KNOWN: "1x100", replica(KNOWN): "1x100"}, 80),
    ),
    *pair("AwsSupportPlanLost", ({SUPPORTED: "1x10 0x60"}, 30), ({SUPPORTED: "0x60"}, 30)),
    *pair("AwsSupportOrganizationNotListed", ({ORGANIZATION: "0x50"}, 40), ({ORGANIZATION: "0x5 1x50"}, 40)),
    *pair("AwsSupportOrganizationEmpty", ({ITS_ACCOUNTS: "3x5 0x50"}, 40), ({ITS_ACCOUNTS: "0x30 1x50"}, 40)),
    # A target of another job is none of ours.
    *pair(
        "AwsSupportExporterDown",
        ({UP: "1x5 0x30", BUILD: "1x5 _x30"}, 20),
        ({'up{job="node",instance="x"}': "0x30", UP: "1x30", BUILD: "1x30"}, 20),
    ),
    # A job for all pods of a namespace: one of them is no exporter, and up.
    silent(
        "AwsSupportExporterDown",
        {UP: "1x30", BUILD: "1x30", UP.replace("10.0.0.1", "b"): "1x30", UP.replace("10.0.0.1", "c"): "0x30"},
        20,
    ),
    # The second pod of a rollout is no loss when it ends.
    *pair(
        "AwsSupportExporterMissing",
        ({BUILD: "1x300", BUILD.replace("10.0.0.1", "b"): "1x200 stale"}, 240),
        ({BUILD: "1x200 stale _x300", BUILD.replace("10.0.0.1", "b"): "_x190 1x300"}, 300),
    ),
    *pair("AwsSupportExporterAbsent", ({BUILD: "1x5 stale"}, 50), ({BUILD: "1x5 stale _x15 1x40"}, 50)),
    *pair("AwsSupportPageNotRefreshed", ({PAGE: "0x30"}, 10), ({PAGE: "0+60x30"}, 10)),
    *pair("AwsSupportConfigReloadFailed", ({RELOADED: "1x5 0x20"}, 15), ({RELOADED: "0x3 1x20"}, 15)),
    *pair("AwsSupportStateNotWritten", ({WRITTEN: "0x50"}, 30), ({WRITTEN: "0+60x50"}, 30)),
    *pair(
        "AwsSupportShardMissing",
        ({shards(): "2x30", shard(0): "1x30"}, 15),
        ({shards(): "2x30", shard(0): "1x30", shard(1): "1x30"}, 15),
    ),
    *pair(
        "AwsSupportShardsDisagree",
        ({shards(): "3x30", replica(shards()): "2x30"}, 15),
        ({shards(): "3x5 2x30", replica(shards()): "2x30"}, 15),
    ),
    *pair("AwsSupportEventQueueDown", ({QUEUE_UP: "0x30"}, 20), ({QUEUE_UP: "0x5 1x30"}, 20)),
    # One event tells that they come; a queue that is down has an alert of its own.
    *pair(
        "AwsSupportEventsMissing",
        ({QUEUE_UP: "1x400", EVENTS: "0x400", FOUND_BY_POLLS: "0+1x100 100x300"}, 200),
        ({QUEUE_UP: "1x400", EVENTS: "0x50 1x350", FOUND_BY_POLLS: "0+1x400"}, 200),
    ),
    silent("AwsSupportEventsMissing", {QUEUE_UP: "0x400", EVENTS: "0x400", FOUND_BY_POLLS: "0+1x400"}, 200),
)

REPLICAS = (
    # One of two replicas polls the account.
    silent("AwsSupportAccountStale", {READ: "0x100", replica(READ): "0+60x100", MAX_STALENESS: "1800x100"}, 70),
    # One of two shards fails to list the accounts, and misses its share of new ones.
    Situation("AwsSupportOrganizationNotListed", {ORGANIZATION: "0x50", replica(ORGANIZATION): "1x50"}, 40),
    Situation("AwsSupportOrganizationNotListed", {ORGANIZATION.replace("acme", ""): "0x50"}, 40, variant="own account"),
    # The new pod of a rollout has an include that matches nothing; the old one still polls.
    silent("AwsSupportOrganizationEmpty", {ITS_ACCOUNTS: "3x50", replica(ITS_ACCOUNTS): "0x50"}, 40),
    # Two exporters have the same shard: that does not make up for the other.
    Situation("AwsSupportShardMissing", {shards(): "2x30", shard(0): "1x30", replica(shard(0)): "1x30"}, 15),
    # Two sets of shards of one name: each is counted by itself.
    silent(
        "AwsSupportShardMissing",
        {shards("a"): "2x30", shard(0, "a"): "1x30", shard(1, "a"): "1x30", shards("b"): "1x30", shard(0, "b"): "1x30"},
        15,
    ),
    Situation(
        *("AwsSupportShardMissing", {shards("a"): "3x30", shard(0, "a"): "1x30", shards("b"): "0x30"}, 15),
        variant="two in a namespace",
    ),
    # The exporter is gone from service discovery, and all its accounts with it; whoever else is there does not read them.
    Situation(
        "AwsSupportMostAccountsUnread",
        {SUPPORTED: "1x100 stale", in_search(SUPPORTED): "1x100 stale", KNOWN: "1x100 stale"},
        1470,
        variant="gone",
    ),
    silent("AwsSupportMostAccountsUnread", {READ_UP: "0x60", SUPPORTED: "0x60", SEARCH_UP: "1x60"}, 30),
    silent("AwsSupportMostAccountsUnread", {READ_UP: "0x60", replica(READ_UP): "1x60"}, 30),
)

ONCE_MORE = (
    # An exporter that is back is not missed at once.
    silent("AwsSupportExporterMissing", {BUILD: "1x200 stale _x60 1x100"}, 280),
    # The exporter restarts, and has not polled the account yet: the alert keeps firing, and notifies nobody twice.
    Situation("AwsSupportFirstResponseOverdue", {OVERDUE: "1x10 stale _x2 1x10"}, 12),
    Situation("AwsSupportPlanLost", {SUPPORTED: "1x5 0x1600"}, 1400),
    silent("AwsSupportPlanLost", {SUPPORTED: "1x5 0x1600"}, 1500),
    silent("AwsSupportFirstResponseNear", {UNANSWERED: "0x20", TARGET: "900x20"}, 11),
    silent("AwsSupportFirstResponseNear", {UNANSWERED: "0x20"}, 13),  # the plan has no target for it
)

OPENED_1, OPENED_2 = (case("created", display_id) for display_id in ("1001", "1002"))
SAID_1, SAID_2, SAID_3 = (case("latest_communication", display_id) for display_id in ("1001", "1002", "1003"))
LINKS = tuple(
    Situation(alert, {name.replace(URGENT, CRITICAL): values for name, values in cases.items()}, minute, variant="single cases")
    for alert, minute, cases in (
        ("AwsSupportFirstResponseNear", 13, {UNANSWERED: "0x20", TARGET: "900x20", OPENED_1: "9x20", OPENED_2: "0x20"}),
        ("AwsSupportFirstResponseOverdue", 15, {OVERDUE: "2x20", UNANSWERED: "0x20", OPENED_1: "9x20", OPENED_2: "0x20"}),
        (
            "AwsSupportFirstResponseLate",
            18,
            {LATE: "1x20", UNANSWERED_HIGH: "0x20", UNANSWERED: "9x20", OPENED_1: "9x20", OPENED_2: "0x20"},
        ),
        # Of two that wait on us, the one that has been quiet longest; the third, quiet for longer, waits on AWS.
        (
            "AwsSupportSevereCaseWaitsForUs",
            20,
            {SEVERE_US: "-14400x60", SAID_1: "-14000x60", SAID_2: "9x60", SAID_3: "-20000x60"}
            | {
                case_info(number, side, CRITICAL): "1x60"
                for number, side in (("1001", CUSTOMER), ("1002", CUSTOMER), ("1003", AWS))
            },
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

PARTITIONS = tuple(
    Situation(alert, {series(metric, where, label): "1x30"}, 25, variant=variant)
    for variant, where in (("in China", IN_CHINA), ("in GovCloud", IN_GOVCLOUD))
    for alert, metric, label in (
        ("AwsSupportFirstResponseOverdue", "first_response_overdue_cases", CRITICAL),
        ("AwsSupportRoleRefused", "account_failure_info", 'reason="access_denied"'),
    )
)

SITUATIONS = (*EACH_ALERT, *REPLICAS, *ONCE_MORE, *LINKS, *PARTITIONS)
