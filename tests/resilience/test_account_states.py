"""Trust, credentials and plans that are lost and come back."""

import pytest

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.resilience.conftest import StartRig

A, B = "111111111111", "222222222222"
MINUTE, HOUR = 60.0, 3600.0


@pytest.fixture(autouse=True)
def _accounts(fleet: Fleet) -> None:
    for account_id in (A, B):
        fleet.add_account(account_id=account_id).add_case()


def test_a_role_that_loses_its_trust_is_told_once_its_credentials_expire_and_read_when_it_is_back(
    fleet: Fleet, rig: StartRig
) -> None:
    running = rig(A, B)
    running.round()
    fleet.account(A).trusts = False
    assert running.after(10 * MINUTE).up() == {A: 1, B: 1}
    page = running.after(1 * HOUR)
    assert page.up() == {A: 0, B: 1}
    assert page.reasons(A) == {"assume_role_denied": 1}
    assert page.open_cases() == {B: 1}, "cases of an hour ago are too old to be shown"
    fleet.account(A).trusts = True
    page = running.after(17 * MINUTE)
    assert (page.up(), page.open_cases()) == ({A: 1, B: 1}, {A: 1, B: 1})


def test_credentials_are_renewed_before_they_expire(simulator: Simulator, rig: StartRig) -> None:
    running = rig(A, poll="interval: 4m", aws="session_duration: 15m")
    for _ in range(15):
        page = running.after(4 * MINUTE)
    assert simulator.log.counts()["AssumeRole"] == 5
    assert page.reasons(A) == {}
    assert {record.status for record in simulator.log.records("DescribeCases")} == {200}


def test_an_account_that_loses_its_plan_shows_that_and_no_counts_until_it_has_one_again(fleet: Fleet, rig: StartRig) -> None:
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
    fleet.account(A).supported = True
    page = running.after(17 * MINUTE)
    assert page.values("aws_support_account_supported", account_id=A) == [1]
    assert (page.up(), page.open_cases()) == ({A: 1, B: 1}, {A: 1, B: 1})
