"""Accounts of an organization, as each page of ListAccounts comes in."""

import json

import pytest

from exporter.cases.model import Access, Member
from exporter.errors import ReadFailure
from exporter.simulator.corruptions import Body
from exporter.simulator.faults import Fault, Kind, Page
from exporter.simulator.kinds import ConnectionReset, Error, Silence, Throttled
from exporter.simulator.server import Simulator
from tests.aws.conftest import OPTIONS, REGION, Sent, Wire, readers_of
from tests.support.clock import FakeClock


async def listed() -> list[tuple[Member, ...]]:
    async with readers_of(FakeClock()) as readers:
        return [page async for page in readers.organization_reader("all", Access(), (REGION,), OPTIONS).pages(10)]


def account(account_id: str, state: str = "ACTIVE", **more: str) -> dict[str, str]:
    return {"Id": account_id, "State": state, "Name": f"name of {account_id}", **more}


ANSWERS = {
    None: {"Accounts": [account("111111111111"), account("222222222222", "SUSPENDED")], "NextToken": "empty"},
    "empty": {"Accounts": [], "NextToken": "last"},
    "last": {
        "Accounts": [
            account("111111111111"),
            {"Id": "333333333333", "Status": "ACTIVE", "Paths": ["o-abc/r-root/ou-root-one/ou-root-two/333333333333/"]},
            {"Id": "444444444444", "State": "PENDING_CLOSURE", "Status": "ACTIVE"},
        ]
    },
}


def answer(sent: Sent) -> bytes:
    return json.dumps(ANSWERS[json.loads(sent.body).get("NextToken")]).encode()


@pytest.mark.usefixtures("own_keys")
async def test_active_accounts_come_page_by_page_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Wire(answer) as wire:
        monkeypatch.setenv("AWS_ENDPOINT_URL", wire.url)
        assert await listed() == [
            (Member("111111111111", "name of 111111111111"),),
            (Member("333333333333", "333333333333", ("r-root", "ou-root-one", "ou-root-two")),),
        ]


async def test_accounts_are_known_before_the_last_page_has_come(simulator: Simulator) -> None:
    for number in range(60):
        simulator.fleet.add_account(account_id=f"{number:012}")
    simulator.faults.add(Fault(Silence(), operation="ListAccounts", page=Page.LATER))
    found = 0
    async with readers_of() as readers:
        with pytest.raises(ReadFailure, match=r"^timeout: "):  # noqa: PT012 - the pages before it count
            async for page in readers.organization_reader("all", Access(), (REGION,), OPTIONS).pages(4):
                found += len(page)
    assert found == 20


@pytest.mark.parametrize(
    "kind",
    [Throttled(), Error(400, "TooManyRequestsException"), ConnectionReset(), Error(500, "ServiceException")],
    ids=["throttled", "too many", "reset", "500"],
)
async def test_a_page_is_asked_for_six_times(kind: Kind, simulator: Simulator) -> None:
    fault = simulator.faults.add(Fault(kind, operation="ListAccounts", times=5))
    pages = await listed()
    assert [member.account_id for page in pages for member in page] == ["999999999999", "111122223333"]
    assert fault.hits == 5
    always = simulator.faults.add(Fault(kind, operation="ListAccounts"))
    with pytest.raises(ReadFailure):
        await listed()
    assert always.hits == 6


@pytest.mark.parametrize("paths", [[], [""], [17], [None], "o-a/r-a/1/", None, ["x/y/z"], ["o-a/ou-a/1/"], ["o-a/r-a/x/1/"]])
async def test_a_path_that_is_none_tells_no_unit(paths: object, simulator: Simulator) -> None:
    body = json.dumps({"Accounts": [{"Id": "111122223333", "State": "ACTIVE", "Name": "a", "Paths": paths}]}).encode()
    simulator.faults.add(Fault(Body(body), operation="ListAccounts"))
    ((member,),) = await listed()
    assert set(member.units) <= {"r-a"}


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
        b"{}",
    ],
)
async def test_a_list_of_accounts_of_odd_types_is_malformed(body: bytes, simulator: Simulator) -> None:
    simulator.faults.add(Fault(Body(body), operation="ListAccounts"))
    with pytest.raises(ReadFailure, match=r"^malformed: "):
        await listed()
