"""The exporter as a process, against a simulated AWS on the wire."""

import signal
from collections.abc import Callable

import pytest

from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import Silence
from exporter.simulator.server import Simulator
from tests.e2e.conftest import StartExporter
from tests.support.page import Page
from tests.support.process import ExporterProcess

ReadPage = Callable[[ExporterProcess], Page]

CONFIG = """
poll: {interval: 10s, timeout: 3s}
aws: {role_name: AwsSupportExporter, regions: [us-east-1, us-west-2, ap-southeast-2]}
accounts: [%s]
"""
A, B, C, D = "111111111111", "222222222222", "333333333333", "444444444444"


def config(*account_ids: str) -> str:
    return CONFIG % ", ".join(f'{{id: "{account_id}"}}' for account_id in account_ids)


def test_counts_are_exact_over_pages_and_regions(
    fleet: Fleet, simulator: Simulator, start: StartExporter, read_page: ReadPage
) -> None:
    account = fleet.add_account(account_id=A)
    for number in range(237):
        account.add_case(severity_code=("low", "normal", "high")[number % 3])
    account.add_case().resolve()
    page = read_page(start(config(A), simulator.environment()))
    assert page.total("aws_support_open_cases") == 237
    assert page.total("aws_support_account_open_cases", account_id=A, severity_code="low") == 79
    assert page.label_values("aws_support_open_cases", "region") == {"us-east-1"}
    assert simulator.log.counts()["DescribeCases"] == 3


def test_each_account_shows_its_own_state_and_none_delays_another(
    fleet: Fleet, simulator: Simulator, start: StartExporter
) -> None:
    fleet.add_account(account_id=A)
    fleet.add_account(account_id=B, supported=False).add_case()
    fleet.add_account(account_id=C, trusts=False).add_case()
    fleet.add_account(account_id=D).add_case()
    simulator.faults.add(Fault(Silence(), account_id=D))
    exporter = start(config(A, B, C, D), simulator.environment())
    first = Page(exporter.wait_for(lambda text: f'aws_support_account_up{{account_id="{A}",' in text))
    assert D not in first.up(), "the silent account held up another"
    page = Page(exporter.wait_for(lambda text: D in Page(text).up()))
    assert page.values("aws_support_account_open_cases", account_id=A) == [0] * 5
    assert page.values("aws_support_account_supported", account_id=B) == [0]
    assert page.values("aws_support_account_open_cases", account_id=B) == []
    assert page.values("aws_support_account_poll_errors_total", account_id=C, reason="assume_role_denied") == [1]
    assert page.values("aws_support_account_poll_errors_total", account_id=D, reason="timeout") == [1]
    assert page.values("aws_support_account_open_cases", account_id=D) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_within_seconds_with_a_call_in_flight(
    fleet: Fleet, simulator: Simulator, start: StartExporter, number: signal.Signals
) -> None:
    fleet.add_account(account_id=A)
    handle = simulator.faults.add(Fault(Silence(), account_id=A))
    exporter = start(
        f'poll: {{timeout: 60s}}\naccounts: [{{id: "{A}", role_arn: "arn:aws:iam::{A}:role/AwsSupportExporter"}}]',
        simulator.environment(),
    )
    exporter.wait_for(lambda _: handle.hits > 0)
    assert exporter.stop(number, timeout_seconds=5) == 0
    assert "Traceback" not in exporter.stderr
