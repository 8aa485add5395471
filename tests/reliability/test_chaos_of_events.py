"""Events are lost, doubled, late, in disorder, their queue is dead at times: each change counts once, and no scrape fails."""

import random
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from exporter.collector import events as consuming
from exporter.errors import ReadFailure
from exporter.simulator.account import Account
from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import ConnectionReset
from exporter.simulator.server import Simulator
from tests.resilience.conftest import configuration
from tests.support.clock import FakeClock
from tests.support.page import Page
from tests.support.rig import FakeRig
from tests.support.served import Served

ACCOUNTS = 20
HOURS = 24
DEAD_EVERY = 6
COUNTERS = ("cases_opened", "cases_resolved", "cases_reopened", "communications")


def change(account: Account, rng: random.Random, happened: Counter[str]) -> None:
    """Let one thing happen that AWS sends one event for."""
    case = rng.choice(account.cases)
    if not case.is_open:
        case.reopen()
        happened["cases_reopened"] += 1
    elif rng.random() < 0.4:
        case.resolve()
        happened["cases_resolved"] += 1
    elif rng.random() < 0.5:
        case.add_communication()
        happened["communications"] += 1
    else:
        account.add_case(body="Help.")
        happened.update(("cases_opened", "communications"))


async def receive(rig: FakeRig) -> None:
    """Receive all events that come."""
    assert rig.readers.queue is not None
    with suppress(ReadFailure):
        while await rig.collector.events.receive(rig.readers.queue):
            pass


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_change_is_counted_once_and_polls_find_exactly_what_no_event_told(
    simulator: Simulator, fleet: Fleet, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(consuming, "_LONG_POLL", 0)
    monkeypatch.setattr(consuming, "_SHORT_POLL", 0)
    accounts = [fleet.add_account() for _ in range(ACCOUNTS)]
    for account in accounts:
        for _ in range(3):
            account.add_case(body="Help.")
    queue = fleet.send_events(lost=0.2, doubled=0.3, late=0.4)
    ids = (account.account_id for account in accounts)
    text = configuration(*ids, poll="interval: 1h, max_staleness: 24h", rest=f"events: {{queue_url: '{queue.url}'}}\n")
    rng, happened, untold, changed = random.Random(16), Counter[str](), 0, 0  # noqa: S311 - a chaos that can be had again
    with FakeRig(text, clock) as rig, Served(rig, tmp_path / "config.yaml") as served:
        rig.round()
        for hour in range(HOURS):
            lost = len(queue.lost)
            clock.advance(10)
            is_dead = hour % DEAD_EVERY == DEAD_EVERY - 1
            if is_dead:
                simulator.faults.add(Fault(ConnectionReset(), "ReceiveMessage"))
            for account in rng.sample(accounts, ACCOUNTS // 2):
                change(account, rng, happened)
            # In an hour and a half each account's own poll falls due; what waits in a dead queue until then tells nothing new.
            for seconds in (0, 1, 2, 61, 5400, 60, 61):
                if seconds == 60:
                    simulator.faults.clear()
                clock.advance(seconds)
                rig.run(receive(rig))
                rig.round()
                page = Page(served.get("/metrics"))
            changed += ACCOUNTS // 2
            untold += ACCOUNTS // 2 if is_dead else len(queue.lost) - lost
            assert page.open_cases() == {each.account_id: len(each.open_cases()) for each in accounts}
            assert {name: page.total(f"aws_support_{name}_total") for name in COUNTERS} == {
                name: happened[name] for name in COUNTERS
            }
            assert page.total("aws_support_changes_seen_total", by="poll") == untold
            assert page.total("aws_support_changes_seen_total", by="event") == changed - untold
            assert page.total("aws_support_account_poll_errors_total") == 0
    assert 0 < len(queue.lost) < untold < changed
    assert not queue.bodies, "all that came is deleted"
