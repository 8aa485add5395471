"""ListAccounts goes wrong in every way: the last list stays in force, and why is told."""

from collections.abc import Iterator

import pytest

from docs.reference import replace_between
from exporter.cases.model import Reason
from exporter.cases.report import OrganizationStatus
from exporter.collector import discovery
from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.reliability.faults import FAULTS, LIST_ACCOUNTS, FaultCase
from tests.support.clock import FakeClock, RunningClock
from tests.support.log import Log
from tests.support.rig import FakeRig
from tests.support.tools import ROOT

DOCUMENT = ROOT / "docs/reliability.md"
REFRESH = 600.0
CONFIG = """
poll: {interval: 10m, max_staleness: 60m}
organizations: [{name: acme, member_role_name: AwsSupportExporter, refresh_interval: 10m}]
"""
PATIENCE = 0.5
"""Seconds for which a list is waited for here, instead of two minutes, where it does not end."""
ROWS = [fault for fault in FAULTS if LIST_ACCOUNTS in fault.only]


@pytest.fixture
def clock() -> FakeClock:
    return RunningClock()


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def rig(simulator: Simulator, fleet: Fleet, clock: FakeClock, log: Log) -> Iterator[FakeRig]:
    """Return an exporter that has listed an organization's accounts once, and read them."""
    for _ in range(25):
        fleet.add_account().add_case()
    with FakeRig(CONFIG, clock, log=log.logger) as rig:
        rig.round()
        yield rig
    simulator.faults.clear()


def organization(rig: FakeRig) -> OrganizationStatus:
    (found,) = rig.report().organizations
    return found


def recovered_after(rig: FakeRig) -> float:
    """Return how many seconds it takes until the accounts are listed again."""
    started = rig.clock.monotonic()
    while organization(rig).reason is not None:
        assert rig.clock.monotonic() < started + REFRESH
        rig.clock.advance(0.5)
        rig.list_due()
        rig.page()
    return rig.clock.monotonic() - started


@pytest.mark.timeout(120)
def test_every_fault_of_a_list_has_its_reason_and_its_end_and_takes_no_account_away(
    rig: FakeRig,
    simulator: Simulator,
    fleet: Fleet,
    log: Log,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    everyone = {account.account_id for account in fleet.accounts}
    rows: dict[str, str] = {}
    for fault in ROWS:
        with monkeypatch.context() as patch:
            if fault.reason is Reason.TIMEOUT:
                patch.setattr(discovery, "_TIMEOUT", PATIENCE)
            handle = simulator.faults.add(Fault(fault.kind(), LIST_ACCOUNTS.name, times=fault.times))
            told = len(log.lines)
            page = rig.after(REFRESH)
        assert handle.hits, fault.title
        assert set(page.up()) == everyone, f"{fault.title}: accounts are gone"
        assert page.open_cases().keys() == everyone
        assert page.values("aws_support_organization_up", organization="acme") == [fault.reason is None], fault.title
        status = organization(rig)
        assert (status.reason, status.accounts) == (fault.reason, len(everyone)), fault.title
        if fault.reason is not None:
            failures = [line["reason"] for line in log.lines[told:] if line["event"] == "listing organization failed"]
            assert failures == [fault.reason.value], fault.title
            assert status.detail.startswith(LIST_ACCOUNTS.name), fault.title
        simulator.faults.clear()
        rows[row(fault)] = f"{recovered_after(rig):.0f} s |" if fault.reason else "|"
        assert rig.after(60).values("aws_support_organization_up", organization="acme") == [1]

    told_by = DOCUMENT.read_text()
    if request.config.getoption("--rewrite-golden"):
        told_by = replace_between(told_by, "organizations", table(rows))
        DOCUMENT.write_text(told_by)
    for start in rows:
        assert start in told_by, "write it anew with --rewrite-golden"


def table(rows: dict[str, str]) -> str:
    """Return the outcomes in Markdown."""
    head = "| operation | fault | reason | meanwhile | listed again |\n|---|---|---|---|---|\n"
    return head + "".join(f"{start} {again}\n" for start, again in rows.items())


def row(fault: FaultCase) -> str:
    reason = f"`{fault.reason.value}`" if fault.reason else "none: they are listed all the same"
    meanwhile = "its accounts, as last listed" if fault.reason else ""
    return f"| {LIST_ACCOUNTS.title} | {fault.title} | {reason} | {meanwhile} |"
