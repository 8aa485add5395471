"""The queue of events goes wrong in every way: the reason is shown, polls go on, and events come again soon after."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from exporter.aws import events as receiving
from exporter.cases.report import EventQueueStatus
from exporter.collector import events as consuming
from exporter.simulator.account import Account
from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.reliability.faults import FAULTS, OF_A_QUEUE, FaultCase, Operation, expected, is_told, row
from tests.support.clock import FakeClock, RunningClock
from tests.support.log import Log
from tests.support.rig import FakeRig
from tests.support.waiting import wait_until

ACCOUNT = "111122223333"
CONFIG = """
poll: {{interval: 60m, max_staleness: 24h}}
accounts: [{{id: "111122223333", role_arn: "arn:aws:iam::111122223333:role/AwsSupportExporter"}}]
events: {{queue_url: "{url}"}}
"""
PATIENCE = 0.5
"""Seconds for which an answer is waited for here, besides the one for a message."""
LONGEST = 10.0
"""Seconds until events come again: the longest pause, and the wait for a message."""


@pytest.fixture
def clock() -> FakeClock:
    return RunningClock()


@dataclass(frozen=True, slots=True)
class World:
    """An exporter that receives events of one account."""

    rig: FakeRig
    log: Log
    simulator: Simulator
    account: Account

    @property
    def status(self) -> EventQueueStatus:
        return self.rig.collector.events.status

    def until(self, holds: Callable[[], bool], what: str) -> None:
        wait_until(lambda: holds() or None, 15, lambda: f"{what}: {self.status}")

    def suffer(self, operation: Operation, fault: FaultCase) -> tuple[str, str]:
        """Let an operation fail until its reason shows, and return its row of the document, and how long it took to end."""
        reason, what, logged = expected(operation, fault), f"{operation.title}, {fault.title}", len(self.log.lines)
        handle = self.simulator.faults.add(Fault(fault.kind(), operation.name, times=fault.times))
        self.account.add_case(body="An event is sent.")
        self.until(lambda: handle.hits > 0 and self.status.reason == reason, what)
        self.rig.clock.advance(3600)
        page = self.rig.round()
        assert page.up() == {ACCOUNT: 1}, f"{what}: polls go on"
        assert page.open_cases()[ACCOUNT] == len(self.account.open_cases())
        if reason is not None:
            assert page.values("aws_support_event_queue_up") == [0], what
            assert self.rig.report().events.advice
            lines = self.log.lines[logged:]
            assert reason.value in {line["reason"] for line in lines if line["event"] == "receiving events failed"}
        self.simulator.faults.clear()
        began = self.rig.clock.monotonic()
        self.until(lambda: self.status.up is True, what)
        took = self.rig.clock.monotonic() - began
        assert took < LONGEST, what
        count = self.status.count
        self.account.add_case(body="An event is sent.")
        self.until(lambda: self.status.count > count, what)
        told = row(operation.title, fault.title, reason, "events are received", "polls find what changes" if reason else "")
        return told, f"{took:.0f} s" if reason else ""


@pytest.fixture
def world(simulator: Simulator, fleet: Fleet, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(receiving, "_MARGIN", PATIENCE)
    monkeypatch.setattr(consuming, "_LONG_POLL", 1)
    account, log = fleet.add_account(account_id=ACCOUNT), Log()
    with FakeRig(CONFIG.format(url=fleet.send_events().url), clock, log=log.logger) as rig:
        rig.round()
        assert rig.readers.queue is not None
        task = rig.submit(rig.collector.events.run(rig.readers.queue))
        yield World(rig, log, simulator, account)
        task.cancel()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_fault_of_the_queue_has_its_reason_and_its_end_and_stops_no_poll(
    world: World, request: pytest.FixtureRequest
) -> None:
    world.until(lambda: world.status.up is True, "start")
    each = [(operation, fault) for operation in OF_A_QUEUE for fault in FAULTS if operation in fault.only]
    rows = dict(world.suffer(*one) for one in each)
    assert len(rows) == len(each)
    is_told("queue", rows, "received again", rewrite=request.config.getoption("--rewrite-golden"))
