"""Accounts of an organization, as each page of ListAccounts comes in."""

import asyncio
import json
import time
from collections.abc import Sequence

import pytest

from exporter.aws.organizations import Member
from exporter.cases.model import Access, Reason
from exporter.errors import ReadFailure
from exporter.simulator.corruptions import Tokens
from exporter.simulator.faults import Fault, Kind, Page
from exporter.simulator.kinds import ConnectionReset, Error, Silence, Throttled
from exporter.simulator.server import Simulator
from tests.aws.conftest import OPTIONS, REGION, FakeClock, Sent, Wire, readers_of


async def listed(seconds: float = 10, clock: FakeClock | None = None) -> list[tuple[Member, ...]]:
    async with readers_of(clock) as readers:
        pages = readers.organization_reader("all", Access(), (REGION,), OPTIONS).pages(seconds)
        return [page async for page in pages]


def ids(pages: Sequence[Sequence[Member]]) -> list[str]:
    return [member.account_id for page in pages for member in page]


def account(account_id: str, state: str = "ACTIVE", **more: str) -> dict[str, str]:
    return {"Id": account_id, "State": state, "Name": f"name of {account_id}", **more}


ANSWERS = {
    None: {"Accounts": [account("111111111111"), account("222222222222", "SUSPENDED")], "NextToken": "empty"},
    "empty": {"Accounts": [], "NextToken": "last"},
    "last": {
        "Accounts": [
            account("111111111111"),
            {"Id": "333333333333", "Status": "ACTIVE"},
            {"Id": "444444444444", "State": "PENDING_CLOSURE", "Status": "ACTIVE"},
        ]
    },
}


def answer(sent: Sent) -> bytes:
    return json.dumps(ANSWERS[json.loads(sent.body).get("NextToken")]).encode()


@pytest.mark.usefixtures("own_keys")
def test_active_accounts_come_page_by_page_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> list[tuple[Member, ...]]:
        async with Wire(answer) as wire:
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{wire.port}")
            return await listed()

    assert asyncio.run(run()) == [
        (Member("111111111111", "name of 111111111111"),),
        (Member("333333333333", "333333333333"),),
    ]


def test_accounts_are_known_before_the_last_page_has_come(simulator: Simulator) -> None:
    for number in range(60):
        simulator.fleet.add_account(account_id=f"{number:012}")
    simulator.faults.add(Fault(Silence(), operation="ListAccounts", page=Page.LATER))

    async def run() -> int:
        found = 0
        async with readers_of() as readers:
            with pytest.raises(ReadFailure) as failure:  # noqa: PT012 - the pages before it count
                async for page in readers.organization_reader("all", Access(), (REGION,), OPTIONS).pages(4):
                    found += len(page)
        assert failure.value.reason is Reason.TIMEOUT
        return found

    assert asyncio.run(run()) == 20


@pytest.mark.parametrize(
    "kind",
    [Throttled(), Error(400, "TooManyRequestsException"), ConnectionReset(), Error(500, "ServiceException")],
    ids=["throttled", "too many", "reset", "500"],
)
def test_a_page_is_asked_for_six_times(kind: Kind, simulator: Simulator) -> None:
    fault = simulator.faults.add(Fault(kind, operation="ListAccounts", times=5))
    assert ids(asyncio.run(listed(clock=FakeClock()))) == ["999999999999", "111122223333"]
    assert fault.hits == 5
    always = simulator.faults.add(Fault(kind, operation="ListAccounts"))
    with pytest.raises(ReadFailure):
        asyncio.run(listed(clock=FakeClock()))
    assert always.hits == 6


def test_a_denial_is_told_at_once(simulator: Simulator) -> None:
    denied = simulator.faults.add(Fault(Error(400, "AccessDeniedException"), operation="ListAccounts"))
    with pytest.raises(ReadFailure) as failure:
        asyncio.run(listed())
    assert (failure.value.reason, denied.hits) == (Reason.ACCESS_DENIED, 1)


def test_a_list_without_end_is_malformed(simulator: Simulator) -> None:
    loop = simulator.faults.add(Fault(Tokens.repeating("a", "b"), operation="ListAccounts"))
    with pytest.raises(ReadFailure) as failure:
        asyncio.run(listed())
    assert (failure.value.reason, loop.hits) == (Reason.MALFORMED, 3)


def test_a_list_that_hangs_ends_in_time(simulator: Simulator) -> None:
    simulator.faults.add(Fault(Silence(), operation="ListAccounts"))
    started = time.monotonic()
    with pytest.raises(ReadFailure) as failure:
        asyncio.run(listed(0.2))
    assert failure.value.reason is Reason.TIMEOUT
    assert time.monotonic() - started < 5
