"""Every operation goes wrong in every way, all at once, in one running exporter: each for one account beside good ones."""

import os
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter.aws.correspondence import LOOKUPS_PER_POLL
from exporter.aws.support import PAGE_SIZE
from exporter.cases.model import Reason
from exporter.simulator.account import Account
from exporter.simulator.faults import Fault, FaultHandle
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import Error
from exporter.simulator.server import Simulator
from tests.reliability.faults import (
    ASSUME_ROLE,
    CLOCK_SKEW,
    COMMUNICATIONS,
    FIRST_PAGE,
    LATER_PAGE,
    NEEDS_A_PERSON,
    OF_AN_ACCOUNT,
    WRONG_TYPES,
    FaultCase,
    Operation,
    combinations,
    is_told,
    row,
)
from tests.resilience.conftest import configuration
from tests.support.page import Page
from tests.support.process import ExporterProcess
from tests.support.waiting import wait_until

GOOD = 20
INTERVAL = 10.0
TIMEOUT = 8.0
"""Long enough for a busy machine: who is late there once would have a reason too many."""
SLOWEST = 2.5 * INTERVAL
"""How old the newest reading of a good account can be: one and a half intervals, and one more that others may cost it."""


class Shown:
    """What a page shows, by account."""

    def __init__(self, text: str) -> None:
        page = Page(text)
        self.up = page.up()
        self.read = page.by_account("aws_support_account_last_success_timestamp_seconds")
        self.open_cases = page.open_cases()
        self.unanswered = page.by_account("aws_support_unanswered_cases")
        self.reasons: dict[str, set[str]] = defaultdict(set)
        for name, labels, _ in page.samples:
            if name == "aws_support_account_poll_errors_total":
                self.reasons[labels["account_id"]].add(labels["reason"])


@dataclass(slots=True)
class Cell:
    """One account with one fault, and what became of it."""

    account: Account
    operation: Operation
    fault: FaultCase
    reason: Reason | None
    handle: FaultHandle | None = None
    recovered_after: float | None = None

    @property
    def needs_a_person(self) -> bool:
        return self.reason in NEEDS_A_PERSON and self.fault.title != CLOCK_SKEW

    @property
    def unknown(self) -> int:
        """Of how many of its cases it is not known meanwhile whether they are answered."""
        if self.operation is FIRST_PAGE and self.fault.title == WRONG_TYPES:
            return PAGE_SIZE - LOOKUPS_PER_POLL
        return int(self.operation is COMMUNICATIONS and self.fault.reason is not None)

    @property
    def meanwhile(self) -> str:
        if self.reason is Reason.SUBSCRIPTION_REQUIRED:
            return "no cases: it has no plan"
        if self.reason:
            return "its cases, as last read"
        return f"its cases; of {self.unknown}, nothing of a first response".replace("of 1,", "of one,") if self.unknown else ""

    def break_it(self, simulator: Simulator) -> None:
        if self.operation is COMMUNICATIONS:
            asked = self.account.add_case(created_at=time.time() - 3600)
            for _ in range(7):
                asked.add_communication("Any news?", submitted_by="Customer")
        kind, times = self.fault.kind(), self.fault.times
        fault = Fault(kind, self.operation.name, self.account.account_id, None, self.operation.page, times=times)
        self.handle = simulator.faults.add(fault)

    def struck(self, shown: Shown, since: float) -> bool:
        """Return whether its fault has struck, and led to what it should."""
        account_id = self.account.account_id
        up, unanswered = shown.up[account_id], shown.unanswered.get(account_id)
        told = self.reason is not None and up == 0 and self.reason.value in shown.reasons[account_id]
        if self.reason is None and shown.read[account_id] > since + INTERVAL:
            told = (up, unanswered) == (1, len(self.account.cases) - self.unknown)
        return told and self.handle is not None and self.handle.hits > 0

    def recovered(self, shown: Shown, since: float) -> bool:
        """Return whether it is read again, all that there is to know included."""
        account_id, cases = self.account.account_id, len(self.account.cases)
        recovered = shown.up[account_id] == 1 and shown.read[account_id] > since and shown.unanswered[account_id] == cases
        if recovered and self.recovered_after is None:
            self.recovered_after = time.time() - since
        return recovered


@dataclass(frozen=True, slots=True)
class World:
    """A running exporter over accounts of which each but the good ones has a fault of its own."""

    simulator: Simulator
    exporter: ExporterProcess
    cells: list[Cell]
    good: list[str]

    def until(self, holds: Callable[[Cell, Shown], bool], what: str, cells: Sequence[Cell] = ()) -> Shown:
        """Return the first page on which it holds for all cells; on none may a good account be late."""
        left: list[str] = []

        def probe() -> Shown | None:
            shown, now = Shown(self.exporter.get().text), time.time()
            late = {each: shown.reasons[each] for each in self.good if now - shown.read.get(each, now) > SLOWEST}
            assert not late, f"good accounts waited for bad ones: {late}\n{self.exporter.stderr[-3000:]}"
            left[:] = [f"{each.operation.title} / {each.fault.title}" for each in cells or self.cells if not holds(each, shown)]
            return None if left else shown

        return wait_until(probe, 60, lambda: f"{what}: {left}\n{self.exporter.stderr[-3000:]}", pause_seconds=0.5)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    fleet = Fleet.empty(time.time)
    cells = [Cell(fleet.add_account(), *what) for what in combinations(*OF_AN_ACCOUNT)]
    good = [fleet.add_account().account_id for _ in range(GOOD)]
    large = {cell.account.account_id for cell in cells if cell.operation is LATER_PAGE or cell.fault.title == WRONG_TYPES}
    for account in fleet.accounts:
        for _ in range(PAGE_SIZE + 1 if account.account_id in large else 2):
            account.add_case(body="Please help.")
    config = tmp_path / "config.yaml"
    poll = f"interval: {INTERVAL:g}s, timeout: {TIMEOUT:g}s, concurrency: 48, max_staleness: 10m"
    config.write_text(configuration(*(account.account_id for account in fleet.accounts), poll=poll))
    with (
        Simulator(fleet, throttle=False, verify_signatures=False) as simulator,
        ExporterProcess([f"--config.file={config}"], simulator.environment()) as exporter,
    ):
        yield World(simulator, exporter, cells, good)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_every_fault_has_its_reason_and_its_end_and_harms_no_other(world: World, request: pytest.FixtureRequest) -> None:
    world.until(lambda cell, shown: shown.up.get(cell.account.account_id) == 1, "start")
    broken_at = time.time()
    for cell in world.cells:
        cell.break_it(world.simulator)
    # Good ones too: of STS's answers some must be good, or it is down.
    for account_id in [*world.good, *(cell.account.account_id for cell in world.cells if cell.operation is ASSUME_ROLE)]:
        world.simulator.faults.add(Fault(Error(400, "ExpiredTokenException"), "DescribeCases", account_id, times=1))
    shown = world.until(lambda cell, shown: cell.struck(shown, broken_at), "not told as expected")
    for cell in world.cells:
        account_id, cases = cell.account.account_id, len(cell.account.cases)
        hidden = cell.reason is Reason.SUBSCRIPTION_REQUIRED
        expected = (None, None) if hidden else (cases, cases - cell.unknown)
        found = shown.open_cases.get(account_id), shown.unanswered.get(account_id)
        assert found == expected, (cell.operation.title, cell.fault.title)
        assert shown.reasons[account_id] == ({cell.reason.value} if cell.reason else set())

    world.simulator.faults.clear()
    mended_at = time.time()
    by_themselves = [cell for cell in world.cells if not cell.needs_a_person]
    world.until(lambda cell, shown: cell.recovered(shown, mended_at), "not read again", by_themselves)
    os.kill(world.exporter.pid, signal.SIGHUP)
    reloaded_at = time.time()
    shown = world.until(lambda cell, shown: cell.recovered(shown, reloaded_at), "not read again after a reload")
    assert [(shown.reasons[account_id], shown.open_cases[account_id]) for account_id in world.good] == [(set(), 2)] * GOOD
    rows = {
        row(cell.operation.title, cell.fault.title, cell.reason, "the poll succeeds", cell.meanwhile): (
            f"{cell.recovered_after:.0f} s{' after a reload' if cell.needs_a_person else ''}"
        )
        for cell in world.cells
    }
    is_told("matrix", rows, "read again", request)
