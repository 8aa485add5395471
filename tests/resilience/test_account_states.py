"""Trust and plans that are lost and come back."""

import pytest

from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import Error
from exporter.simulator.server import Simulator
from tests.resilience.conftest import StartRig

A, B = "111111111111", "222222222222"
MINUTE, HOUR = 60.0, 3600.0


@pytest.fixture(autouse=True)
def _accounts(fleet: Fleet) -> None:
    for account_id in (A, B):
        fleet.add_account(account_id=account_id).add_case()


def test_a_role_that_loses_its_trust_is_told_once_its_credentials_expire(fleet: Fleet, rig: StartRig) -> None:
    running = rig(A, B)
    running.round()
    fleet.account(A).trusts = False
    assert running.after(10 * MINUTE).up() == {A: 1, B: 1}
    page = running.after(1 * HOUR)
    assert page.up() == {A: 0, B: 1}
    assert page.reasons(A) == {"assume_role_denied": 1}
    assert page.open_cases() == {B: 1}, "cases of an hour ago are too old to be shown"


def test_a_role_that_is_trusted_again_is_read_again(fleet: Fleet, rig: StartRig) -> None:
    fleet.account(A).trusts = False
    running = rig(A)
    assert running.round().reasons(A) == {"assume_role_denied": 1}
    fleet.account(A).trusts = True
    page = running.after(17 * MINUTE)
    assert (page.up(), page.open_cases()) == ({A: 1}, {A: 1})


def test_what_a_person_has_to_mend_is_tried_rarely(simulator: Simulator, fleet: Fleet, rig: StartRig) -> None:
    fleet.account(A).trusts = False
    running = rig(A)
    for _ in range(6 * 12):
        running.after(5 * MINUTE)
    assert 5 <= simulator.log.counts()["AssumeRole"] <= 9, "four times an hour at first, then once"


def test_an_account_that_loses_its_plan_shows_that_and_no_counts(fleet: Fleet, rig: StartRig) -> None:
    running = rig(A, B)
    running.round()
    fleet.account(A).supported = False
    page = running.after(10 * MINUTE)
    assert page.values("aws_support_account_supported", account_id=A) == [0]
    assert page.reasons(A) == {"subscription_required": 1}
    assert page.open_cases() == {B: 1}
    assert page.values("aws_support_open_cases", account_id=A) == []
    assert page.values("aws_support_accounts", state="unsupported") == [1]
    assert page.values("aws_support_accounts", state="failing") == [0]


def test_an_account_that_gains_a_plan_is_counted(fleet: Fleet, rig: StartRig) -> None:
    fleet.account(A).supported = False
    running = rig(A)
    running.round()
    fleet.account(A).supported = True
    page = running.after(17 * MINUTE)
    assert page.values("aws_support_account_supported", account_id=A) == [1]
    assert (page.up(), page.open_cases()) == ({A: 1}, {A: 1})


def test_an_account_that_is_never_answered_is_unknown_and_not_without_a_plan(simulator: Simulator, rig: StartRig) -> None:
    simulator.faults.add(Fault(Error(500, "InternalServerError"), operation="DescribeCases"))
    page = rig(A).round()
    assert page.values("aws_support_account_supported", account_id=A) == []
    assert page.up() == {A: 0}


def test_a_permission_that_is_missing_is_told_and_mended(simulator: Simulator, rig: StartRig) -> None:
    denied = simulator.faults.add(Fault(Error(400, "AccessDeniedException", "not authorized"), operation="DescribeCases"))
    running = rig(A)
    assert running.round().reasons(A) == {"access_denied": 1}
    denied.remove()
    assert running.after(17 * MINUTE).up() == {A: 1}
