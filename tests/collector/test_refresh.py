"""An account that a person has polled at once; on a fake clock."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from exporter.cases.events import Event
from exporter.cases.model import Reason
from exporter.cases.report import AccountReport
from exporter.cases.status import AccountState
from exporter.errors import ReadFailure
from tests.collector.conftest import STALE_AFTER, World
from tests.support.cases import case
from tests.support.clock import FakeClock

A, B = "111111111111", "222222222222"
Refreshing = asyncio.Task[tuple[AccountReport, bool] | None]


async def begun(work: Coroutine[Any, Any, tuple[AccountReport, bool] | None]) -> Refreshing:
    task = asyncio.create_task(work)
    await asyncio.sleep(0)
    return task


async def answer(task: Refreshing) -> tuple[AccountReport, bool]:
    found = await asyncio.wait_for(task, 5)
    assert found is not None
    return found


async def polled(world: World[FakeClock], *account_ids: str) -> None:
    await world.assign(*account_ids)
    await world.poll_due()
    world.clock.advance(1)


async def test_an_account_is_polled_at_once_and_the_answer_has_what_the_page_then_shows(world: World[FakeClock]) -> None:
    await polled(world, A, B)
    asked = await begun(world.collector.refresh(A))
    world.sources[A].outcome = (case(),)
    (entry,) = world.collector.accounts.due()
    await world.collector.poll(entry)
    assert not asked.done(), "no page shows it yet"
    await world.collector.publisher.publish()
    account, is_read = await answer(asked)
    assert (is_read, account.state, len(account.cases or ())) == (True, AccountState.OK, 1)
    shown = {each.account.account_id: each for each in world.collector.publisher.snapshot.statuses}
    assert shown[A] is account.status


async def test_what_is_not_polled_here_is_none(world: World[FakeClock]) -> None:
    await polled(world, A)
    assert await world.collector.refresh(B) is None


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.THROTTLED])
async def test_an_account_that_fails_is_polled_and_the_answer_says_why(reason: Reason, world: World[FakeClock]) -> None:
    await world.assign(A)
    world.sources[A].outcome = ReadFailure(reason, "why")
    await polled(world, A)
    asked = await begun(world.collector.refresh(A))
    assert await world.poll_due() == [A]
    account, is_read = await answer(asked)
    assert (is_read, account.reason, account.detail, account.cases) == (True, reason, "why", None)


async def test_a_stale_account_is_polled(world: World[FakeClock]) -> None:
    await polled(world, A)
    world.sources[A].outcome = ReadFailure(Reason.TIMEOUT, "slow")
    world.clock.advance(STALE_AFTER)
    await world.poll_due()
    world.sources[A].outcome = ()
    asked = await begun(world.collector.refresh(A))
    assert await world.poll_due() == [A]
    assert (await answer(asked))[0].state is AccountState.OK


async def test_a_throttled_account_keeps_to_its_pause_and_the_answer_comes_at_once(world: World[FakeClock]) -> None:
    await world.assign(A)
    world.sources[A].outcome = ReadFailure(Reason.THROTTLED, "slow down")
    for _ in range(5):
        await world.poll_due()
        world.clock.advance(85)
    await world.poll_due()
    before = world.status(A)
    account, is_read = await answer(await begun(world.collector.refresh(A)))
    assert (is_read, account.reason, account.status.next_poll) == (False, Reason.THROTTLED, before.next_poll)
    assert await world.poll_due() == []


async def test_those_who_ask_for_an_account_that_is_being_polled_get_that_poll(world: World[FakeClock]) -> None:
    await polled(world, A)
    asked = [await begun(world.collector.refresh(A))]
    (entry,) = world.collector.accounts.due()
    release = world.sources[A].release = asyncio.Event()
    entry.polling = True
    polling = asyncio.create_task(world.collector.poll(entry))
    asked += [await begun(world.collector.refresh(A)) for _ in range(5)]
    release.set()
    await polling
    await world.collector.publisher.publish()
    assert [(await answer(task))[1] for task in asked] == [True] * 6
    world.clock.advance(30)
    assert await world.poll_due() == []
    assert len(world.sources[A].timeouts) == 2


@pytest.mark.parametrize("outcome", [(), ReadFailure(Reason.ACCESS_DENIED, "no")])
async def test_a_flood_has_an_account_polled_every_five_seconds(
    outcome: tuple[()] | ReadFailure, world: World[FakeClock]
) -> None:
    await polled(world, A)
    world.sources[A].outcome = outcome
    polls, asked = list[float](), list[Refreshing]()
    for half in range(60):
        asked += [await begun(world.collector.refresh(A)) for _ in range(3)]
        if await world.poll_due():
            polls.append(half / 2)
        world.clock.advance(0.5)
    assert polls == [0, 5, 10, 15, 20, 25]
    (entry,) = world.collector.accounts.entries()
    assert (len(entry.asked), len(entry.events)) <= (2, 100)
    for task in asked:
        task.cancel()


async def test_what_events_ask_for_stays_asked_for(world: World[FakeClock]) -> None:
    await polled(world, A)
    world.collector.accounts.note(Event(A))
    assert await world.poll_due() == [A]
    world.clock.advance(30)
    asked = await begun(world.collector.refresh(A))
    assert await world.poll_due() == [A]
    assert (await answer(asked))[1]
    world.clock.advance(60)
    assert await world.poll_due() == [A], "as after any event, once more"
