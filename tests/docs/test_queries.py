"""Each query of docs/metrics.md is run by a real Prometheus over the running exporter."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.conftest import StartPrometheus
from tests.docs.queries import QUERIES
from tests.support.process import ExporterProcess
from tests.support.prometheus import PrometheusServer

DAY = 86400.0
NO_ACCESS = "222222222222"
CONFIG = f"""
aws: {{{{role_name: AwsSupportExporter}}}}
accounts: [{{{{id: "{{}}"}}}}, {{{{id: "{NO_ACCESS}"}}}}]
"""


@pytest.fixture
def exporter(tmp_path: Path) -> Iterator[ExporterProcess]:
    fleet = Fleet.empty(time.time)
    account = fleet.add_account(name="payments")
    account.add_case(severity_code="critical")
    account.add_case(created_at=time.time() - 3 * DAY).add_communication(created_at=time.time() - 2 * DAY)
    fleet.add_account(name="no-access", account_id=NO_ACCESS, trusts=False)
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.format(account.account_id))
    with Simulator(fleet) as simulator, ExporterProcess([f"--config.file={config}"], simulator.environment()) as running:
        running.wait_for(lambda page: "aws_support_open_cases{" in page and 'reason="assume_role_denied"' in page)
        yield running


@pytest.fixture
def prometheus(exporter: ExporterProcess, start_prometheus: StartPrometheus) -> PrometheusServer:
    server = start_prometheus(f"{exporter.url}/metrics")
    server.wait_for("count_over_time(aws_support_account_up[1m]) > 1", bool)
    return server


def test_every_query_is_answered_with_what_there_is(prometheus: PrometheusServer) -> None:
    found = {title: prometheus.query(query) for title, query in QUERIES.items()}
    assert [title for title, samples in found.items() if not samples] == []
