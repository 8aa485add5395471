"""A real Prometheus scrapes the running exporter."""

from collections.abc import Callable

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.conftest import StartPrometheus
from tests.e2e.conftest import StartExporter
from tests.support.page import Page
from tests.support.process import ExporterProcess
from tests.support.prometheus import Promtool

A, B = "111111111111", "222222222222"
CONFIG = f"""
aws: {{role_name: AwsSupportExporter}}
accounts: [{{id: "{A}"}}, {{id: "{B}"}}]
metrics: {{cases: {{enabled: true, subject: true}}}}
"""


def test_prometheus_counts_what_aws_holds(
    fleet: Fleet,
    simulator: Simulator,
    start: StartExporter,
    read_page: Callable[[ExporterProcess], Page],
    start_prometheus: StartPrometheus,
) -> None:
    for account_id, cases in ((A, 130), (B, 7)):
        account = fleet.add_account(account_id=account_id)
        for _ in range(cases):
            account.add_case()
    exporter = start(CONFIG, simulator.environment())
    read_page(exporter)
    prometheus = start_prometheus(f"{exporter.url}/metrics")
    held = len(fleet.open_cases())
    found = prometheus.wait_for("sum(aws_support_open_cases)", bool)
    assert [value for _, value in found] == [held] == [137]


def test_promtool_finds_nothing_to_complain_of(
    fleet: Fleet, simulator: Simulator, start: StartExporter, read_page: Callable[[ExporterProcess], Page], promtool: Promtool
) -> None:
    fleet.add_account(account_id=A).add_case().add_communication()
    fleet.add_account(account_id=B, trusts=False)
    assert promtool.check_metrics(read_page(start(CONFIG, simulator.environment())).text) == ""
