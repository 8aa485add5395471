"""The exporter as a process, against a simulated AWS on the wire."""

import signal

import pytest

from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import Silence
from exporter.simulator.server import Simulator
from tests.e2e.conftest import StartExporter

A = "111111111111"
CONFIG = f"""
poll: {{timeout: 60s}}
aws: {{role_name: AwsSupportExporter, regions: [us-east-1, us-west-2, ap-southeast-2]}}
accounts: [{{id: "{A}"}}]
"""


def test_counts_are_exact_over_pages_and_regions(fleet: Fleet, simulator: Simulator, start: StartExporter) -> None:
    account = fleet.add_account(account_id=A)
    for number in range(237):
        account.add_case(severity_code=("low", "normal", "high")[number % 3])
    account.add_case().resolve()
    page = start(CONFIG, simulator.environment()).first_page()
    assert page.total("aws_support_open_cases") == 237
    assert page.total("aws_support_account_open_cases", account_id=A, severity_code="low") == 79
    assert page.label_values("aws_support_open_cases", "region") == {"us-east-1"}
    assert simulator.log.counts()["DescribeCases"] == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_within_seconds_with_a_call_in_flight(
    fleet: Fleet, simulator: Simulator, start: StartExporter, number: signal.Signals
) -> None:
    fleet.add_account(account_id=A)
    handle = simulator.faults.add(Fault(Silence(), account_id=A))
    exporter = start(CONFIG, simulator.environment())
    exporter.wait_for(lambda _: handle.hits > 0)
    assert exporter.stop(number, timeout_seconds=5) == 0
    assert "Traceback" not in exporter.stderr
