"""What all alerts together say of incidents as they happen, and what of it Alertmanager passes on."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from exporter.collector.schedule import Shard
from tests.conftest import StartAlertmanager
from tests.rules.rendered import complaints, rendered
from tests.rules.test_alerts import RULES, TEXTS
from tests.rules.test_runbooks import ROUTES
from tests.support.fetch import fetch
from tests.support.prometheus import Promtool
from tests.support.waiting import wait_until

ACCOUNTS = tuple(str(digit) * 12 for digit in range(1, 4))
OLD, NEW, OTHER = (
    f'job="aws-support-exporter",namespace="{namespace}",instance="{address}:10047",pod="{pod}"'
    for namespace, address, pod in (
        ("monitoring", "10.0.0.1", "a"),
        ("monitoring", "10.0.0.2", "b"),
        ("other", "10.0.9.9", "c"),
    )
)
E = 'job="j",instance="i"'


class Incident(NamedTuple):
    series: Mapping[str, str]
    minute: int
    firing: Mapping[str, int]
    """How many of each alert."""


def of_account(metric: str, account_id: str, more: str = "") -> str:
    return f'aws_support_{metric}{{account_id="{account_id}",account_name="a{account_id[0]}",region="us-east-1",{E}{more}}}'


def of_shards(cluster: str, *ordinals: int) -> dict[str, str]:
    of = f'cluster="{cluster}",namespace="monitoring",job="aws-support-exporter"'
    series: dict[str, str] = {}
    for ordinal in ordinals:
        series[f'aws_support_exporter_shards{{{of},instance="s-{ordinal}"}}'] = "3x60"
        series[f'aws_support_exporter_shard{{{of},instance="s-{ordinal}",ordinal="{ordinal}",total="3"}}'] = "1x60"
    return series


def of_unread(account_id: str) -> dict[str, str]:
    return {
        of_account("account_failure_info", account_id, ',reason="credentials"'): "_x10 1x400",
        of_account("account_up", account_id): "1x10 0x400",
        of_account("account_supported", account_id): "1x410",
        of_account("account_last_success_timestamp_seconds", account_id): "0+60x10 600x400",
    }


def running(of: str = E) -> dict[str, str]:
    return {f"up{{{of}}}": "1x900", f"aws_support_exporter_build_info{{{of}}}": "1x900"}


# A new pod with a configuration that it refuses; the old one is gone.
CRASH_LOOP = {f"up{{{OLD}}}": "1x9", f"aws_support_exporter_build_info{{{OLD}}}": "1x9", f"up{{{NEW}}}": "_x9 0x600"}
UNREAD = {name: values for account_id in ACCOUNTS for name, values in of_unread(account_id).items()}
CRITICAL_WAITS = {
    of_account("latest_communication_timestamp_seconds", "1" * 12, ',severity_code="critical",waiting_on="aws"'): "0x5000",
    of_account("oldest_waiting_since_timestamp_seconds", "1" * 12, ',severity_code="critical",waiting_on="aws"'): "0x5000",
    of_account("first_response_overdue_cases", "1" * 12, ',severity_code="critical"'): "0x5000",
    of_account("account_open_cases", "1" * 12, ',severity_code="critical"'): "1x5000",
    f"aws_support_exporter_build_info{{{E}}}": "1x5000",
}
POLLED_EVERY_TWO_HOURS = {
    of_account("account_last_success_timestamp_seconds", "1" * 12): "0x119 7200x119",
    of_account("account_supported", "1" * 12): "1x240",
    of_account("account_up", "1" * 12): "1x240",
    f"aws_support_exporter_poll_interval_seconds{{{E}}}": "7200x240",
    f"aws_support_exporter_max_staleness_seconds{{{E}}}": "7200x240",
}
INCIDENTS = {
    "a new pod crash-loops": Incident(CRASH_LOOP, 35, {"AwsSupportExporterDown": 1, "AwsSupportExporterMissing": 1}),
    "it goes on": Incident(
        CRASH_LOOP, 110, {"AwsSupportExporterDown": 1, "AwsSupportExporterMissing": 1, "AwsSupportExporterAbsent": 1}
    ),
    "a healthy exporter elsewhere hides nothing": Incident(
        CRASH_LOOP | running(OTHER), 540, {"AwsSupportExporterDown": 1, "AwsSupportExporterMissing": 1}
    ),
    "all accounts unread": Incident(
        UNREAD | running() | {f"aws_support_exporter_max_staleness_seconds{{{E}}}": "1800x900"},
        360,
        {"AwsSupportMostAccountsUnread": 1, "AwsSupportRoleRefused": 3, "AwsSupportAccountStale": 3},
    ),
    "one of three accounts unread": Incident(
        of_unread(ACCOUNTS[0]) | {of_account("account_up", each): "1x410" for each in ACCOUNTS[1:]} | running(),
        360,
        {"AwsSupportRoleRefused": 1},
    ),
    "one of two clusters has lost a shard": Incident(
        of_shards("a", 0, 1, 2) | of_shards("b", 0, 2) | running(), 50, {"AwsSupportShardMissing": 1}
    ),
    "AWS answers a critical case once, and is silent for five hours": Incident(
        CRITICAL_WAITS, 300, {"AwsSupportSevereCaseWaitsForAws": 1}
    ),
    "and for three days": Incident(CRITICAL_WAITS, 4320, {"AwsSupportSevereCaseWaitsForAws": 1}),
    "accounts are polled every two hours": Incident(POLLED_EVERY_TWO_HOURS | running(), 110, {}),
}


@pytest.mark.parametrize(
    "incident",
    [pytest.param(each, id=name, marks=[pytest.mark.slow] if each.minute > 1440 else []) for name, each in INCIDENTS.items()],
)
def test_all_alerts_together_say_what_has_happened(incident: Incident, promtool: Promtool, tmp_path: Path) -> None:
    samples = [{"labels": f'{{alertname="{name}"}}', "value": count} for name, count in incident.firing.items()]
    firing = 'count by (alertname) (ALERTS{alertstate="firing"})'
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in incident.series.items()],
        "promql_expr_test": [{"expr": firing, "eval_time": f"{incident.minute}m", "exp_samples": samples}],
    }

    assert complaints(promtool, rendered(clusterLabel="cluster"), [test], tmp_path) == ""


def scraped(minute: int) -> Iterator[tuple[str, int]]:
    """Yield what three shards export that become five after 200 minutes, and two after 300; each time it takes two minutes.

    Pods know it at once, and show accounts that come to them a minute later. New pods come two minutes later, as old ones go.
    """
    before, total = (3 if each < 200 else 5 if each < 300 else 2 for each in (minute - 1, minute))
    pods = range(5 if 202 <= minute < 302 else 3 if minute < 302 else 2)
    for pod in pods:
        of = f'{{namespace="monitoring",job="aws-support-exporter",instance="s-{pod}"'
        yield f"up{of}}}", 1
        yield f"aws_support_exporter_build_info{of}}}", 1
        yield f"aws_support_exporter_shards{of}}}", total
        yield f'aws_support_exporter_shard{of},ordinal="{pod}",total="{total}"}}', 1
        for account_id in (f"{number:012}" for number in range(20)):
            if Shard(pod, total).owns(account_id) and (Shard(pod, before).owns(account_id) or pod > 2):
                of_account = f'{of},account_id="{account_id}",account_name="a",region="us-east-1"'
                yield f"aws_support_account_info{of_account}}}", 1
                yield f"aws_support_account_up{of_account}}}", 1
                yield f"aws_support_account_supported{of_account}}}", 1
                yield f"aws_support_account_last_success_timestamp_seconds{of_account}}}", 60 * minute
                yield f'aws_support_account_open_cases{of_account},severity_code="high"}}', 3


def test_no_alert_fires_when_shards_are_scaled(promtool: Promtool, tmp_path: Path) -> None:
    minutes = [dict(scraped(minute)) for minute in range(600)]
    names = {name for each in minutes for name in each}
    fired = 'count by (alertname) (count_over_time(ALERTS{alertstate="firing"}[1d]))'
    test = {
        "interval": "1m",
        "input_series": [
            {"series": name, "values": " ".join(str(each.get(name, "stale")) for each in minutes)} for name in sorted(names)
        ],
        "promql_expr_test": [{"expr": fired, "eval_time": "599m", "exp_samples": []}],
    }
    assert len(names) > 200
    assert complaints(promtool, rendered(), [test], tmp_path) == ""


def test_missed_targets_are_counted_from_hourly_samples_and_once_for_replicas_and_pods_of_a_rollout(
    promtool: Promtool, tmp_path: Path
) -> None:
    """Six are missed in three days: two by the first pod, two by the next, which begins at zero, two by the one after it.

    promtool takes the interval of evaluation for that of the group, which has one of its own.
    """

    def counter(outcome: str, instance: str) -> str:
        labels = f',severity_code="high",outcome="{outcome}"'
        return of_account("first_responses_total", "1" * 12, labels).replace(E, f'job="j",instance="{instance}"')

    counted = {
        counter("missed", "a"): "0x500 1x500 2x500",
        counter("missed", "replica"): "0x500 1x500 2x500",
        counter("missed", "b"): "_x1490 0x500 1x500 2x500",
        counter("missed", "c"): "_x2980 0x500 1x500 2x400",
        **{counter("met", instance): f"_x{start} 9x1500" for instance, start in (("a", 0), ("b", 1490), ("c", 2980))},
    }
    recorded = "sum by (outcome) (sum_over_time(severity_outcome:aws_support_first_responses:increase1h[3d]))"
    expected = [{"labels": '{outcome="missed"}', "value": 6}, {"labels": '{outcome="met"}', "value": 0}]
    firing = 'count by (severity_code) (ALERTS{alertname="AwsSupportFirstResponsesOftenMissed",alertstate="firing"})'
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in counted.items()],
        "promql_expr_test": [
            {"expr": recorded, "eval_time": "72h", "exp_samples": expected},
            {"expr": firing, "eval_time": "72h", "exp_samples": [{"labels": '{severity_code="high"}', "value": 1}]},
            {"expr": firing, "eval_time": "24h", "exp_samples": []},
        ],
    }
    file = tmp_path / "tests.yaml"
    rules = [str(path) for path in RULES.iterdir()]
    file.write_text(yaml.safe_dump({"rule_files": rules, "evaluation_interval": "1h", "tests": [test]}))

    assert promtool.complaints("test", "rules", file) == ""


def test_alertmanager_passes_on_one_message_of_an_outage(start_alertmanager: StartAlertmanager) -> None:
    """As the runbooks configure it; what concerns another namespace arrives all the same."""
    texts = yaml.safe_load(TEXTS.read_text())
    alertmanager = start_alertmanager(yaml.safe_load(ROUTES[0]))

    def alert(name: str, number: int, namespace: str = "monitoring") -> dict[str, object]:
        of_account = {"account_id": f"{number:012}", "account_name": f"account-{number}"} if number else {}
        return {"labels": {"alertname": name, "namespace": namespace, **texts[name]["labels"], **of_account}}

    of_each = ("AwsSupportRoleRefused", "AwsSupportAccountStale", "AwsSupportAccountGone")
    sent = [alert("AwsSupportMostAccountsUnread", 0), alert("AwsSupportRoleRefused", 1, "elsewhere")]
    sent += [alert(name, number) for name in of_each for number in range(1, 39)]
    alerts, as_json = f"{alertmanager.url}/api/v2/alerts", {"Content-Type": "application/json"}
    assert fetch(alerts, as_json, method="POST", body=json.dumps(sent).encode()).status == 200

    def active() -> list[tuple[str, str]]:
        received = json.loads(fetch(f"{alerts}?inhibited=false").text)
        return sorted((each["labels"]["alertname"], each["labels"]["namespace"]) for each in received)

    wanted = [("AwsSupportMostAccountsUnread", "monitoring"), ("AwsSupportRoleRefused", "elsewhere")]
    wait_until(lambda: active() == wanted or None, 20, lambda: f"{active()}")
    assert len(json.loads(fetch(alerts).text)) == len(sent)
