"""Events have accounts polled at once; on a real clock, as the queue waits by it."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from exporter.cases.model import Reason
from exporter.clock import SystemClock
from exporter.simulator.account import Account
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import ConnectionReset, Error, Latency
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

    def __init__(self, simulator: Simulator, accounts: list[Account], events: EventQueue, log: Log) -> None:
        self.simulator, self.accounts, self.events, self.log = simulator, accounts, events, log

    def config(self, rest: str | None = None) -> str:
        queue = f"events: {{queue_url: '{self.events.url}'}}\n"
        ids = (account.account_id for account in self.accounts)
        return configuration(*ids, poll="interval: 1h, max_staleness: 2h", rest=queue if rest is None else rest)

    @contextmanager
    def running(self, rest: str | None = None) -> Iterator[Rig]:
        with Rig(self.config(rest), SystemClock(), log=self.log.logger) as rig, rig.running():
            wait_until(lambda: rig.publisher.ready or None, 20, lambda: "not all were polled")
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
        yield World(simulator, accounts, fleet.send_events(), Log())


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
        until(rig, "up", UP, 1)
        first, second, third, *_ = world.accounts
        first.add_case(body="More.")
        second.cases[0].resolve()
        third.cases[0].add_communication()
        began = time.monotonic()
        page = until(rig, "seen", SEEN, 3, by="event")
        assert time.monotonic() - began < 4
        assert page.open_cases()[first.account_id] == 2
        assert page.open_cases()[second.account_id] == 0
        assert page.total(RECEIVED) == 3
        assert page.total(RECEIVED, event_name="AddCommunicationToCase", origin="aws") == 1
        assert page.total(SEEN, by="poll") == 0
        assert world.waiting() == 0
        status = rig.report().events
        assert (status.up, status.count) == (True, 3)
        until(rig, "delays", "aws_support_event_delay_seconds_count", 3, publish=True)
        assert rig.published().total("aws_support_event_delay_seconds_bucket", le="5.0") == 3


def test_a_case_was_open_until_the_moment_that_its_event_tells(world: World) -> None:
    with world.running() as rig:
        until(rig, "up", UP, 1)
        world.accounts[0].cases[0].resolve()
        until(rig, "seen", SEEN, 1, by="event")
        (seconds,) = rig.published().values("aws_support_case_open_duration_seconds_sum", severity_code="normal")
        assert seconds == pytest.approx(3600, abs=20), "not 0, as by its last communication"


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
        time.sleep(3)
        assert rig.published().total(RECEIVED) == 50, "none comes again"
        asked = [record.account_id for record in world.simulator.log.records("DescribeCases")]
        assert max(map(asked.count, asked)) <= 3, "five events of an account share a poll or two"


@pytest.mark.parametrize("count", [300, pytest.param(9_000, marks=pytest.mark.slow)])
def test_foreign_messages_are_drained_and_starve_nobody(count: int, world: World) -> None:
    with world.running() as rig:
        until(rig, "up", UP, 1)
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


@pytest.mark.parametrize(
    ("operation", "kind", "reason"),
    [
        pytest.param(
            "ReceiveMessage",
            Error(400, "com.amazonaws.sqs#QueueDoesNotExist"),
            Reason.ACCESS_DENIED,
            id="missing",
            marks=pytest.mark.slow,
        ),
        pytest.param("DeleteMessageBatch", ConnectionReset(), Reason.UNREACHABLE, id="reset"),
    ],
)
def test_a_queue_that_fails_is_told_once_and_is_back_within_seconds(
    operation: str, kind: Kind, reason: Reason, world: World
) -> None:
    with world.running() as rig:
        until(rig, "up", UP, 1)
        world.simulator.faults.add(Fault(kind, operation))
        world.accounts[0].add_case(body="More.")
        until(rig, "down", UP, 0, 25)
        status = rig.report().events
        assert (status.reason, bool(status.advice)) == (reason, True)
        time.sleep(4)
        assert rig.published().total(UP) == 0, "it is not up and down in turns"
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
        rig.apply(world.config())
        until(rig, "up", UP, 1)
        until(rig, "seen", SEEN, 1, by="event")
        rig.apply(world.config(f"events: {{queue_url: '{world.events.url}-2'}}\n"))
        until(rig, "down", UP, 0)
        rig.apply(world.config())
        until(rig, "up", UP, 1)
        rig.apply(world.config(""))
        assert not rig.published().values(UP)
        world.accounts[1].add_case(body="No event is sent.")
        time.sleep(2)
        assert world.waiting() == 1


def test_an_account_that_fails_keeps_to_its_pauses(world: World) -> None:
    denied = world.accounts[0]
    world.simulator.faults.add(Fault(Error(400, "AccessDeniedException"), "DescribeCases", denied.account_id))
    with world.running() as rig:
        until(rig, "up", UP, 1)
        asked = len([1 for each in world.simulator.log.records("DescribeCases") if each.account_id == denied.account_id])
        for _ in range(5):
            denied.add_case(body="More.")
        until(rig, "received", RECEIVED, 5, publish=True)
        time.sleep(3)
        asked_now = [1 for each in world.simulator.log.records("DescribeCases") if each.account_id == denied.account_id]
        assert len(asked_now) == asked


@pytest.mark.slow
def test_what_aws_loses_a_poll_finds_and_nothing_is_counted_wrong(world: World) -> None:
    events = world.events
    with world.running() as rig:
        until(rig, "up", UP, 1)
        events.lost_share, events.doubled_share, events.late_share = 0.3, 0.3, 0.5
        for account in world.accounts:
            account.add_case(body="More.")
        told = len(world.accounts) - len(events.lost)
        assert 0 < told < len(world.accounts)
        until(rig, "told", SEEN, told, 15, by="event")
        rig.apply(world.config().replace("interval: 1h", "interval: 10s"))  # polls find the rest
        page = until(rig, "lost", SEEN, len(events.lost), 25, by="poll")
        assert page.total(SEEN, by="event") == told
        assert page.total("aws_support_cases_opened_total") == len(world.accounts)
