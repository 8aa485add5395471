"""A wall clock that is set, by NTP or by hand, stops no polling and takes nothing back."""

import pytest

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.resilience.conftest import StartRig
from tests.support.page import Page

A = "111111111111"
HOUR = 3600.0
EVERY_POLL = 480.0


@pytest.fixture(autouse=True)
def _account(fleet: Fleet) -> None:
    fleet.add_account(account_id=A).add_case(body="help", severity_code="high")


def counters(page: Page) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (name, frozenset(labels.items())): value
        for name, labels, value in page.samples
        if name.endswith(("_total", "_count", "_bucket", "_sum"))
    }


@pytest.mark.parametrize("jump", [30 * 24 * HOUR, -5 * HOUR])
def test_polls_go_on_at_their_pace_nothing_is_negative_and_no_counter_goes_down(
    jump: float, fleet: Fleet, rig: StartRig
) -> None:
    running, account = rig(A), fleet.account(A)
    before = counters(running.round())
    for step in range(6):
        if step == 2:
            running.clock.set_wall_clock(jump)
            page = running.page()
            assert min(value for _, _, value in page.samples) >= 0
            if jump < 0:
                assert page.open_cases() == {A: 1}, "fresh cases are not hidden"
        account.add_case().add_communication(body="answer")
        account.open_cases()[0].resolve()
        page = running.after(EVERY_POLL)
        assert page.values("aws_support_account_last_success_timestamp_seconds") == [running.clock.time()]
        assert (page.up(), page.open_cases(), page.reasons(A)) == ({A: 1}, {A: 1}, {})
        assert min(value for _, _, value in page.samples) >= 0
        after = counters(page)
        assert {name: (value, after.get(name)) for name, value in before.items() if after.get(name, -1) < value} == {}
        before = after
    assert page.total("aws_support_cases_resolved_total") == 6


def test_a_clock_that_was_wrong_does_not_keep_expired_credentials_in_use(simulator: Simulator, rig: StartRig) -> None:
    running = rig(A)
    running.round()
    running.clock.set_wall_clock(-12 * HOUR)
    for _ in range(20):
        page = running.after(EVERY_POLL)
    assert (page.up(), page.reasons(A)) == ({A: 1}, {})
    assert simulator.log.counts()["AssumeRole"] <= 4
