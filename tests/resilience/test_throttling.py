"""Throttled by AWS: waited for when it passes, told when it does not."""

import pytest

from exporter.simulator.faults import Fault, Page
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import Error, Throttled
from exporter.simulator.server import Simulator
from tests.resilience.conftest import StartRig

A, B = "111111111111", "222222222222"
ORGANIZATION = "organizations: [{name: acme, member_role_name: AwsSupportExporter}]"


@pytest.fixture(autouse=True)
def _accounts(fleet: Fleet) -> None:
    for account_id in (A, B):
        account = fleet.add_account(account_id=account_id)
        for _ in range(120):
            account.add_case()


@pytest.mark.parametrize("operation", ["AssumeRole", "DescribeCases"])
def test_throttled_for_a_moment_is_not_seen_on_the_page(operation: str, simulator: Simulator, rig: StartRig) -> None:
    throttled = simulator.faults.add(Fault(Throttled(), operation=operation, times=3))
    page = rig(A).round()
    assert throttled.hits == 3
    assert page.open_cases() == {A: 120}
    assert page.reasons(A) == {}


@pytest.mark.parametrize("operation", ["AssumeRole", "DescribeCases"])
def test_throttled_for_long_is_told_and_passes(operation: str, simulator: Simulator, rig: StartRig) -> None:
    throttled = simulator.faults.add(Fault(Throttled(), operation=operation))
    running = rig(A)
    page = running.round()
    assert page.reasons(A) == {"throttled": 1}
    assert page.open_cases() == {}
    assert throttled.hits == 4, "a throttled account is not to be asked for ever"
    throttled.remove()
    page = running.after(6)
    assert (page.up(), page.open_cases()) == ({A: 1}, {A: 120})


def test_pauses_between_throttled_polls_grow_up_to_the_interval(simulator: Simulator, rig: StartRig) -> None:
    simulator.faults.add(Fault(Throttled(), operation="DescribeCases"))
    running = rig(A, poll="interval: 60s")
    pauses = []
    for _ in range(8):
        running.round()
        status = running.status(A)
        assert status is not None
        assert status.next_poll is not None
        pauses.append(status.next_poll - running.clock.time())
        running.clock.advance(pauses[-1] + 0.001)
    assert pauses[:4] == pytest.approx([5, 10, 20, 40], rel=0.11)
    assert pauses[4:] == pytest.approx([60] * 4, rel=0.11)


def test_a_page_that_is_throttled_halfway_neither_loses_nor_doubles_cases(simulator: Simulator, rig: StartRig) -> None:
    throttled = simulator.faults.add(Fault(Throttled(), operation="DescribeCases", page=Page.LATER, times=2))
    assert rig(A).round().open_cases() == {A: 120}
    assert throttled.hits == 2


def test_one_throttled_account_does_not_keep_another_from_being_read(simulator: Simulator, rig: StartRig) -> None:
    simulator.faults.add(Fault(Throttled(), account_id=A))
    assert rig(A, B).round().up() == {A: 0, B: 1}


def test_the_last_good_cases_stay_while_an_account_is_throttled(simulator: Simulator, rig: StartRig) -> None:
    running = rig(A)
    running.round()
    simulator.faults.add(Fault(Throttled()))
    page = running.after(400)
    assert (page.up(), page.open_cases()) == ({A: 0}, {A: 120})


def test_listing_accounts_is_tried_again_while_it_is_throttled(simulator: Simulator, rig: StartRig) -> None:
    error = Error(400, "TooManyRequestsException", "You have sent too many requests in too short a period of time.")
    throttled = simulator.faults.add(Fault(error, operation="ListAccounts", times=5))
    page = rig(rest=ORGANIZATION, pauses=1.0).round()
    assert throttled.hits == 5
    assert page.values("aws_support_organization_up", organization="acme") == [1]
    assert page.open_cases() == {A: 120, B: 120, "999999999999": 0}


def test_listing_that_stays_throttled_is_told_and_passes(simulator: Simulator, rig: StartRig) -> None:
    throttled = simulator.faults.add(Fault(Throttled(), operation="ListAccounts"))
    running = rig(rest=ORGANIZATION)
    page = running.round()
    assert page.values("aws_support_organization_up", organization="acme") == [0]
    assert [failure.reason for failure in running.discoverer.failures()] == ["throttled"]
    throttled.remove()
    page = running.after(6)
    assert page.values("aws_support_organization_up", organization="acme") == [1]
    assert page.up() == {A: 1, B: 1, "999999999999": 1}
