"""An account that a person has polled at once; on a fake clock."""

import asyncio

import pytest

from exporter.cases.events import Event
from exporter.cases.model import Reason
from exporter.cases.report import AccountReport
from exporter.errors import ReadFailure
from tests.collector.conftest import A, B, FakeWorld, Outcome

Refreshing = asyncio.Task[tuple[AccountReport, bool] | None]


async def ask(world: FakeWorld) -> Refreshing:
    task = asyncio.create_task(world.collector.refresh(A))
    await asyncio.sleep(0)
    return task


async def answer(task: Refreshing) -> tuple[AccountReport, bool]:
    found = await asyncio.wait_for(task, 5)
    assert found is not None
    return found


async def test_a_throttled_account_keeps_to_its_pause_and_the_answer_comes_at_once(world: FakeWorld) -> None:
    await world.fail(ReadFailure(Reason.THROTTLED, "slow down"), A)
    for _ in range(5):
        world.clock.advance(85)
        await world.poll_due()
    before = world.status(A)
    account, is_read = await answer(await ask(world))
    assert (is_read, account.reason, account.status.next_poll) == (False, Reason.THROTTLED, before.next_poll)
    assert await world.poll_due() == []
    assert await world.collector.refresh(B) is None, "it is not polled here"


@pytest.mark.parametrize("outcome", [(), ReadFailure(Reason.ACCESS_DENIED, "no")])
async def test_a_flood_has_an_account_polled_every_five_seconds(outcome: Outcome, world: FakeWorld) -> None:
    await world.assign(A)
    await world.poll_due()
    world.answer(outcome, A)
    polls, asked = list[float](), list[Refreshing]()
    for half in range(60):
        asked += [await ask(world) for _ in range(3)]
        if await world.poll_due():
            polls.append(half / 2)
        world.clock.advance(0.5)
    assert polls == [0, 5, 10, 15, 20, 25]
    (entry,) = world.collector.accounts.entries()
    assert (len(entry.asked), len(entry.events)) <= (2, 100)
    for task in asked:
        task.cancel()


async def test_what_events_ask_for_stays_asked_for(world: FakeWorld) -> None:
    await world.assign(A)
    await world.poll_due()
    world.collector.accounts.note(Event(A))
    assert await world.poll_due() == [A]
    world.clock.advance(30)
    asked = await ask(world)
    assert await world.poll_due() == [A]
    assert (await answer(asked))[1]
    world.clock.advance(60)
    assert await world.poll_due() == [A], "as after any event, once more"
