"""Each query of docs/metrics.md is run by a real Prometheus over the running exporter."""

import re
import time
from collections.abc import Iterator

import pytest

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.conftest import StartPrometheus
from tests.support.process import ExporterProcess
from tests.support.prometheus import PrometheusServer
from tests.support.tools import ROOT

QUERIES = re.findall(r"(?:^|\n)([^\n]+):\n\n```promql\n(.*?)```", (ROOT / "docs/metrics.md").read_text(), re.DOTALL)
FINDS_NOTHING_WHEN_ALL_IS_WELL = ("Accounts that have a plan, but have not been read for an hour",)
DAY = 86400.0


@pytest.fixture
def exporter() -> Iterator[ExporterProcess]:
    fleet = Fleet.empty(time.time)
    account = fleet.add_account(name="payments")
    account.add_case(severity_code="critical")
    account.add_case(created_at=time.time() - 3 * DAY).add_communication(created_at=time.time() - 2 * DAY)
    with Simulator(fleet) as simulator, ExporterProcess(env=simulator.environment()) as running:
        running.wait_for(lambda page: "aws_support_open_cases{" in page)
        yield running


@pytest.fixture
def prometheus(exporter: ExporterProcess, start_prometheus: StartPrometheus) -> PrometheusServer:
    server = start_prometheus(f"{exporter.url}/metrics")
    server.wait_for("count_over_time(aws_support_account_up[1m]) > 1", bool)
    return server


def test_every_query_is_answered_with_what_there_is(prometheus: PrometheusServer) -> None:
    assert len(QUERIES) == 6
    found = {title.partition(" (")[0]: prometheus.query(query) for title, query in QUERIES}
    empty = {title for title, samples in found.items() if not samples}
    assert empty == set(FINDS_NOTHING_WHEN_ALL_IS_WELL)
