"""ListAccounts goes wrong in every way: the last list stays in force, and the reason is shown."""

from collections.abc import Iterator

import pytest

from exporter.cases.model import Reason
from exporter.collector import discovery
from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.reliability.faults import FAULTS, LIST_ACCOUNTS, is_told, row
from tests.support.clock import FakeClock, RunningClock
from tests.support.log import Log
from tests.support.rig import FakeRig

REFRESH = 600.0
CONFIG = """
poll: {interval: 60m, max_staleness: 24h}
organizations: [{name: acme, member_role_name: AwsSupportExporter, refresh_interval: 10m}]
"""
PATIENCE = 0.5
"""Seconds for which a list is waited for here, instead of two minutes, where it does not end."""


@pytest.fixture
def clock() -> FakeClock:
    return RunningClock()


@pytest.fixture
def listed(simulator: Simulator, fleet: Fleet, clock: FakeClock) -> Iterator[tuple[FakeRig, Log]]:
    """Return an exporter that has listed an organization's accounts once, and read them, and its log."""
    for _ in range(25):
        fleet.add_account().add_case()
    log = Log()
    with FakeRig(CONFIG, clock, log=log.logger) as rig:
        rig.round()
        yield rig, log
    simulator.faults.clear()


def recovered_after(rig: FakeRig) -> float:
    """Return how many seconds it takes until the accounts are listed again."""
    started = rig.clock.monotonic()
    while any(listed.reason for listed in rig.discoverer.organizations()):
        assert rig.clock.monotonic() < started + REFRESH
        rig.clock.advance(0.5)
        rig.list_due()
    return rig.clock.monotonic() - started


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_every_fault_of_a_list_has_its_reason_and_its_end_and_takes_no_account_away(
    listed: tuple[FakeRig, Log],
    simulator: Simulator,
    fleet: Fleet,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    rig, log = listed
    everyone = {account.account_id for account in fleet.accounts}
    rows: dict[str, str] = {}
    for fault in (fault for fault in FAULTS if LIST_ACCOUNTS in fault.only):
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
        (status,) = rig.report().organizations
        assert (status.reason, status.accounts) == (fault.reason, len(everyone)), fault.title
        if fault.reason is not None:
            failures = [line["reason"] for line in log.lines[told:] if line["event"] == "listing organization failed"]
            assert failures == [fault.reason.value], fault.title
            # Between two of endless pages, time may run out while it waits for credentials.
            assert status.detail.startswith(LIST_ACCOUNTS.name) or fault.title == "pages without end", fault.title
        simulator.faults.clear()
        meanwhile = "its accounts, as last listed" if fault.reason else ""
        told_as = row(LIST_ACCOUNTS.title, fault.title, fault.reason, "the listing succeeds", meanwhile)
        rows[told_as] = f"{recovered_after(rig):.0f} s" if fault.reason else ""
        assert rig.after(60).values("aws_support_organization_up", organization="acme") == [1]

    is_told("organizations", rows, "listed again", rewrite=request.config.getoption("--rewrite-golden"))
