"""Alerts carry the namespace of the exporter, and its cluster: Alertmanager routes and inhibits by them in Kubernetes."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import StartAlertmanager, StartPrometheus
from tests.rules.rendered import complaints, rendered
from tests.rules.situations import LATE, MAX_STALENESS, READ, SITUATIONS, failure
from tests.rules.test_alerts import TEXTS, run
from tests.support.chart import NAMESPACE
from tests.support.fetch import fetch
from tests.support.prometheus import Promtool
from tests.support.waiting import wait_until

CLUSTER = "eu-1"
RESEND = ["--rules.alert.resend-delay=1s"]
"""What Prometheus says before it has found Alertmanager is lost until it says it again."""
STACK = yaml.safe_load((Path(__file__).parent / "kube_prometheus_stack.yaml").read_text())
"""What kube-prometheus-stack has Prometheus and Alertmanager do about alerts of severity info."""


def scraped(name: str, cluster: str = CLUSTER) -> str:
    """Return a series as it is when its target has a namespace and a cluster."""
    metric, _, labels = name.partition("{")
    labels = labels if "namespace=" in labels else f'namespace="{NAMESPACE}",{labels}'
    return f'{metric}{{cluster="{cluster}",{labels}'


def test_every_alert_carries_the_namespace_and_the_cluster_of_its_exporter(promtool: Promtool, tmp_path: Path) -> None:
    texts = yaml.safe_load(TEXTS.read_text())
    for key, text in texts.items():
        cluster = {} if key == "AwsSupportExporterAbsent" else {"cluster": CLUSTER}
        text["labels"] = {"namespace": NAMESPACE, **text["labels"], **cluster}
    firing = {each.text: each for each in SITUATIONS if each.fires and each.variant != "single cases"}
    situations = [
        replace(each, series={scraped(name): values for name, values in each.series.items()}, ends=False)
        for each in firing.values()
    ]

    assert run(promtool, rendered(clusterLabel="cluster"), situations, texts, tmp_path) == ""


def test_each_cluster_has_its_own_alerts(promtool: Promtool, tmp_path: Path) -> None:
    """An account that one cluster's exporter polls, and another's does not."""
    series = {scraped(READ, "a"): "0x100", scraped(READ, "b"): "0+60x100"}
    series |= {scraped(MAX_STALENESS, cluster): "1800x100" for cluster in ("a", "b")}
    for values, clusters in (({"clusterLabel": "cluster"}, ["a"]), ({}, [])):
        alerts = rendered(**values)
        (stale,) = (alert for alert in alerts if alert["alert"] == "AwsSupportAccountStale")
        labels = [scraped(READ, cluster).partition("{")[2] for cluster in clusters]
        test = {
            "interval": "1m",
            "input_series": [{"series": name, "values": samples} for name, samples in series.items()],
            "promql_expr_test": [
                {
                    "expr": stale["expr"],
                    "eval_time": "70m",
                    "exp_samples": [{"labels": f"{{{label}", "value": 4200} for label in labels],
                }
            ],
        }

        assert complaints(promtool, alerts, [test], tmp_path) == ""


@pytest.mark.slow
@pytest.mark.parametrize(("warns", "state"), [(True, "active"), (False, "suppressed")])
def test_info_alerts_arrive_as_kube_prometheus_stack_means_them_to(
    start_prometheus: StartPrometheus, start_alertmanager: StartAlertmanager, tmp_path: Path, *, warns: bool, state: str
) -> None:
    """While a warning fires in their namespace; without a namespace they would never arrive."""
    wanted = {"AwsSupportFirstResponseLate": LATE} | ({"AwsSupportRoleRefused": failure("credentials")} if warns else {})
    alerts = [alert | {"for": "0s"} for alert in rendered() if alert["alert"] in wanted]
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        yaml.safe_dump({"groups": [{"name": "all", "rules": [*map(recorded, wanted.values()), *alerts, STACK["rule"]]}]})
    )
    config = {"route": {"receiver": "none"}, "receivers": [{"name": "none"}], "inhibit_rules": STACK["inhibit_rules"]}
    alertmanager = start_alertmanager(config)
    start_prometheus("http://127.0.0.1:1", rule_files=[rules], alertmanager_url=alertmanager.url, flags=RESEND)

    def states() -> dict[str, str]:
        received = json.loads(fetch(f"{alertmanager.url}/api/v2/alerts").text)
        return {alert["labels"]["alertname"]: alert["status"]["state"] for alert in received}

    wait_until(lambda: states().get("AwsSupportFirstResponseLate") == state or None, 20, lambda: f"{states()}")
    assert ("InfoInhibitor" in states()) is not warns


def recorded(series: str) -> dict[str, Any]:
    """Return a rule that makes a series, with the namespace that its target would have."""
    metric, _, labels = scraped(series).partition("{")
    return {"record": metric, "expr": "vector(1)", "labels": dict(re.findall(r'(\w+)="([^"]*)"', labels))}
