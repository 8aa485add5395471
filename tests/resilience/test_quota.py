"""AWS's five Support calls a second for an account are never exceeded: measured where they arrive."""

import time
from collections.abc import Iterable, Iterator

import pytest

from exporter.clock import SystemClock
from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import Throttled
from exporter.simulator.server import Simulator
from tests.resilience.conftest import StartRig
from tests.support.clock import FakeClock
from tests.support.rig import Rig

A = "111111111111"
CALLS = 5


def most_in_a_second(times: Iterable[float]) -> int:
    """Return how many of these moments were within any one second."""
    ordered = sorted(times)
    return max(sum(start <= other < start + 1 for other in ordered) for start in ordered)


def arrivals(simulator: Simulator) -> Iterator[float]:
    return (record.time for record in simulator.log.records() if record.service == "support")


def test_twelve_pages_are_spread_over_seconds_and_aws_throttles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet.uniform(time.time, accounts=1, cases=1150, communications=0)
    with Simulator(fleet, verify_signatures=False) as simulator:
        for name, value in simulator.environment().items():
            monkeypatch.setenv(name, value)
        account_id = fleet.accounts[0].account_id
        with Rig(f"aws: {{role_name: AwsSupportExporter}}\naccounts: [{{id: '{account_id}'}}]", SystemClock()) as rig:
            assert rig.round().open_cases() == {account_id: 1150}
        assert most_in_a_second(arrivals(simulator)) == CALLS
        assert {record.status for record in simulator.log.records()} == {200}


def test_lookups_of_communications_and_retries_count(simulator: Simulator, fleet: Fleet, rig: StartRig) -> None:
    account = fleet.add_account(account_id=A)
    for _ in range(12):
        case = account.add_case()
        for _ in range(7):
            case.add_communication(submitted_by="someone@example.com", body="still waiting")
    simulator.faults.add(Fault(Throttled(), operation="DescribeCases", times=3))
    assert rig(A).round().up() == {A: 1}
    assert simulator.log.counts() == {"AssumeRole": 1, "DescribeCases": 4, "DescribeCommunications": 10}
    assert most_in_a_second(arrivals(simulator)) == CALLS


def test_accounts_do_not_wait_for_each_others_quota(fleet: Fleet, rig: StartRig, clock: FakeClock) -> None:
    for number in range(1, 21):
        fleet.add_account(account_id=f"{number:012}").add_case()
    assert rig(*(f"{number:012}" for number in range(1, 21))).round().total("aws_support_account_up") == 20
    assert clock.monotonic() == 0
