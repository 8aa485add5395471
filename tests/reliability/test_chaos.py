"""Simulated hours in which everything goes wrong at random: no page ever says what is not so, and in the end all is right."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.metrics.exposition import TextFormat
from exporter.simulator.server import Simulator
from tests.reliability.chaos import HANGS, KINDS, MINUTE, Chaos
from tests.reliability.faults import NEEDS_A_PERSON
from tests.reliability.watch import Truth, Values, Watch, listed, up
from tests.resilience.conftest import MANAGEMENT
from tests.support.clock import FakeClock
from tests.support.rig import FakeRig
from tests.support.served import Served

MINUTES = 90
ACCOUNTS = 150
LOOSE = 30
WHOLLY_EVERY = 5
"""Every fifth page is read by the reference parser, too, and the other pages of the site are asked for."""
SEED = 8


@dataclass(slots=True)
class Run:
    """An exporter in chaos, and who watches its pages as scrapers get them."""

    rig: FakeRig
    served: Served
    chaos: Chaos
    watch: Watch
    rng: random.Random
    accounts: set[str] = field(default_factory=set)
    reloads: int = 0

    def read(self, *, wholly: bool = False) -> Values:
        """Scrape the page that was published last, and check it; no scrape may fail."""
        text = self.served.get("/metrics", TextFormat.OPENMETRICS.value)
        if wholly:
            assert list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]  # it has no types
            assert self.served.get("/")
            assert self.served.get("/api/v1/status")
        values = self.watch.read(text, self.rig.clock.time() - self.chaos.max_staleness * MINUTE)
        accounts = {entry.target.account.account_id for entry in self.rig.accounts.entries()}
        self.watch.forget(self.accounts - accounts)
        self.accounts = accounts
        return values

    def reload(self, *, last: bool = False) -> None:
        """Put another configuration in force."""
        assert self.served.reload(self.chaos.replan(last=last)) == 200
        self.reloads += 1
        self.read()

    def minute(self, *, wholly: bool = False) -> None:
        """Let one minute pass, in which anything may happen, and read what falls due."""
        self.chaos.break_something()
        self.rig.after(MINUTE)
        self.read(wholly=wholly)

    def wrong(self) -> dict[str, str]:
        """Return what is not right about each account that is to be read."""
        values = self.read(wholly=True)
        cases, read, expected = listed(values), up(values), self.chaos.expected()
        problems = dict.fromkeys(read.keys() - expected, "is read no more")
        for account_id in expected:
            if read.get(account_id) != 1:
                status = self.rig.status(account_id)
                problems[account_id] = str(status and status.last_poll)
            elif cases[account_id] != self.watch.truth.now(account_id):
                problems[account_id] = f"{cases[account_id]} are shown"
        return problems


@pytest.fixture
def run(simulator: Simulator, clock: FakeClock, tmp_path: Path) -> Iterator[Run]:
    rng = random.Random(SEED)  # noqa: S311 - a chaos that can be had again
    truth = Truth(simulator.fleet)
    truth.note(MANAGEMENT)
    chaos = Chaos(simulator, truth, ACCOUNTS, LOOSE, rng)
    # Pauses are short here: they follow each other, on everybody's clock. How many there are depends on the machine, and what
    # happens must not.
    pauses = random.Random(SEED)  # noqa: S311 - as above
    with (
        FakeRig(chaos.config, clock, random=lambda: pauses.random() / 16) as rig,
        Served(rig, tmp_path / "config.yaml") as served,
    ):
        yield Run(rig, served, chaos, Watch(truth), rng)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_page_in_hours_of_chaos_is_wrong_and_all_is_right_within_one_interval_of_its_end(run: Run) -> None:
    chaos, rng = run.chaos, run.rng
    run.rig.round()
    run.read(wholly=True)
    for number in range(MINUTES):
        chaos.live()
        if rng.random() < 0.08:
            run.reload()
        elif rng.random() < 0.06:
            config, status = rng.choice((("poll: {interval: soon}", 500), (chaos.config, 200)))
            assert run.served.reload(config) == status
        run.minute(wholly=number % WHOLLY_EVERY == 0)

    # What is old at the end is so because of faults alone: no account is read less often than every one and a half intervals.
    run.reload(last=True)
    assert run.reloads > 4
    assert run.watch.hidden
    assert chaos.struck >= {*KINDS, *HANGS}, "every kind of fault has struck"
    for _ in range(chaos.interval // 2):
        run.minute()
    chaos.mend_everything()
    polls = {entry.target.account.account_id: entry.status.last_poll for entry in run.rig.accounts.entries()}
    waiting = {account_id for account_id, poll in polls.items() if poll and poll.reason in NEEDS_A_PERSON}
    assert len(waiting) < ACCOUNTS / 5, "most have to recover by themselves"
    for _ in range(4 * chaos.interval):
        run.rig.after(MINUTE / 4)
    assert {account_id: what for account_id, what in run.wrong().items() if account_id not in waiting} == {}
    assert run.served.reload(chaos.config) == 200
    run.rig.round()
    assert run.wrong() == {}
