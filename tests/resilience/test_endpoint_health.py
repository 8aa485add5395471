"""A whole endpoint that is down is noticed after a few accounts, and the next region is read meanwhile."""

import pytest

from exporter.simulator.corruptions import Body
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import ConnectionReset, CutOffBody, Error
from exporter.simulator.server import Simulator
from tests.resilience.conftest import StartRig

ACCOUNTS = [f"{number:012}" for number in range(1, 21)]
BIG = "111111111111"
"""An account with three pages of cases."""
HOME, OTHER = "us-east-1", "us-west-2"
REGIONS = f"regions: [{HOME}, {OTHER}]"
MANY_FAILURES = 8
"""Accounts that fail at once to open the circuit."""
LONGEST_PROBE_INTERVAL = 10.0


@pytest.fixture(autouse=True)
def _accounts(fleet: Fleet) -> None:
    for account_id in ACCOUNTS:
        fleet.add_account(account_id=account_id).add_case()
    account = fleet.add_account(account_id=BIG)
    for _ in range(230):
        account.add_case()


@pytest.mark.parametrize("operation", ["DescribeCases", "AssumeRole"])
def test_an_endpoint_that_is_down_is_asked_for_a_few_accounts_and_probed_until_it_is_back(
    operation: str, simulator: Simulator, rig: StartRig
) -> None:
    down = simulator.faults.add(Fault(ConnectionReset(), operation=operation))
    running = rig(*ACCOUNTS, poll="interval: 60s")
    page = running.round()
    assert page.up() == dict.fromkeys(ACCOUNTS, 0.0)
    assert all(page.reasons(account_id) == {"unreachable": 1} for account_id in ACCOUNTS)
    noticed = down.hits
    assert noticed <= MANY_FAILURES * 3

    for _ in range(18):
        running.after(LONGEST_PROBE_INTERVAL)
    assert 9 <= down.hits - noticed <= 21

    down.remove()
    for _ in range(4):
        page = running.after(LONGEST_PROBE_INTERVAL)
    assert page.up() == dict.fromkeys(ACCOUNTS, 1.0)


@pytest.mark.parametrize("kind", [CutOffBody(), Error(503, "ServiceUnavailable")], ids=["cut off", "503"])
def test_the_next_region_is_read_while_one_is_down(kind: Kind, simulator: Simulator, rig: StartRig) -> None:
    down = simulator.faults.add(Fault(kind, operation="DescribeCases", region=HOME))
    running = rig(BIG, aws=REGIONS)
    page = running.round()
    assert (page.up(), page.open_cases(), page.reasons(BIG)) == ({BIG: 1}, {BIG: 230}, {})
    assert page.label_values("aws_support_open_cases", "region") == {HOME}, "the label does not move with the door"
    assert down.hits == 1, "a door that is shut is knocked at once"
    down.remove()
    running.after(600)
    asked = [(record.region, record.status) for record in simulator.log.records("DescribeCases")]
    assert asked[1:] == [(OTHER, 200)] * 3 + [(HOME, 200)] * 3


def test_a_whole_region_may_be_down_its_sts_included(simulator: Simulator, rig: StartRig) -> None:
    simulator.faults.add(Fault(Body(b"upstream connect error", 503), region=HOME))
    page = rig(BIG, aws=REGIONS).round()
    assert (page.up(), page.open_cases(), page.reasons(BIG)) == ({BIG: 1}, {BIG: 230}, {})
    assert [record.region for record in simulator.log.records("AssumeRole")] == [HOME, OTHER]


def test_a_region_known_to_be_down_is_not_asked_before_the_next(simulator: Simulator, rig: StartRig) -> None:
    down = simulator.faults.add(Fault(ConnectionReset(), operation="DescribeCases", region=HOME))
    page = rig(*ACCOUNTS, aws=REGIONS).round()
    assert page.up() == dict.fromkeys(ACCOUNTS, 1.0)
    assert down.hits == MANY_FAILURES


def test_a_few_bad_accounts_do_not_make_good_ones_fail_over_and_over(simulator: Simulator, rig: StartRig) -> None:
    bad, good = ACCOUNTS[: MANY_FAILURES + 1], ACCOUNTS[MANY_FAILURES + 1 :]
    for account_id in bad:
        simulator.faults.add(Fault(Error(500, "InternalServerError"), operation="DescribeCases", account_id=account_id))
    running = rig(*ACCOUNTS, poll="interval: 5m")
    for _ in range(3):
        running.after(10)
    settled = sum(sum(running.page().reasons(account_id).values()) for account_id in good)
    for _ in range(20):
        page = running.after(30)
    assert sum(sum(page.reasons(account_id).values()) for account_id in good) == settled
    assert page.up() == dict.fromkeys(bad, 0.0) | dict.fromkeys(good, 1.0)
