"""Alerts where there are several exporters: two pods alert as one does, and each alert has its cluster, namespace and owner."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.rules.harness import alerts, complaints, each_minute, expect, rendered, run, texts, world, written
from tests.rules.situations import MAX_STALENESS, OVERDUE, READ, SITUATIONS, A, Situation, in_search, replica, series
from tests.support.chart import NAMESPACE
from tests.support.prometheus import Promtool

OF_A_POD = {text.partition(",")[0] for text, alert in texts().items() if "instance" in alert["labels"]}
"""What is wrong with a pod is said of each."""
OF_A_POD |= {"AwsSupportExporterMissing", "AwsSupportFirstResponsesOftenMissed"}
"""The first one counts pods; the second one has what a rule records, which no pod exports: test_incidents.py has both."""
OWNER_LABELS = ["label_team", "organizational_unit"]
TEAM, UNIT = 'label_team="shop"', 'organizational_unit="Root/Prod"'
SHOP, PROD = {"label_team": "shop"}, {"organizational_unit": "Root/Prod"}
GONE = "AwsSupportAccountGone"
"""It has the labels of the account that is gone, whatever labels the chart sets."""
NOT_OF_ONE = {GONE, "AwsSupportSevereCasesRise", "AwsSupportMostAccountsUnread", "AwsSupportAccountsReadTwice"}
FIRING = {each.alert: each for each in reversed(SITUATIONS) if each.fires and not each.variant}
OF_AN_ACCOUNT = [each for each in FIRING.values() if "account_id" in "".join(each.series) and each.alert not in NOT_OF_ONE]


def of_pod(name: str, pod: str) -> str:
    """Return a series as a pod has it, of several exporters where there are several already."""
    if "instance=" not in name:
        name = name.replace("{", '{instance="",', 1)
    return name.replace('instance="', f'instance="{pod}', 1)


def replicas(situation: Situation) -> Situation:
    """Return what Prometheus has where a second pod says the same."""
    return replace(situation, series={of_pod(name, pod): values for pod in "ab" for name, values in situation.series.items()})


def rollout(situation: Situation) -> Situation:
    """Return what Prometheus has where a second pod follows halfway, and the first one ends two minutes later."""
    half = situation.minute // 2
    both: dict[str, str] = {}
    for name, values in situation.series.items():
        points = each_minute(values)
        both[of_pod(name, "a")] = " ".join((*points[: half + 2], "stale"))
        both[of_pod(name, "b")] = " ".join((*["_"] * half, *points[half:]))
    return replace(situation, series=both)


def scraped(name: str, cluster: str) -> str:
    """Return a series as it is when its target has a namespace and a cluster."""
    metric, _, labels = name.partition("{")
    labels = labels if "namespace=" in labels else f'namespace="{NAMESPACE}",{labels}'
    return f'{metric}{{cluster="{cluster}",{labels}'


@pytest.mark.parametrize("pods", [pytest.param(replicas, marks=pytest.mark.slow), rollout])
def test_two_pods_alert_as_one_does_with_their_namespace_and_cluster(
    promtool: Promtool, tmp_path: Path, pods: Callable[[Situation], Situation]
) -> None:
    told = texts()
    for text, alert in told.items():
        cluster = {} if text == "AwsSupportExporterAbsent" else {"cluster": "eu-1"}
        alert["labels"] = {"namespace": NAMESPACE, **alert["labels"], **cluster}
    situations = [each if each.alert in OF_A_POD else pods(each) for each in SITUATIONS]
    in_cluster = [
        replace(each, series={scraped(name, "eu-1"): values for name, values in each.series.items()}) for each in situations
    ]

    assert run(promtool, rendered(clusterLabel="cluster"), in_cluster, told, tmp_path) == ""


def test_each_cluster_has_its_own_alerts(promtool: Promtool, tmp_path: Path) -> None:
    """An account that one cluster's exporter polls, and another's does not."""
    polled = {scraped(READ, "a"): "0x100", scraped(READ, "b"): "0+60x100"}
    polled |= {scraped(MAX_STALENESS, cluster): "1800x100" for cluster in ("a", "b")}
    (stale,) = (alert for alert in rendered(clusterLabel="cluster") if alert["alert"] == "AwsSupportAccountStale")
    found = expect(stale["expr"], 70, {"{" + scraped(READ, "a").partition("{")[2]: 4200})

    assert complaints(promtool, [stale], world(polled, promql_expr_test=[found]), tmp_path) == ""


def info(*labels: str) -> str:
    return series("account_info", A, 'plan="enterprise"', *labels)


def always(*names: str) -> Callable[[int], dict[str, str]]:
    return lambda _: dict.fromkeys(names, "1x1500")


def restarted(minute: int) -> dict[str, str]:
    """Return the series of an exporter that has been restarted four minutes ago, and has not read the tags yet."""
    before = max(minute - 4, 0)
    return {info(TEAM, UNIT): f"1x{before} stale", replica(info(UNIT)): f"_x{before} 1x1500"}


@pytest.mark.parametrize(
    ("infos", "owner"),
    [
        pytest.param(always(replica(info(UNIT)), info(TEAM, UNIT)), SHOP | PROD, id="a replica has not read the tags yet"),
        pytest.param(restarted, SHOP | PROD, id="a restart"),
        pytest.param(
            always(info(TEAM, UNIT, 'prometheus="a"'), info(TEAM, UNIT, 'prometheus="b"')),
            SHOP | PROD,
            id="federation",
            marks=pytest.mark.slow,
        ),
        pytest.param(always(info(UNIT), in_search(info(TEAM))), PROD, id="no team"),
        pytest.param(always(), {}, id="no information about the account"),
    ],
)
def test_an_alert_about_an_account_fires_once_and_says_whose_it_is(
    promtool: Promtool, tmp_path: Path, infos: Callable[[int], dict[str, str]], owner: Mapping[str, str]
) -> None:
    told = texts()
    for alert in told.values():
        alert["annotations"]["description"] = named(owner) + alert["annotations"]["description"]
        alert["labels"] |= owner
    situations = [replace(each, series={**each.series, **infos(each.minute)}) for each in OF_AN_ACCOUNT]

    assert run(promtool, rendered(ownerLabels=OWNER_LABELS), situations, told, tmp_path) == ""


def named(owner: Mapping[str, str]) -> str:
    names = {"label_team": "Team", "organizational_unit": "Organizational unit"}
    return "".join(f"{name}: {owner[label]}. " for label, name in names.items() if label in owner)


def test_an_account_that_is_gone_has_the_owner_that_it_had(promtool: Promtool, tmp_path: Path) -> None:
    told = texts()
    told[GONE]["annotations"]["description"] = named(SHOP | PROD) + told[GONE]["annotations"]["description"]

    assert run(promtool, rendered(ownerLabels=OWNER_LABELS), [FIRING[GONE]], told, tmp_path) == ""


def test_replicas_that_disagree_raise_one_alert_that_never_changes(promtool: Promtool, tmp_path: Path) -> None:
    infos = dict.fromkeys((info(TEAM), replica(info('label_team="warehouse"'))), "1x1500")
    rules = {rule["alert"]: rule for rule in rendered(ownerLabels=OWNER_LABELS)}
    once = ('count(ALERTS{alertstate="firing"})', "count(group by (label_team) (last_over_time(ALERTS[2h])))")
    files = [
        written([rules[each.alert]], [world({**each.series, **infos}, promql_expr_test=found)], tmp_path, each.alert)
        for each in OF_AN_ACCOUNT
        for found in [[expect(expr, each.minute, {"{}": 1}) for expr in once]]
    ]

    assert promtool.complaints("test", "rules", *files) == ""


def test_each_clusters_alerts_have_its_own_owner(promtool: Promtool, tmp_path: Path) -> None:
    """An account that the exporters of two clusters poll, each with labels of its own; a third has none."""
    rules = rendered(ownerLabels=OWNER_LABELS, clusterLabel="cluster")
    (overdue,) = (alert for alert in rules if alert["alert"] == "AwsSupportFirstResponseOverdue")
    teams = {"a": ',label_team="shop"', "b": ',label_team="warehouse"', "c": ""}
    names = {cluster: scraped(OVERDUE, cluster) for cluster in teams}
    names["a, too"] = names["a"].replace("urgent", "critical")
    infos = [scraped(info(team[1:]), cluster) for cluster, team in teams.items() if team]
    found = {"{" + name.partition("{")[2].replace("}", f"{teams[key[0]]}}}"): 2 for key, name in names.items()}
    test = world(
        dict.fromkeys(names.values(), "2x9") | dict.fromkeys(infos, "1x9"),
        promql_expr_test=[expect(overdue["expr"], 5, found)],
    )

    assert complaints(promtool, [overdue], test, tmp_path) == ""


def test_alerts_about_no_account_stay_as_they_are() -> None:
    before, after = alerts(), rendered(ownerLabels=OWNER_LABELS)
    about_an_account = {GONE, *(each.alert for each in OF_AN_ACCOUNT)}
    changed = {new["alert"] for old, new in zip(before, after, strict=True) if old["expr"] != new["expr"]}

    assert changed == about_an_account
