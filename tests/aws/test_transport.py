"""Answers that drip, stop, break off or never end hold no thread and no memory."""

import time
from collections.abc import Iterator

import pytest

from exporter.aws.connector import Connector, Manner
from exporter.aws.endpoints import Endpoints
from exporter.aws.support import SupportReader
from exporter.aws.timing import SystemTiming
from exporter.cases.access import OwnCredentials, RoleCredentials
from exporter.cases.model import Reason
from exporter.errors import ReadFailure
from exporter.metrics.instruments import Instruments
from exporter.simulator.corruptions import Body, HugeBody
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import CutOffBody, Drip, SilenceInBody
from exporter.simulator.server import Simulator

ENTITIES = b"""<?xml version="1.0"?><!DOCTYPE bomb [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<AssumeRoleResponse><AssumeRoleResult>&b;</AssumeRoleResult></AssumeRoleResponse>"""
PATIENCE = 1.0

MANNER = Manner("test", 3600)


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    fleet = Fleet.empty(time.time)
    fleet.add_account(account_id="111122223333").add_case()
    with Simulator(fleet, throttle=False) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def connector(simulator: Simulator) -> Connector:
    del simulator
    return Connector(Endpoints(), Instruments({}), 1, timing=SystemTiming(), random=lambda: 0.0)


@pytest.fixture
def reader(simulator: Simulator, connector: Connector) -> SupportReader:
    account = simulator.fleet.accounts[0]
    return connector.reader(account.account_id, RoleCredentials((account.role_arn(),)), ("us-east-1",), MANNER)


@pytest.mark.parametrize("operation", ["AssumeRole", "DescribeCases"])
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Drip(0.002), Reason.TIMEOUT),
        (SilenceInBody(), Reason.TIMEOUT),
        (CutOffBody(), Reason.UNREACHABLE),
        (Body(b"\xff\xfe<\0!\0"), Reason.MALFORMED),
        (Body(b'"text"'), Reason.MALFORMED),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_broken_body_ends_the_poll_in_time_and_the_next_is_read(
    operation: str, kind: Kind, reason: Reason, simulator: Simulator, reader: SupportReader
) -> None:
    fault = simulator.faults.add(Fault(kind, operation=operation))
    started = time.monotonic()
    with pytest.raises(ReadFailure) as failure:
        reader.read(started + PATIENCE)
    assert failure.value.reason is reason
    assert time.monotonic() - started < PATIENCE * 2.5
    fault.remove()
    assert len(reader.read(time.monotonic() + 10).cases) == 1


def test_an_answer_larger_than_any_of_awss_is_not_kept(simulator: Simulator, reader: SupportReader) -> None:
    simulator.faults.add(Fault(HugeBody(40), operation="DescribeCases"))
    with pytest.raises(ReadFailure, match="larger than 32 MiB") as failure:
        reader.read(time.monotonic() + 30)
    assert failure.value.reason is Reason.MALFORMED


def test_entities_of_an_xml_answer_are_not_expanded(simulator: Simulator, reader: SupportReader) -> None:
    simulator.faults.add(Fault(Body(ENTITIES), operation="AssumeRole"))
    with pytest.raises(ReadFailure) as failure:
        reader.read(time.monotonic() + PATIENCE)
    assert failure.value.reason is Reason.MALFORMED


@pytest.mark.parametrize(
    "body",
    [
        b'{"Accounts": "x"}',
        b'{"Accounts": [1]}',
        b'{"Accounts": [null]}',
        b'{"Accounts": {"Id": 1}}',
        b'{"Accounts": [{"Id": "111122223333"}]}',
        b'{"Accounts": [{"Id": "111122223333", "State": {}}]}',
        b'{"Accounts": [], "NextToken": 17}',
        b'{"Accounts": [], "NextToken": {"a": 1}}',
        b"[]",
        b"null",
    ],
)
def test_a_list_of_accounts_of_odd_types_is_malformed(body: bytes, simulator: Simulator, connector: Connector) -> None:
    simulator.faults.add(Fault(Body(body), operation="ListAccounts"))
    organization = connector.organization_reader("all", OwnCredentials(), ("us-east-1",), MANNER)
    with pytest.raises(ReadFailure) as failure:
        organization.active_members(time.monotonic() + PATIENCE)
    assert failure.value.reason is Reason.MALFORMED
