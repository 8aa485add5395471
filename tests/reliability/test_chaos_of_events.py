"""Events are lost, doubled, late, in disorder, their queue is dead at times: each change counts once, and no scrape fails."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from exporter.collector import events as consuming
from exporter.errors import ReadFailure
from exporter.metrics.exposition import TextFormat
from exporter.simulator.account import Account
from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import ConnectionReset
from exporter.simulator.server import Simulator
from exporter.simulator.sqs import EventQueue
from tests.resilience.conftest import configuration
from tests.support.clock import FakeClock
from tests.support.page import Page
from tests.support.rig import FakeRig
from tests.support.served import Served

ACCOUNTS = 40
HOURS = 24
DEAD_EVERY = 6
COUNTERS = ("cases_opened", "cases_resolved", "cases_reopened", "communications")


@dataclass(slots=True)
class Day:
    """An exporter whose accounts are polled hourly, and what has happened in them."""

    rig: FakeRig
    served: Served
    simulator: Simulator
    accounts: list[Account]
    events: EventQueue
    rng: random.Random
    happened: Counter[str] = field(default_factory=Counter)

    def page(self) -> Page:
        """Scrape; no scrape may fail."""
        return Page(self.served.get("/metrics", TextFormat.PROMETHEUS.value))

    def change(self, account: Account) -> None:
        """Let one thing happen that AWS sends one event for."""
        case = self.rng.choice(account.cases)
        if not case.is_open:
            case.reopen()
            self.happened["cases_reopened"] += 1
        elif self.rng.random() < 0.4:
            case.resolve()
            self.happened["cases_resolved"] += 1
        elif self.rng.random() < 0.5:
            case.add_communication()
            self.happened["communications"] += 1
        else:
            account.add_case(body="Help.")
            self.happened["cases_opened"] += 1
            self.happened["communications"] += 1

    def after(self, seconds: float) -> None:
        """Let time pass, receive all events that come, and poll what is due."""
        self.rig.clock.advance(seconds)
        self.rig.run(self._receive())
        self.rig.round()
        self.page()

    async def _receive(self) -> None:
        events = self.rig.collector.events
        queue = self.rig.readers.queue
        assert queue is not None
        with suppress(ReadFailure):
            while await events.receive(queue):
                pass

    def hour(self, *, dead: bool) -> int:
        """Let something happen in half of the accounts, and return how much of it no event could tell before the polls."""
        lost = len(self.events.lost)
        self.rig.clock.advance(10)
        if dead:
            self.simulator.faults.add(Fault(ConnectionReset(), "ReceiveMessage"))
        changed = self.rng.sample(self.accounts, ACCOUNTS // 2)
        for account in changed:
            self.change(account)
        for seconds in (0, 1, 2, 61):
            self.after(seconds)
        self.after(5400)  # in which each account's own poll falls due
        self.simulator.faults.clear()
        for seconds in (60, 61):  # what waited in the queue tells nothing new
            self.after(seconds)
        return len(changed) if dead else len(self.events.lost) - lost


@pytest.fixture
def day(simulator: Simulator, fleet: Fleet, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Day]:
    for name in ("_LONG_POLL", "_SHORT_POLL"):
        monkeypatch.setattr(consuming, name, 0)
    accounts = [fleet.add_account() for _ in range(ACCOUNTS)]
    for account in accounts:
        for _ in range(3):
            account.add_case(body="Help.")
    events = fleet.send_events(lost=0.2, doubled=0.3, late=0.4)
    ids = (account.account_id for account in accounts)
    text = configuration(*ids, poll="interval: 1h, max_staleness: 24h", rest=f"events: {{queue_url: '{events.url}'}}\n")
    with FakeRig(text, clock) as rig, Served(rig, tmp_path / "config.yaml") as served:
        rig.round()
        yield Day(rig, served, simulator, accounts, events, random.Random(16))  # noqa: S311 - a chaos that can be had again


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_change_is_counted_once_and_polls_find_exactly_what_no_event_told(day: Day) -> None:
    untold = changed = 0
    for number in range(HOURS):
        untold += day.hour(dead=number % DEAD_EVERY == DEAD_EVERY - 1)
        changed += ACCOUNTS // 2
        page = day.page()
        assert page.open_cases() == {each.account_id: len(each.open_cases()) for each in day.accounts}
        assert {name: page.total(f"aws_support_{name}_total") for name in COUNTERS} == {
            name: day.happened[name] for name in COUNTERS
        }
        assert page.total("aws_support_changes_seen_total", by="poll") == untold
        assert page.total("aws_support_changes_seen_total", by="event") == changed - untold
        assert page.total("aws_support_account_poll_errors_total") == 0
    assert 0 < len(day.events.lost) < untold < changed
    assert not day.events.bodies, "all that came is deleted"
