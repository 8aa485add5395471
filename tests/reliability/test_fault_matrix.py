"""Every operation goes wrong in every way, all at once, in one running exporter: each for one account beside good ones."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

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
    COMMUNICATIONS,
    FIRST_PAGE,
    NEEDS_A_PERSON,
    WRONG_TYPES,
    FaultCase,
    Operation,
    combinations,
    expected,
    is_told,
    row,
)
from tests.resilience.conftest import configuration
from tests.support.page import Page
from tests.support.process import ExporterProcess
from tests.support.waiting import wait_until

GOOD = 20
CASES = 101
"""More than one page holds."""
INTERVAL = 10.0
TIMEOUT = 8.0
"""Long enough for a busy machine: who is late there once would have a reason too many."""
SLOWEST = 2.5 * INTERVAL
"""How old the newest reading of a good account can be: one and a half intervals, and one more that others may cost it."""
LAST_SUCCESS = "aws_support_account_last_success_timestamp_seconds"
UNANSWERED = "aws_support_unanswered_cases"


@dataclass(slots=True)
class Cell:
    """One account with one fault, and what became of it."""

    operation: Operation
    fault: FaultCase
    account: Account
    handle: FaultHandle | None = None
    recovered_after: float | None = None

    @property
    def reason(self) -> Reason | None:
        return expected(self.operation, self.fault)

    @property
    def needs_a_person(self) -> bool:
        return self.reason in NEEDS_A_PERSON and not self.fault.passes

    @property
    def cases(self) -> int:
        """How many cases it has while the fault lasts: one more where its communications are asked for."""
        return CASES + (self.operation is COMMUNICATIONS)

    @property
    def unanswered(self) -> int:
        """How many of them are shown as unanswered meanwhile: one of which that is not known is not."""
        if self.operation is FIRST_PAGE and self.fault.title == WRONG_TYPES:
            return CASES - PAGE_SIZE + LOOKUPS_PER_POLL
        return CASES if self.operation is COMMUNICATIONS and self.fault.reason else self.cases

    @property
    def name(self) -> str:
        return f"{self.operation.title} / {self.fault.title} / {self.account.account_id}"


@dataclass(frozen=True, slots=True)
class World:
    """A running exporter over accounts of which each but the good ones has a fault of its own."""

    simulator: Simulator
    exporter: ExporterProcess
    cells: list[Cell]
    good: list[Account]

    def until(self, left_of: Callable[[Page], list[str]], timeout_seconds: float, what: str) -> Page:
        """Return the first page on which nothing is left to wait for; on none may a good account be late."""
        left: list[str] = []

        def probe() -> Page | None:
            page = Page(self.exporter.get().text)
            waiting = late(page, self.good)
            assert not waiting, f"good accounts waited for bad ones: {waiting}\n{self.exporter.stderr[-3000:]}"
            left[:] = left_of(page)
            return None if left else page

        return wait_until(probe, timeout_seconds, lambda: f"{what}: {left}\n{self.exporter.stderr[-3000:]}")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    fleet = Fleet.empty(time.time)
    cells = [Cell(operation, fault, fleet.add_account()) for operation, fault in combinations()]
    good = [fleet.add_account() for _ in range(GOOD)]
    for account in [*good, *(cell.account for cell in cells)]:
        for _ in range(CASES):
            account.add_case(body="Please help.")
    config = tmp_path_factory.mktemp("matrix") / "config.yaml"
    poll = f"interval: {INTERVAL:g}s, timeout: {TIMEOUT:g}s, concurrency: 48, max_staleness: 10m"
    config.write_text(configuration(*(account.account_id for account in fleet.accounts), poll=poll))
    with (
        Simulator(fleet, throttle=False, verify_signatures=False) as simulator,
        ExporterProcess([f"--config.file={config}"], simulator.environment()) as exporter,
    ):
        yield World(simulator, exporter, cells, good)


def late(page: Page, accounts: list[Account]) -> list[str]:
    """Return the accounts that were read once, and not lately."""
    now, read = time.time(), page.by_account(LAST_SUCCESS)
    ages = {account.account_id: now - read.get(account.account_id, now) for account in accounts}
    return [
        f"{account_id}: read {age:.0f} s ago, {page.reasons(account_id)}" for account_id, age in ages.items() if age > SLOWEST
    ]


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_every_fault_has_its_reason_and_its_end_and_harms_no_other(world: World, request: pytest.FixtureRequest) -> None:
    everyone = [account.account_id for account in world.simulator.fleet.accounts]
    world.until(lambda page: [account_id for account_id in everyone if page.up().get(account_id) != 1], 40, "start")

    broken_at = time.time()
    for cell in world.cells:
        fault = Fault(
            cell.fault.kind(), cell.operation.name, cell.account.account_id, None, cell.operation.page, times=cell.fault.times
        )
        cell.handle = world.simulator.faults.add(fault)
        if cell.operation is COMMUNICATIONS:
            asked = cell.account.add_case(created_at=broken_at - 3600)
            for _ in range(7):
                asked.add_communication("Any news?", submitted_by="Customer")
    # Good ones too: of STS's answers some must be good, or it is down.
    for account in [*world.good, *(cell.account for cell in world.cells if cell.operation is ASSUME_ROLE)]:
        world.simulator.faults.add(Fault(Error(400, "ExpiredTokenException"), "DescribeCases", account.account_id, times=1))
    page = world.until(lambda page: not_told(page, world.cells, broken_at), 60, "not told as expected")
    open_cases, unanswered = page.open_cases(), page.by_account(UNANSWERED)
    for cell in world.cells:
        account_id = cell.account.account_id
        shown = (open_cases.get(account_id), unanswered.get(account_id))
        assert shown == ((None, None) if cell.reason is Reason.SUBSCRIPTION_REQUIRED else (cell.cases, cell.unanswered)), (
            cell.name
        )
        assert set(page.reasons(account_id)) == ({cell.reason.value} if cell.reason else set()), cell.name

    world.simulator.faults.clear()
    by_themselves = [cell for cell in world.cells if not cell.needs_a_person]
    mended_at = time.time()
    world.until(lambda page: not_read_since(page, by_themselves, mended_at), 60, "not read again")
    os.kill(world.exporter.pid, signal.SIGHUP)
    reloaded_at = time.time()
    page = world.until(lambda page: not_read_since(page, world.cells, reloaded_at), 60, "not read again after a reload")
    for account in world.good:
        account_id = account.account_id
        assert (page.reasons(account_id), page.open_cases()[account_id]) == ({}, CASES), "a good account failed"
    rows = {
        row(cell.operation.title, cell.fault.title, cell.reason, "the poll succeeds", meanwhile(cell)): (
            f"{cell.recovered_after:.0f} s{' after a reload' if cell.needs_a_person else ''}"
        )
        for cell in world.cells
    }
    is_told("matrix", rows, "read again", rewrite=request.config.getoption("--rewrite-golden"))


def meanwhile(cell: Cell) -> str:
    if cell.reason is Reason.SUBSCRIPTION_REQUIRED:
        return "no cases: it has no plan"
    if cell.reason:
        return "its cases, as last read"
    unknown = cell.cases - cell.unanswered
    return f"its cases; of {'one' if unknown == 1 else unknown}, nothing of a first response" if unknown else ""


def not_told(page: Page, cells: list[Cell], since: float) -> list[str]:
    """Return the cells whose fault has not struck and led to what it should."""
    up, read, unanswered = page.up(), page.by_account(LAST_SUCCESS), page.by_account(UNANSWERED)
    waiting = []
    for cell in cells:
        account_id = cell.account.account_id
        assert cell.handle is not None
        read_again = up[account_id] == 1 and read[account_id] > since + INTERVAL
        if cell.reason:
            told = up[account_id] == 0 and cell.reason.value in page.reasons(account_id)
        else:
            told = read_again and unanswered[account_id] == cell.unanswered
        if not told or not cell.handle.hits:
            waiting.append(f"{cell.name}: {cell.handle.hits} hits, {page.reasons(account_id)}")
    return waiting


def not_read_since(page: Page, cells: list[Cell], since: float) -> list[str]:
    """Return the cells that are not read again, all that there is to know included."""
    up, read, unanswered = page.up(), page.by_account(LAST_SUCCESS), page.by_account(UNANSWERED)
    waiting = []
    for cell in cells:
        account_id = cell.account.account_id
        if not up[account_id] or read[account_id] <= since or unanswered[account_id] != cell.cases:
            waiting.append(cell.name)
        elif cell.recovered_after is None:
            cell.recovered_after = time.time() - since
    return waiting
