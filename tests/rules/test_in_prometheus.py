"""Alerts, and the queries of the documents, find what they look for in a fleet in which much is wrong."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.support.process import ExporterProcess
from tests.support.prometheus import PrometheusServer
from tests.support.promql import OF_THE_PROCESS
from tests.support.tools import ROOT

ALERTS = ROOT / "helm/aws-support-exporter/files/rules/alerts.yaml"
QUERIES = [
    query
    for document in ("docs/runbooks.md", "docs/metrics.md")
    for query in re.findall(r"```promql\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
]
ABOUT_ANOTHER_SETUP = {
    "count by (job, ordinal) (aws_support_exporter_shard)\n",  # there is one exporter only
    "max(max_over_time(timestamp(aws_support_exporter_build_info)[7d:5m]))\n",  # nothing is old enough
}
DAY = 86400.0
CONFIG = """
poll: {interval: 10s}
organizations: [{name: example, use_own_credentials: true, member_role_name: AwsSupportExporter}]
"""


def fleet() -> Fleet:
    now = time.time()
    fleet = Fleet.empty(time.time)
    fleet.add_account(name="management")
    account = fleet.add_account(name="payments")
    account.add_case(severity_code="critical", created_at=now - 3600)
    account.add_case(severity_code="urgent", created_at=now - 3000)
    account.add_case(severity_code="high", created_at=now - 9 * DAY)
    account.add_case(created_at=now - 3 * DAY).add_communication(created_at=now - 2 * DAY)
    fleet.add_account(name="refused", trusts=False)
    fleet.add_account(name="without-a-plan", supported=False)
    fleet.add_account(name="contended").contention = 1.0
    return fleet


@pytest.fixture(scope="module")
def prometheus(prometheus_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    directory = tmp_path_factory.mktemp("prometheus")
    config = directory / "config.yaml"
    config.write_text(CONFIG)
    with (
        Simulator(fleet()) as simulator,
        ExporterProcess([f"--config.file={config}"], simulator.environment()) as exporter,
        PrometheusServer(prometheus_binary, f"{exporter.url}/metrics", directory) as server,
    ):
        server.wait_for('count_over_time(aws_support_api_errors_total{reason="throttled"}[1m]) > 1', bool)
        server.wait_for('aws_support_account_failure_info{reason="throttled"}', bool)
        server.wait_for("aws_support_account_supported == 0", bool)
        server.wait_for("aws_support_first_response_overdue_cases > 0", bool)
        yield server


def test_every_query_of_the_documents_finds_what_it_looks_for(prometheus: PrometheusServer) -> None:
    assert {query for query in QUERIES if not prometheus.query(query)} == ABOUT_ANOTHER_SETUP


def test_metrics_of_the_process_are_those_that_queries_may_name(prometheus: PrometheusServer) -> None:
    found = prometheus.query('count by (__name__) ({__name__=~"(process|python)_.+"})')
    assert {labels["__name__"] for labels, _ in found} == OF_THE_PROCESS.keys()


def test_alerts_find_what_is_wrong_and_nothing_else(prometheus: PrometheusServer) -> None:
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    assert {rule["alert"] for rule in rules if prometheus.query(rule["expr"])} == {
        "AwsSupportFirstResponseNear",
        "AwsSupportFirstResponseOverdue",
        "AwsSupportFirstResponseLate",
        "AwsSupportCaseWaitsForUs",
        "AwsSupportCaseQuiet",
        "AwsSupportRoleRefused",
        "AwsSupportAccountThrottled",
    }
