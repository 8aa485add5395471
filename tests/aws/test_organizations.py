"""Accounts of an organization, as each page of ListAccounts comes in."""

import json

import pytest

from exporter.cases.model import Access, Member
from exporter.errors import ReadFailure
from exporter.simulator.corruptions import Body
from exporter.simulator.faults import Fault, Kind, Page
from exporter.simulator.kinds import ConnectionReset, Error, Silence, Throttled
from exporter.simulator.server import Simulator
from tests.aws.conftest import OPTIONS, REGION, Sent, SetEnv, Wire, readers_of


async def listed(into: list[tuple[Member, ...]] | None = None, seconds: float = 10) -> list[tuple[Member, ...]]:
    found = [] if into is None else into
    async with readers_of() as readers:
        async for page in readers.organization_reader("all", Access(), (REGION,), OPTIONS).pages(seconds):
            found.append(page)
    return found


def account(account_id: str, state: str = "ACTIVE", **more: object) -> dict[str, object]:
    return {"Id": account_id, "State": state, "Name": f"name of {account_id}", **more}


NO_PATHS = [[], [17], "o-a/r-a/1/", ["x/y/z"], ["o-a/ou-a/1/"]]
ANSWERS = {
    None: {"Accounts": [account("111111111111"), account("222222222222", "SUSPENDED")], "NextToken": "empty"},
    "empty": {"Accounts": [], "NextToken": "last"},
    "last": {
        "Accounts": [
            account("111111111111"),
            {"Id": "333333333333", "Status": "ACTIVE", "Paths": ["o-abc/r-root/ou-root-one/ou-root-two/333333333333/"]},
            {"Id": "444444444444", "State": "PENDING_CLOSURE", "Status": "ACTIVE"},
            *(account(f"55555555555{number}", Paths=paths) for number, paths in enumerate(NO_PATHS)),
        ]
    },
}


def answer(sent: Sent) -> bytes:
    return json.dumps(ANSWERS[json.loads(sent.body).get("NextToken")]).encode()


@pytest.mark.usefixtures("own_keys")
async def test_active_accounts_come_page_by_page_each_once(env: SetEnv) -> None:
    async with Wire(answer) as wire:
        env("AWS_ENDPOINT_URL", wire.url)
        assert await listed() == [
            (Member("111111111111", "name of 111111111111"),),
            (
                Member("333333333333", "333333333333", ("r-root", "ou-root-one", "ou-root-two")),
                *(Member(f"55555555555{number}", f"name of 55555555555{number}") for number in range(len(NO_PATHS))),
            ),
        ]


async def test_accounts_are_known_before_the_last_page_has_come(simulator: Simulator) -> None:
    for number in range(60):
        simulator.fleet.add_account(account_id=f"{number:012}")
    simulator.faults.add(Fault(Silence(), operation="ListAccounts", page=Page.LATER))
    found = list[tuple[Member, ...]]()
    with pytest.raises(ReadFailure, match=r"^timeout: "):
        await listed(found, 1)
    assert len(found[0]) == 20


@pytest.mark.parametrize("kind", [Throttled(), ConnectionReset(), Error(500, "ServiceException")], ids=type)
async def test_a_page_is_asked_for_six_times(kind: Kind, simulator: Simulator) -> None:
    fault = simulator.faults.add(Fault(kind, operation="ListAccounts", times=5))
    (page,) = await listed()
    assert [member.account_id for member in page] == ["999999999999", "111122223333"]
    assert fault.hits == 5
    always = simulator.faults.add(Fault(kind, operation="ListAccounts"))
    with pytest.raises(ReadFailure):
        await listed()
    assert always.hits == 6


@pytest.mark.parametrize("body", [b'{"Accounts": [{"Id": "111122223333"}]}', b'{"Accounts": [], "NextToken": 1}', b"{}"])
async def test_a_list_that_may_lack_an_account_is_malformed(body: bytes, simulator: Simulator) -> None:
    simulator.faults.add(Fault(Body(body), operation="ListAccounts"))
    with pytest.raises(ReadFailure, match=r"^malformed: "):
        await listed()
