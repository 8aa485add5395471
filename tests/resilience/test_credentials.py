"""Credentials are asked for once in their lifetime, and anew when AWS no longer takes them."""

import asyncio
import time

import pytest

from exporter.clock import SystemClock
from exporter.errors import ReadFailure
from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import Error, Silence
from exporter.simulator.server import Simulator
from tests.resilience.conftest import MANAGEMENT, StartRig
from tests.support.rig import Rig

A, B = "111111111111", "222222222222"
MINUTE = 60.0
EVERY_POLL = 8 * MINUTE
"""More than the longest time between two polls at the default interval."""


@pytest.fixture(autouse=True)
def _accounts(fleet: Fleet) -> None:
    for account_id in (A, B):
        fleet.add_account(account_id=account_id).add_case()


def assumed(simulator: Simulator) -> int:
    return simulator.log.counts().get("AssumeRole", 0)


def test_a_role_is_assumed_once_in_the_lifetime_of_its_credentials(simulator: Simulator, rig: StartRig) -> None:
    running = rig(A, B)
    running.round()
    for _ in range(6):
        running.after(EVERY_POLL)
    assert simulator.log.counts() == {"AssumeRole": 2, "DescribeCases": 14}


@pytest.mark.parametrize(("duration", "hours", "most"), [("15m", 2, 13), ("1h", 3, 4)])
def test_credentials_are_renewed_before_they_expire(
    duration: str, hours: int, most: int, simulator: Simulator, rig: StartRig
) -> None:
    running = rig(A, poll="interval: 4m", aws=f"session_duration: {duration}")
    for _ in range(hours * 15):
        page = running.after(4 * MINUTE)
    assert hours < assumed(simulator) <= most
    assert page.reasons(A) == {}
    assert {record.status for record in simulator.log.records("DescribeCases")} == {200}


def test_credentials_that_expire_before_their_time_are_replaced_within_the_poll(simulator: Simulator, rig: StartRig) -> None:
    running = rig(A, B)
    running.round()
    simulator.expire_sessions()
    page = running.after(EVERY_POLL)
    assert page.up() == {A: 1, B: 1}
    assert (page.reasons(A), page.reasons(B)) == ({}, {})
    assert assumed(simulator) == 4


def test_new_credentials_that_are_not_had_in_time_are_a_timeout_and_tried_again_soon(
    simulator: Simulator, rig: StartRig
) -> None:
    running = rig(A, poll="interval: 5m, timeout: 500ms")
    running.round()
    simulator.expire_sessions()
    silent = simulator.faults.add(Fault(Silence(), operation="AssumeRole"))
    assert running.after(EVERY_POLL).reasons(A) == {"timeout": 1}
    silent.remove()
    assert running.after(6).up() == {A: 1}


def test_credentials_that_are_always_refused_are_not_asked_for_without_end(simulator: Simulator, rig: StartRig) -> None:
    simulator.faults.add(Fault(Error(400, "ExpiredTokenException", "expired"), operation="DescribeCases"))
    page = rig(A).round()
    assert page.reasons(A) == {"credentials": 1}
    assert assumed(simulator) == 2


def test_a_role_that_a_chain_passes_through_is_assumed_once_for_all(simulator: Simulator, fleet: Fleet, rig: StartRig) -> None:
    page = rig(rest=chained(fleet)).round()
    assert page.up() == {A: 1, B: 1}
    assert assumed(simulator) == 3


def test_a_chain_recovers_when_all_its_sessions_expire_before_their_time(
    simulator: Simulator, fleet: Fleet, rig: StartRig
) -> None:
    running = rig(rest=chained(fleet))
    running.round()
    simulator.expire_sessions()
    page = running.after(EVERY_POLL)
    assert page.up() == {A: 1, B: 1}
    assert (page.reasons(A), page.reasons(B)) == ({}, {})


def test_who_waits_for_a_role_that_another_account_asks_for_gives_up_in_time(simulator: Simulator, fleet: Fleet) -> None:
    silent = simulator.faults.add(Fault(Silence(), operation="AssumeRole"))

    async def story(rig: Rig) -> None:
        first, second = (entry.target.source for entry in rig.accounts.entries())
        asked = asyncio.create_task(first.read(3))
        while not silent.hits:  # noqa: ASYNC110 - it is another thread that answers
            await asyncio.sleep(0.01)
        began = time.monotonic()
        with pytest.raises(ReadFailure, match=r"AssumeRole: .*: no answer in time") as told:
            await second.read(0.2)
        assert time.monotonic() - began < 1.5
        assert told.value.reason == "timeout"
        assert not asked.done()
        with pytest.raises(ReadFailure, match=r"AssumeRole: .*: no answer in time"):
            await asked

    with Rig(chained(fleet), SystemClock()) as rig:
        rig.run(story(rig))
    assert silent.hits == 1


@pytest.mark.parametrize(("account_id", "up", "calls"), [(MANAGEMENT, 1, 1), (A, 0, 0)])
def test_own_credentials_are_used_for_their_account_only(
    account_id: str, up: int, calls: int, simulator: Simulator, rig: StartRig
) -> None:
    page = rig(rest=f"accounts: [{{id: '{account_id}', use_own_credentials: true}}]").round()
    assert page.up() == {account_id: up}
    assert simulator.log.counts().get("DescribeCases", 0) == calls


def test_a_missing_external_id_is_told(fleet: Fleet, rig: StartRig) -> None:
    fleet.account(A).roles["AwsSupportExporter"].external_id = "secret"
    fleet.account(B).roles["AwsSupportExporter"].external_id = "known"
    page = rig(A, B, aws="external_id: known").round()
    assert (page.up(), page.reasons(A)) == ({A: 0, B: 1}, {"assume_role_denied": 1})


def chained(fleet: Fleet) -> str:
    """Return accounts that are reached through one role of the management account."""
    fleet.management_account.add_role("Hub")
    hub = fleet.management_account.role_arn("Hub")
    accounts = [f"{{id: '{i}', role_chain: ['{hub}', '{fleet.account(i).role_arn()}']}}" for i in (A, B)]
    return f"accounts: [{', '.join(accounts)}]"
