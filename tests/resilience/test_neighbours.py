"""Each account has its own trouble, and its own quota: five calls of Support a second, measured where they arrive."""

import time

import pytest

from exporter.clock import SystemClock
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import ConnectionReset, Silence, Throttled
from exporter.simulator.server import Simulator
from tests.resilience.conftest import StartRig, configuration
from tests.support.rig import Rig
from tests.support.waiting import wait_until

A = "111111111111"
CALLS = 5
INTERVAL = 10.0
MANY_RETRIES = 120
"""More than a retry quota that all accounts share, as botocore's clients have one, would allow."""


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(ConnectionReset(), "unreachable"), (Throttled(), "throttled")],
)
def test_one_account_that_always_fails_starves_none_of_its_neighbours(
    kind: Kind, reason: str, simulator: Simulator, fleet: Fleet, rig: StartRig
) -> None:
    bad, *good = (fleet.add_account().account_id for _ in range(41))
    running = rig(bad, *good)
    failing = simulator.faults.add(Fault(kind, operation="DescribeCases", account_id=bad))
    (bad_entry,) = (entry for entry in running.accounts.entries() if entry.target.account.account_id == bad)
    while failing.hits <= MANY_RETRIES:
        running.poll(bad_entry)
    # Whose request fails once is asked again, however often the bad one was.
    for account_id in good[::4]:
        simulator.faults.add(Fault(kind, operation="DescribeCases", account_id=account_id, times=1))
    began = running.clock.monotonic()
    page = running.round()
    assert page.up() == {bad: 0} | dict.fromkeys(good, 1.0)
    assert set(page.reasons(bad)) == {reason}
    assert running.clock.monotonic() - began == 0, "they do not wait for each other's quota"


@pytest.mark.slow
def test_all_500_neighbours_of_a_hung_account_are_fresh_within_one_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet.uniform(time.time, accounts=501, cases=1, communications=1, body_chars=10)
    *good, hung = (account.account_id for account in fleet.accounts)
    with Simulator(fleet, throttle=False, verify_signatures=False) as simulator:
        for name, value in simulator.environment().items():
            monkeypatch.setenv(name, value)
        simulator.faults.add(Fault(Silence(), account_id=hung))
        config = configuration(*good, hung, poll=f"interval: {INTERVAL:g}s, timeout: 1s, concurrency: 8")
        with Rig(config, SystemClock()) as rig:
            started = time.time()
            with rig.running():
                wait_until(lambda: rig.publisher.ready or None, 2 * INTERVAL, lambda: "some account was never read")
                page = rig.page()
    successes = page.by_account("aws_support_account_last_success_timestamp_seconds")
    assert set(successes) == set(good)
    assert max(successes.values()) - started < INTERVAL
    assert set(page.reasons(hung)) == {"timeout"}


def most_in_a_second(simulator: Simulator) -> int:
    """Return how many calls of Support arrived within any one second."""
    ordered = sorted(record.time for record in simulator.log.records() if record.service == "support")
    return max(sum(start <= other < start + 1 for other in ordered) for start in ordered)


def test_twelve_pages_are_spread_over_seconds_and_aws_throttles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet.uniform(time.time, accounts=1, cases=1150, communications=0)
    with Simulator(fleet, verify_signatures=False) as simulator:
        for name, value in simulator.environment().items():
            monkeypatch.setenv(name, value)
        account_id = fleet.accounts[0].account_id
        with Rig(configuration(account_id), SystemClock()) as rig:
            assert rig.round().open_cases() == {account_id: 1150}
        assert most_in_a_second(simulator) == CALLS
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
    assert most_in_a_second(simulator) == CALLS
