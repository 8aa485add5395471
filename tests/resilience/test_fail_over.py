"""Regions are doors to one service: another one is used when one is shut."""

import pytest

from exporter.simulator.corruptions import Body
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import ConnectionClosed, ConnectionReset, CutOffBody, Error
from exporter.simulator.server import Simulator
from tests.resilience.conftest import StartRig

A = "111111111111"
HOME, OTHER = "us-east-1", "us-west-2"
REGIONS = f"regions: [{HOME}, {OTHER}]"
FAULTS = {
    "reset": ConnectionReset(),
    "closed": ConnectionClosed(),
    "cut off": CutOffBody(),
    "500": Error(500, "InternalServerError"),
    "503": Error(503, "ServiceUnavailable"),
}


@pytest.fixture(autouse=True)
def _cases(fleet: Fleet) -> None:
    account = fleet.add_account(account_id=A)
    for _ in range(230):
        account.add_case()


@pytest.mark.parametrize("kind", FAULTS.values(), ids=FAULTS)
def test_the_next_region_is_read_while_one_is_down(kind: Kind, simulator: Simulator, rig: StartRig) -> None:
    down = simulator.faults.add(Fault(kind, operation="DescribeCases", region=HOME))
    running = rig(A, aws=REGIONS)
    page = running.round()
    assert (page.up(), page.open_cases(), page.reasons(A)) == ({A: 1}, {A: 230}, {})
    assert page.label_values("aws_support_open_cases", "region") == {HOME}, "the label does not move with the door"
    assert down.hits == 1, "a door that is shut is knocked at once"
    down.remove()
    running.after(600)
    asked = [(record.region, record.status) for record in simulator.log.records("DescribeCases")]
    assert asked[1:] == [(OTHER, 200)] * 3 + [(HOME, 200)] * 3


@pytest.mark.parametrize("kind", [ConnectionReset(), Body(b"upstream connect error", 503)], ids=["reset", "a gateway's words"])
def test_a_whole_region_may_be_down_its_sts_included(kind: Kind, simulator: Simulator, rig: StartRig) -> None:
    simulator.faults.add(Fault(kind, region=HOME))
    page = rig(A, aws=REGIONS).round()
    assert (page.up(), page.open_cases(), page.reasons(A)) == ({A: 1}, {A: 230}, {})
    assert [record.region for record in simulator.log.records("AssumeRole")] == [HOME, OTHER]
