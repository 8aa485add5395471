"""The queue of events goes wrong in every way: the reason is shown, polls go on, and events come again soon after."""

from collections.abc import Callable

import pytest

from exporter.aws import events as receiving
from exporter.cases.model import Reason
from exporter.collector import events as consuming
from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.reliability.faults import OF_A_QUEUE, combinations, is_told, row
from tests.resilience.conftest import configuration
from tests.support.clock import FakeClock, RunningClock
from tests.support.log import Log
from tests.support.rig import FakeRig
from tests.support.waiting import wait_until

PATIENCE = 0.5
"""Seconds for which an answer is waited for here, besides the one for a message."""
LONGEST = 10.0
"""Seconds until events come again: the longest pause, and the wait for a message."""


@pytest.fixture
def clock() -> FakeClock:
    return RunningClock()


def check_polls_go_on(rig: FakeRig, log: Log, what: str, reason: Reason | None, open_cases: int) -> None:
    """Check that the account is polled while its events fail, and that their reason is told."""
    rig.clock.advance(3600)
    page = rig.round()
    assert (set(page.up().values()), set(page.open_cases().values())) == ({1}, {open_cases}), f"{what}: polls go on"
    if reason:
        assert page.values("aws_support_event_queue_up") == [0], what
        assert rig.report().events.advice
        assert reason.value in {line["reason"] for line in log.lines if line["event"] == "receiving events failed"}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_fault_of_the_queue_has_its_reason_and_its_end_and_stops_no_poll(
    simulator: Simulator, fleet: Fleet, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(receiving, "_MARGIN", PATIENCE)
    monkeypatch.setattr(consuming, "_LONG_POLL", 1)
    account, log, rows = fleet.add_account(), Log(), {}
    queue = f"events: {{queue_url: '{fleet.send_events().url}'}}\n"
    config = configuration(account.account_id, poll="interval: 60m, max_staleness: 24h", rest=queue)
    with FakeRig(config, clock, log=log.logger) as rig:
        rig.round()
        assert rig.readers.queue is not None
        task, events = rig.submit(rig.collector.events.run(rig.readers.queue)), rig.collector.events

        def until(holds: Callable[[], bool], what: str) -> None:
            wait_until(lambda: holds() or None, 15, lambda: f"{what}: {events.status}")

        until(lambda: events.status.up is True, "start")
        for operation, fault, reason in combinations(*OF_A_QUEUE):
            what = f"{operation.title}, {fault.title}"
            log.clear()
            handle = simulator.faults.add(Fault(fault.kind(), operation.name, times=fault.times))
            account.add_case(body="An event is sent.")
            until(lambda: handle.hits > 0 and events.status.reason == reason, what)  # noqa: B023 - now
            check_polls_go_on(rig, log, what, reason, len(account.cases))
            simulator.faults.clear()
            began = clock.monotonic()
            until(lambda: events.status.up is True, what)
            took, count = clock.monotonic() - began, events.status.count
            assert took < LONGEST, what
            account.add_case(body="An event is sent.")
            until(lambda: events.status.count > count, what)  # noqa: B023 - now
            told = row(operation.title, fault.title, reason, "events are received", "polls find what changes" if reason else "")
            rows[told] = f"{took:.0f} s" if reason else ""
        task.cancel()
    is_told("queue", rows, "received again", request)
