"""What all alerts together say of incidents as they happen, and what of it Alertmanager passes on."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from exporter.collector.schedule import Shard
from tests.conftest import StartAlertmanager
from tests.rules.harness import RULES, complaints, expect, rendered, texts, world
from tests.rules.test_runbooks import ROUTES
from tests.support.fetch import fetch
from tests.support.prometheus import Promtool
from tests.support.waiting import wait_until

OLD = 'job="aws-support-exporter",namespace="monitoring",instance="10.0.0.1:10047",pod="a"'
NEW = 'job="aws-support-exporter",namespace="monitoring",instance="10.0.0.2:10047",pod="b"'
OTHER = 'job="aws-support-exporter",namespace="other",instance="10.0.9.9:10047",pod="c"'
E = 'job="j",instance="i"'


def of_account(metric: str, digit: int, more: str = "", *, of: str = E) -> str:
    account = f'account_id="{str(digit) * 12}",account_name="a{digit}",region="us-east-1"'
    return f"aws_support_{metric}{{{account},{of}{more}}}"


def of_shards(cluster: str, *ordinals: int) -> dict[str, str]:
    pods = {f'cluster="{cluster}",namespace="monitoring",job="j",instance="s-{ordinal}"': ordinal for ordinal in ordinals}
    totals = {f"aws_support_exporter_shards{{{of}}}": "3x60" for of in pods}
    return totals | {f'aws_support_exporter_shard{{{of},ordinal="{pod}",total="3"}}': "1x60" for of, pod in pods.items()}


def unread(digit: int) -> dict[str, str]:
    return {
        of_account("account_failure_info", digit, ',reason="credentials"'): "_x10 1x400",
        of_account("account_up", digit): "1x10 0x400",
        of_account("account_supported", digit): "1x410",
        of_account("account_last_success_timestamp_seconds", digit): "0+60x10 600x400",
    }


def running(of: str = E) -> dict[str, str]:
    return {f"up{{{of}}}": "1x900", f"aws_support_exporter_build_info{{{of}}}": "1x900"}


CRASH_LOOP = {f"up{{{OLD}}}": "1x9", f"aws_support_exporter_build_info{{{OLD}}}": "1x9", f"up{{{NEW}}}": "_x9 0x600"}
CRITICAL = ',severity_code="critical",waiting_on="aws"'
INCIDENTS: Mapping[str, tuple[Mapping[str, str], int, Mapping[str, int]]] = {
    # A new pod with a configuration that it refuses; the old one is gone.
    "a new pod crash-loops": (
        CRASH_LOOP,
        110,
        {"AwsSupportExporterDown": 1, "AwsSupportExporterMissing": 1, "AwsSupportExporterAbsent": 1},
    ),
    "a healthy exporter elsewhere hides nothing, nor does what is none": (
        CRASH_LOOP | running(OTHER) | {'up{job="aws-support-exporter",namespace="other",instance="10.0.9.8:80"}': "1x900"},
        110,
        {"AwsSupportExporterDown": 1, "AwsSupportExporterMissing": 1},
    ),
    "all accounts unread": (
        unread(1) | unread(2) | unread(3) | running() | {f"aws_support_exporter_max_staleness_seconds{{{E}}}": "1800x900"},
        360,
        {"AwsSupportMostAccountsUnread": 1, "AwsSupportRoleRefused": 3, "AwsSupportAccountStale": 3},
    ),
    "one of three accounts unread": (
        unread(1) | {of_account("account_up", digit): "1x410" for digit in (2, 3)} | running(),
        360,
        {"AwsSupportRoleRefused": 1},
    ),
    "one of two clusters has lost a shard": (
        of_shards("a", 0, 1, 2) | of_shards("b", 0, 2) | running(),
        50,
        {"AwsSupportShardMissing": 1},
    ),
    "AWS answers a critical case once, and is silent for five hours": (
        {
            of_account("latest_communication_timestamp_seconds", 1, CRITICAL): "0x300",
            of_account("oldest_waiting_since_timestamp_seconds", 1, CRITICAL): "0x300",
            of_account("first_response_overdue_cases", 1, ',severity_code="critical"'): "0x300",
            of_account("account_open_cases", 1, ',severity_code="critical"'): "1x300",
        }
        | running(),
        300,
        {"AwsSupportSevereCaseWaitsForAws": 1},
    ),
}


@pytest.mark.parametrize(("series", "minute", "firing"), INCIDENTS.values(), ids=INCIDENTS)
def test_all_alerts_together_say_what_has_happened(
    promtool: Promtool, tmp_path: Path, series: Mapping[str, str], minute: int, firing: Mapping[str, int]
) -> None:
    counted = {f'{{alertname="{name}"}}': count for name, count in firing.items()}
    found = expect('count by (alertname) (ALERTS{alertstate="firing"})', minute, counted)
    test = world(series, promql_expr_test=[found])

    assert complaints(promtool, rendered(clusterLabel="cluster"), test, tmp_path, interval="5m") == ""


def scraped(minute: int) -> Iterator[tuple[str, int]]:
    """Yield what three shards export that become five after 70 minutes, and two after 140; each time it takes two minutes.

    Pods know it at once, and show accounts that come to them a minute later. New pods come two minutes later, as old ones go.
    """
    before, total = (3 if each < 70 else 5 if each < 140 else 2 for each in (minute - 1, minute))
    for pod in range(5 if 72 <= minute < 142 else 3 if minute < 142 else 2):
        of = f'namespace="monitoring",job="aws-support-exporter",instance="s-{pod}"'
        yield f"up{{{of}}}", 1
        yield f"aws_support_exporter_build_info{{{of}}}", 1
        yield f"aws_support_exporter_shards{{{of}}}", total
        yield f'aws_support_exporter_shard{{{of},ordinal="{pod}",total="{total}"}}', 1
        for digit in range(10):
            account_id = str(digit) * 12
            if Shard(pod, total).owns(account_id) and (Shard(pod, before).owns(account_id) or pod > 2):
                yield of_account("account_info", digit, of=of), 1
                yield of_account("account_up", digit, of=of), 1
                yield of_account("account_supported", digit, of=of), 1
                yield of_account("account_last_success_timestamp_seconds", digit, of=of), 60 * minute
                yield of_account("account_open_cases", digit, ',severity_code="high"', of=of), 3


def test_no_alert_fires_when_shards_are_scaled(promtool: Promtool, tmp_path: Path) -> None:
    minutes = [dict(scraped(minute)) for minute in range(240)]
    names = {name for each in minutes for name in each}
    fired = expect('count by (alertname) (count_over_time(ALERTS{alertstate="firing"}[1d]))', 239, {})
    series = {name: " ".join(str(each.get(name, "stale")) for each in minutes) for name in sorted(names)}

    assert len(names) > 100
    assert complaints(promtool, rendered(), world(series, promql_expr_test=[fired]), tmp_path) == ""


def test_missed_targets_are_counted_from_hourly_samples_and_once_for_replicas_and_pods_of_a_rollout(
    promtool: Promtool, tmp_path: Path
) -> None:
    """Six are missed in three days: two by the first pod, two by the next, which begins at zero, two by the one after it.

    promtool takes the interval of evaluation for that of the group, which has one of its own.
    """

    def counter(outcome: str, instance: str) -> str:
        labels = f',severity_code="high",outcome="{outcome}"'
        return of_account("first_responses_total", 1, labels, of=f'job="j",instance="{instance}"')

    counted = {
        counter("missed", "a"): "0x500 1x500 2x500",
        counter("missed", "replica"): "0x500 1x500 2x500",
        counter("missed", "b"): "_x1490 0x500 1x500 2x500",
        counter("missed", "c"): "_x2980 0x500 1x500 2x400",
        **{counter("met", instance): f"_x{start} 9x1500" for instance, start in (("a", 0), ("b", 1490), ("c", 2980))},
    }
    recorded = "sum by (outcome) (sum_over_time(severity_outcome:aws_support_first_responses:increase1h[3d]))"
    firing = 'count by (severity_code) (ALERTS{alertname="AwsSupportFirstResponsesOftenMissed",alertstate="firing"})'
    found = [
        expect(recorded, 4320, {'{outcome="missed"}': 6, '{outcome="met"}': 0}),
        expect(firing, 4320, {'{severity_code="high"}': 1}),
        expect(firing, 1440, {}),
    ]
    file, rules = tmp_path / "tests.yaml", [str(path) for path in RULES.iterdir()]
    tests = {"rule_files": rules, "evaluation_interval": "1h", "tests": [world(counted, promql_expr_test=found)]}
    file.write_text(yaml.safe_dump(tests))

    assert promtool.complaints("test", "rules", file) == ""


def test_alertmanager_passes_on_one_message_of_an_outage(start_alertmanager: StartAlertmanager) -> None:
    """As the runbooks configure it; what concerns another namespace arrives all the same."""
    alertmanager = start_alertmanager(yaml.safe_load(ROUTES[0]))
    told = texts()

    def alert(name: str, number: int, namespace: str = "monitoring") -> dict[str, object]:
        of_account = {"account_id": f"{number:012}", "account_name": f"account-{number}"} if number else {}
        return {"labels": {"alertname": name, "namespace": namespace, **told[name]["labels"], **of_account}}

    of_each = ("AwsSupportRoleRefused", "AwsSupportAccountStale", "AwsSupportAccountGone")
    sent = [alert("AwsSupportMostAccountsUnread", 0), alert("AwsSupportRoleRefused", 1, "elsewhere")]
    sent += [alert(name, number) for name in of_each for number in range(1, 39)]
    url, as_json = f"{alertmanager.url}/api/v2/alerts", {"Content-Type": "application/json"}
    assert fetch(url, as_json, method="POST", body=json.dumps(sent).encode()).status == 200

    def active() -> list[tuple[str, str]]:
        received = json.loads(fetch(f"{url}?inhibited=false").text)
        return sorted((each["labels"]["alertname"], each["labels"]["namespace"]) for each in received)

    wanted = [("AwsSupportMostAccountsUnread", "monitoring"), ("AwsSupportRoleRefused", "elsewhere")]
    wait_until(lambda: active() == wanted or None, 20, lambda: f"{active()}")
    assert len(json.loads(fetch(url).text)) == len(sent)
