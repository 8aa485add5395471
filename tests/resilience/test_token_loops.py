"""Paging that never ends is noticed, whatever its tokens."""

from collections.abc import Callable

import pytest

from exporter.aws import organizations
from exporter.simulator.corruptions import Tokens
from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.resilience.conftest import MANAGEMENT, StartRig

A, B = "111111111111", "222222222222"
MOST_PAGES = 100
LOOPS: dict[str, tuple[Callable[[], Tokens], int]] = {
    "same": (lambda: Tokens.repeating("token"), 2),
    "alternating": (lambda: Tokens.repeating("one", "two"), 3),
    "round of five": (lambda: Tokens.repeating(*"abcde"), 6),
    "endless": (Tokens.endless, MOST_PAGES),
}

every_loop = pytest.mark.parametrize(("tokens", "calls"), LOOPS.values(), ids=LOOPS)


@pytest.fixture(autouse=True)
def _accounts(fleet: Fleet) -> None:
    for account_id in (A, B):
        fleet.add_account(account_id=account_id).add_case()


@every_loop
def test_a_loop_of_cases_ends_as_malformed(
    tokens: Callable[[], Tokens], calls: int, simulator: Simulator, rig: StartRig
) -> None:
    loop = simulator.faults.add(Fault(tokens(), operation="DescribeCases", account_id=A))
    running = rig(A, B)
    page = running.round()
    assert page.reasons(A) == {"malformed": 1}
    assert loop.hits == calls
    assert page.open_cases() == {B: 1}
    loop.remove()
    assert running.after(6).open_cases() == {A: 1, B: 1}


@every_loop
def test_a_loop_of_accounts_ends_as_malformed(
    tokens: Callable[[], Tokens], calls: int, simulator: Simulator, rig: StartRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(organizations, "MOST_PAGES", MOST_PAGES)
    loop = simulator.faults.add(Fault(tokens(), operation="ListAccounts"))
    running = rig(rest="organizations: [{name: acme}]")
    running.round()
    assert [failure.reason for failure in running.discoverer.failures()] == ["malformed"]
    assert loop.hits == calls
    loop.remove()
    assert running.after(6).up() == {A: 1, B: 1, MANAGEMENT: 1}


@every_loop
def test_a_loop_of_communications_ends_and_leaves_the_cases(
    tokens: Callable[[], Tokens], calls: int, simulator: Simulator, fleet: Fleet, rig: StartRig
) -> None:
    case = fleet.account(A).add_case()
    for number in range(6):
        case.add_communication(submitted_by="someone", body=str(number))
    loop = simulator.faults.add(Fault(tokens(), operation="DescribeCommunications"))
    page = rig(A).round()
    assert (page.up(), page.open_cases()) == ({A: 1}, {A: 2})
    assert loop.hits == calls
