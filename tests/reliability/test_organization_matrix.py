"""ListAccounts goes wrong in every way: the last list stays in force, and the reason is shown."""

import pytest

from exporter.cases.model import Reason
from exporter.collector import discovery
from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.reliability.faults import LIST_ACCOUNTS, combinations, is_told, row
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


def recovered_after(rig: FakeRig) -> float:
    """Return how many seconds it takes until the accounts are listed again."""
    started = rig.clock.monotonic()
    while any(listed.reason for listed in rig.discoverer.organizations()):
        assert rig.clock.monotonic() < started + REFRESH
        rig.clock.advance(0.5)
        rig.list_due()
    return rig.clock.monotonic() - started


def fail(rig: FakeRig, log: Log, what: str, reason: Reason | None) -> None:
    """List the accounts, and check that none is gone and that the reason is told."""
    everyone = {entry.target.account.account_id for entry in rig.accounts.entries()}
    log.clear()
    page = rig.after(REFRESH)
    assert set(page.up()) == page.open_cases().keys() == everyone, f"{what}: accounts are gone"
    assert page.values("aws_support_organization_up", organization="acme") == [reason is None], what
    (status,) = rig.report().organizations
    assert (status.reason, status.accounts) == (reason, len(everyone)), what
    failures = [line["reason"] for line in log.lines if line["event"] == "listing organization failed"]
    assert failures == ([reason.value] if reason else []), what
    # Between two of endless pages, time may run out while it waits for credentials.
    assert not reason or status.detail.startswith(LIST_ACCOUNTS.name) or what == "pages without end", what


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_every_fault_of_a_list_has_its_reason_and_its_end_and_takes_no_account_away(
    simulator: Simulator, fleet: Fleet, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    for _ in range(5):
        fleet.add_account().add_case()
    log, rows = Log(), {}
    with FakeRig(CONFIG, clock, log=log.logger) as rig:
        rig.round()
        for operation, fault, reason in combinations(LIST_ACCOUNTS):
            handle = simulator.faults.add(Fault(fault.kind(), operation.name, times=fault.times))
            with monkeypatch.context() as patch:
                if reason is Reason.TIMEOUT:
                    patch.setattr(discovery, "_TIMEOUT", PATIENCE)
                fail(rig, log, fault.title, reason)
            assert handle.hits, fault.title
            simulator.faults.clear()
            meanwhile = "its accounts, as last listed" if reason else ""
            told = row(operation.title, fault.title, reason, "the listing succeeds", meanwhile)
            rows[told] = f"{recovered_after(rig):.0f} s" if reason else ""
            assert rig.after(60).values("aws_support_organization_up", organization="acme") == [1]
    is_told("organizations", rows, "listed again", request)
