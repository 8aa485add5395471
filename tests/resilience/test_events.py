"""Events have accounts polled at once; on a real clock, as the queue waits by it."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from exporter.cases.model import Reason
from exporter.clock import SystemClock
from exporter.simulator.account import Account
from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import ConnectionReset, Latency
from exporter.simulator.server import Simulator
from exporter.simulator.sqs import EventQueue
from tests.resilience.conftest import configuration
from tests.support.log import Log
from tests.support.page import Page
from tests.support.rig import Rig
from tests.support.waiting import wait_until

SEEN, RECEIVED, IGNORED = (f"aws_support_{name}_total" for name in ("changes_seen", "events_received", "events_ignored"))
UP = "aws_support_event_queue_up"
SOON = 8.0


class World:
    """An exporter that polls hourly, over accounts of which events come."""

    def __init__(self, simulator: Simulator, accounts: list[Account], events: EventQueue) -> None:
        self.simulator, self.accounts, self.events, self.log = simulator, accounts, events, Log()
        self.queue = f"events: {{queue_url: '{events.url}'}}\n"

    def config(self, rest: str) -> str:
        ids = (account.account_id for account in self.accounts)
        return configuration(*ids, poll="interval: 1h, max_staleness: 2h", rest=rest)

    @contextmanager
    def running(self, rest: str | None = None) -> Iterator[Rig]:
        config = self.config(self.queue if rest is None else rest)
        with Rig(config, SystemClock(), log=self.log.logger) as rig, rig.running():
            wait_until(lambda: rig.publisher.ready or None, 20, lambda: "not all were polled")
            if rest is None:
                until(rig, "up", UP, 1)
            yield rig

    def waiting(self) -> int:
        with self.simulator.fleet.lock:
            return len(self.events.bodies)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    fleet = Fleet.empty(time.time)
    fleet.add_account(account_id="999999999999", name="management")
    accounts = [fleet.add_account() for _ in range(12)]
    for account in accounts:
        account.add_case(body="Help.", created_at=time.time() - 3600)
    with Simulator(fleet) as simulator:
        for name, value in simulator.environment().items():
            monkeypatch.setenv(name, value)
        yield World(simulator, accounts, fleet.send_events())


def until(rig: Rig, what: str, name: str, value: float, seconds: float = SOON, *, publish: bool = False, **labels: str) -> Page:
    """Wait for a value on the page; nobody publishes one at once for what changes no account."""

    def probe() -> Page | None:
        if publish:
            rig.run(rig.publisher.publish())
        page = rig.published()
        return page if page.values(name, **labels) and page.total(name, **labels) == value else None

    return wait_until(probe, seconds, lambda: f"{what}: {rig.published().values(name, **labels)}")


def test_what_happens_is_on_the_page_at_once(world: World) -> None:
    with world.running() as rig:
        first, second, third, *_ = world.accounts
        first.add_case(body="More.")
        second.cases[0].resolve()
        third.cases[0].add_communication()
        began = time.monotonic()
        page = until(rig, "seen", SEEN, 3, by="event")
        assert time.monotonic() - began < 4
        assert page.open_cases()[first.account_id] == 2
        assert page.open_cases()[second.account_id] == 0
        (seconds,) = page.values("aws_support_case_open_duration_seconds_sum", severity_code="normal")
        assert seconds == pytest.approx(3600, abs=20), "until its event, not 0, as by its last communication"
        assert page.total(RECEIVED) == 3
        assert page.total(RECEIVED, event_name="AddCommunicationToCase", origin="aws") == 1
        assert page.total(SEEN, by="poll") == 0
        assert world.waiting() == 0
        status = rig.report().events
        assert (status.up, status.count) == (True, 3)
        until(rig, "delays", "aws_support_event_delay_seconds_count", 3, publish=True)
        assert rig.published().total("aws_support_event_delay_seconds_bucket", le="5.0") == 3


def test_events_that_waited_while_the_exporter_was_down_are_handled_once_and_count_nothing(world: World) -> None:
    for account in world.accounts:
        for _ in range(4):
            account.add_case(body="Meanwhile.")
    world.accounts[0].cases[0].resolve()
    world.accounts[1].cases[0].resolve()
    assert world.waiting() == 50
    with world.running() as rig:
        page = until(rig, "received", RECEIVED, 50)
        wait_until(lambda: world.waiting() == 0 or None, SOON, lambda: "not deleted")
        assert sum(page.open_cases().values()) == 12 * 5 - 2
        for name in (SEEN, "aws_support_cases_opened_total", "aws_support_cases_resolved_total"):
            assert rig.published().total(name) == 0
        time.sleep(1)
        assert rig.page().total(RECEIVED) == 50, "none comes again"
        asked = [record.account_id for record in world.simulator.log.records("DescribeCases")]
        assert max(map(asked.count, asked)) <= 3, "five events of an account share a poll or two"


@pytest.mark.parametrize("count", [300, pytest.param(9_000, marks=pytest.mark.slow)])
def test_foreign_messages_are_drained_and_starve_nobody(count: int, world: World) -> None:
    with world.running() as rig:
        world.simulator.faults.add(Fault(Latency(0.1)))
        foreign = json.dumps({"account": "000000000000", "detail-type": "Support Case Update"})
        with world.simulator.fleet.lock:
            for number in range(count):
                world.events.send(("certainly not", foreign, '{"detail-type": "other"}')[number % 3])
        world.accounts[0].add_case(body="Behind them all.")
        began = time.monotonic()
        page = until(rig, "drained", IGNORED, count, 60)
        assert {page.total(IGNORED, reason=each) for each in ("malformed", "unknown_account", "other_event")} == {count / 3}
        until(rig, "seen", SEEN, 1, by="event")
        assert time.monotonic() - began < 60


def test_a_queue_that_fails_is_told_once_and_is_back_within_seconds(world: World) -> None:
    with world.running() as rig:
        world.simulator.faults.add(Fault(ConnectionReset(), "DeleteMessageBatch"))
        world.accounts[0].add_case(body="More.")
        until(rig, "down", UP, 0, 25)
        status = rig.report().events
        assert (status.reason, bool(status.advice)) == (Reason.UNREACHABLE, True)
        time.sleep(2)
        assert rig.page().total(UP) == 0, "it is not up and down in turns"
        assert rig.published().up().keys() == {account.account_id for account in world.accounts}
        world.simulator.faults.clear()
        until(rig, "up again", UP, 1)
        world.accounts[1].add_case(body="More.")
        until(rig, "seen", SEEN, 2, 40)
        assert world.log.events == ["receiving events", "receiving events failed", "receiving events"]


def test_a_reload_adds_changes_and_removes_the_queue(world: World) -> None:
    with world.running("") as rig:
        assert not rig.published().values(UP)
        world.accounts[0].add_case(body="No event is sent.")
        rig.apply(world.config(world.queue))
        until(rig, "up", UP, 1)
        until(rig, "seen", SEEN, 1, by="event")
        rig.apply(world.config(world.queue.replace("-events", "-others")))
        until(rig, "down", UP, 0)
        rig.apply(world.config(world.queue))
        until(rig, "up", UP, 1)
        rig.apply(world.config(""))
        assert not rig.published().values(UP)
        world.accounts[1].add_case(body="No event is sent.")
        time.sleep(1)
        assert world.waiting() == 1
