"""A whole endpoint that is down is noticed after a few accounts, and no other waits for it in vain."""

import pytest

from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import ConnectionReset, Error, Silence
from exporter.simulator.server import Simulator
from tests.resilience.conftest import StartRig
from tests.support.rig import FakeRig

ACCOUNTS = [f"{number:012}" for number in range(1, 21)]
SHORT = "interval: 60s, timeout: 20ms"
HOME, OTHER = "us-east-1", "us-west-2"
MANY_FAILURES = 8
"""Accounts that fail at once to open the circuit."""
LONGEST_PROBE_INTERVAL = 10.0


@pytest.fixture(autouse=True)
def _accounts(fleet: Fleet) -> None:
    for account_id in ACCOUNTS:
        fleet.add_account(account_id=account_id).add_case()


@pytest.fixture
def running(rig: StartRig) -> FakeRig:
    """Return an exporter that has read every account once."""
    running = rig(*ACCOUNTS, poll=SHORT)
    running.round()
    running.clock.advance(91)
    return running


def test_with_an_endpoint_silent_only_the_first_few_accounts_wait(simulator: Simulator, running: FakeRig) -> None:
    silent = simulator.faults.add(Fault(Silence(), operation="DescribeCases"))
    page = running.round()
    assert page.up() == dict.fromkeys(ACCOUNTS, 0.0)
    assert silent.hits <= MANY_FAILURES * 3, "each of the others waited until its timeout"
    assert sum("unreachable" in page.reasons(account_id) for account_id in ACCOUNTS) >= len(ACCOUNTS) - MANY_FAILURES


def test_while_it_is_down_it_is_probed_and_no_more(simulator: Simulator, running: FakeRig) -> None:
    silent = simulator.faults.add(Fault(Silence(), operation="DescribeCases"))
    running.round()
    noticed = silent.hits
    minutes = 3
    for _ in range(minutes * 6):
        running.after(10)
    probes = silent.hits - noticed
    assert minutes * 60 / LONGEST_PROBE_INTERVAL / 2 <= probes <= minutes * 60 / LONGEST_PROBE_INTERVAL + 3


def test_a_probe_finds_it_again_and_all_accounts_are_read(simulator: Simulator, running: FakeRig) -> None:
    silent = simulator.faults.add(Fault(Silence(), operation="DescribeCases"))
    running.round()
    silent.remove()
    for _ in range(4):
        page = running.after(LONGEST_PROBE_INTERVAL)
    assert page.up() == dict.fromkeys(ACCOUNTS, 1.0)


def test_a_region_known_to_be_down_is_not_asked_before_the_next(simulator: Simulator, rig: StartRig) -> None:
    down = simulator.faults.add(Fault(ConnectionReset(), operation="DescribeCases", region=HOME))
    page = rig(*ACCOUNTS, aws=f"regions: [{HOME}, {OTHER}]").round()
    assert page.up() == dict.fromkeys(ACCOUNTS, 1.0)
    assert down.hits == MANY_FAILURES


def test_sts_that_is_down_is_noticed_too(simulator: Simulator, rig: StartRig) -> None:
    down = simulator.faults.add(Fault(ConnectionReset(), operation="AssumeRole"))
    running = rig(*ACCOUNTS, poll="interval: 60s")
    assert running.round().up() == dict.fromkeys(ACCOUNTS, 0.0)
    assert down.hits <= MANY_FAILURES * 3
    down.remove()
    for _ in range(4):
        page = running.after(LONGEST_PROBE_INTERVAL)
    assert page.up() == dict.fromkeys(ACCOUNTS, 1.0)


@pytest.mark.parametrize("kind", [Silence(), ConnectionReset()], ids=["silent", "reset"])
def test_sts_that_is_down_is_noticed_where_every_account_is_reached_through_one_role(
    kind: Silence | ConnectionReset, simulator: Simulator, fleet: Fleet, rig: StartRig
) -> None:
    fleet.management_account.add_role("Hub")
    hub = fleet.management_account.role_arn("Hub")
    entries = "".join(f"\n- {{id: '{one}', role_chain: ['{hub}', '{fleet.account(one).role_arn()}']}}" for one in ACCOUNTS)
    down = simulator.faults.add(Fault(kind, operation="AssumeRole"))
    running = rig(poll=SHORT, rest=f"accounts: {entries}")
    assert running.round().up() == dict.fromkeys(ACCOUNTS, 0.0)
    assert down.hits <= MANY_FAILURES * 3


@pytest.mark.parametrize("kind", [Error(500, "InternalServerError"), ConnectionReset()], ids=["500", "reset"])
def test_one_bad_account_never_takes_the_endpoint_down(
    kind: Error | ConnectionReset, simulator: Simulator, rig: StartRig
) -> None:
    bad, *good = ACCOUNTS
    simulator.faults.add(Fault(kind, operation="DescribeCases", account_id=bad))
    running = rig(*ACCOUNTS, poll="interval: 60s")
    for _ in range(12):
        page = running.after(30)
        assert page.up() == {bad: 0} | dict.fromkeys(good, 1.0)
    assert all(page.reasons(account_id) == {} for account_id in good)


def test_a_few_bad_accounts_do_not_make_good_ones_fail_over_and_over(simulator: Simulator, rig: StartRig) -> None:
    bad, good = ACCOUNTS[: MANY_FAILURES + 1], ACCOUNTS[MANY_FAILURES + 1 :]
    for account_id in bad:
        simulator.faults.add(Fault(Error(500, "InternalServerError"), operation="DescribeCases", account_id=account_id))
    running = rig(*ACCOUNTS, poll="interval: 5m")
    for _ in range(3):
        running.after(10)
    settled = sum(sum(running.page().reasons(account_id).values()) for account_id in good)
    for _ in range(40):
        page = running.after(30)
    assert sum(sum(page.reasons(account_id).values()) for account_id in good) == settled
    assert page.up() == dict.fromkeys(bad, 0.0) | dict.fromkeys(good, 1.0)
