"""Regions are doors to one service: another one is used when one is shut, and no case is ever counted twice."""

import pytest

from exporter.simulator.corruptions import Body
from exporter.simulator.faults import Fault, Kind, Page
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import ConnectionClosed, ConnectionReset, CutOffBody, Error
from exporter.simulator.server import Simulator
from tests.resilience.conftest import StartRig

A = "111111111111"
HOME, OTHER = "us-east-1", "us-west-2"
REGIONS = f"regions: [{HOME}, {OTHER}]"
FAULTS: dict[str, tuple[Kind, str]] = {
    "reset": (ConnectionReset(), "unreachable"),
    "closed": (ConnectionClosed(), "unreachable"),
    "cut off": (CutOffBody(), "unreachable"),
    "500": (Error(500, "InternalServerError"), "server_error"),
    "503": (Error(503, "ServiceUnavailable"), "server_error"),
}

every_fault = pytest.mark.parametrize(("kind", "reason"), FAULTS.values(), ids=FAULTS)


@pytest.fixture(autouse=True)
def _cases(fleet: Fleet) -> None:
    account = fleet.add_account(account_id=A)
    for _ in range(230):
        account.add_case()


def asked(simulator: Simulator) -> list[tuple[str, int]]:
    """Return region and status of every reading of cases, in order."""
    return [(record.region, record.status) for record in simulator.log.records("DescribeCases")]


@every_fault
def test_the_next_region_is_read_when_one_is_down(kind: Kind, reason: str, simulator: Simulator, rig: StartRig) -> None:
    down = simulator.faults.add(Fault(kind, operation="DescribeCases", region=HOME))
    page = rig(A, aws=REGIONS).round()
    assert (page.up(), page.open_cases(), page.reasons(A)) == ({A: 1}, {A: 230}, {})
    assert down.hits == 1, f"a door that is shut ({reason}) is knocked at once"
    assert asked(simulator)[1:] == [(OTHER, 200)] * 3


@every_fault
def test_the_reason_is_told_when_every_region_is_down_and_it_recovers(
    kind: Kind, reason: str, simulator: Simulator, rig: StartRig
) -> None:
    down = simulator.faults.add(Fault(kind, operation="DescribeCases"))
    running = rig(A, aws=REGIONS)
    page = running.round()
    assert (page.up(), page.reasons(A), page.open_cases()) == ({A: 0}, {reason: 1}, {})
    assert {region for region, _ in asked(simulator)} == {HOME, OTHER}
    down.remove()
    page = running.after(20)
    assert (page.up(), page.open_cases()) == ({A: 1}, {A: 230})


def test_a_whole_region_may_be_down_its_sts_included(simulator: Simulator, rig: StartRig) -> None:
    simulator.faults.add(Fault(ConnectionReset(), region=HOME))
    page = rig(A, aws=REGIONS).round()
    assert (page.up(), page.open_cases()) == ({A: 1}, {A: 230})
    assert [record.region for record in simulator.log.records("AssumeRole")][-1] == OTHER


def test_a_gateways_error_in_its_own_words_is_sts_being_down(simulator: Simulator, rig: StartRig) -> None:
    simulator.faults.add(Fault(Body(b"upstream connect error", 503), operation="AssumeRole", region=HOME))
    page = rig(A, aws=REGIONS).round()
    assert (page.up(), page.reasons(A)) == ({A: 1}, {})
    assert [record.region for record in simulator.log.records("AssumeRole")] == [HOME, OTHER]


def test_an_endpoint_that_fails_halfway_is_started_over_at_the_next(simulator: Simulator, rig: StartRig) -> None:
    simulator.faults.add(Fault(ConnectionReset(), operation="DescribeCases", region=HOME, page=Page.LATER))
    page = rig(A, aws=REGIONS).round()
    assert page.open_cases() == {A: 230}
    assert asked(simulator) == [(HOME, 200), (HOME, 0), *[(OTHER, 200)] * 3]


def test_the_first_region_is_used_again_once_it_is_back(simulator: Simulator, rig: StartRig) -> None:
    down = simulator.faults.add(Fault(ConnectionReset(), operation="DescribeCases", region=HOME))
    running = rig(A, aws=REGIONS)
    running.round()
    down.remove()
    simulator.log.clear()
    running.after(600)
    assert asked(simulator) == [(HOME, 200)] * 3


def test_the_region_label_does_not_move_with_the_door(simulator: Simulator, rig: StartRig) -> None:
    simulator.faults.add(Fault(ConnectionReset(), operation="DescribeCases", region=HOME))
    assert rig(A, aws=REGIONS).round().label_values("aws_support_open_cases", "region") == {HOME}


@pytest.mark.parametrize(
    "regions", ["[us-east-1, us-west-2, eu-west-1]", "[eu-west-1, us-east-1]", "[ap-southeast-2, eu-central-1]"]
)
def test_more_regions_do_not_make_more_cases(regions: str, simulator: Simulator, rig: StartRig) -> None:
    running = rig(A, aws=f"regions: {regions}")
    for _ in range(3):
        page = running.after(600)
        assert page.total("aws_support_open_cases") == page.total("aws_support_account_open_cases") == 230
    assert simulator.log.counts()["DescribeCases"] == 3 * 3


def test_a_refusal_is_an_answer_and_no_reason_to_try_another_door(simulator: Simulator, rig: StartRig) -> None:
    denied = simulator.faults.add(Fault(Error(400, "AccessDeniedException", "no"), operation="DescribeCases"))
    page = rig(A, aws=REGIONS).round()
    assert page.reasons(A) == {"access_denied": 1}
    assert denied.hits == 1
