"""The collector as it runs: polls in flight, listings that come in, pages that follow."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from exporter.cases.model import Reason
from exporter.cases.report import Finding
from exporter.collector.collector import Plan
from exporter.collector.ports import Target
from exporter.collector.publisher import pause_after
from exporter.errors import ReadFailure
from exporter.metrics.exposition import TextFormat
from exporter.metrics.families import Sample
from tests.collector.conftest import A, B, C, World

BROKE_OFF = ReadFailure(Reason.UNREACHABLE, "ListAccounts: broke off")


@pytest.fixture
def world() -> World:
    return World()


async def until(condition: Callable[[], object]) -> None:
    """Wait until something holds; it has to within 10 s."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the collector has no event for all that tests wait for
            await asyncio.sleep(0.005)


@asynccontextmanager
async def running(world: World, plan: Plan) -> AsyncIterator[None]:
    """Run a collector meanwhile, by a plan."""
    collecting = asyncio.create_task(world.collector.run())
    try:
        await world.apply(plan)
        yield
    finally:
        collecting.cancel()
        await asyncio.gather(collecting, return_exceptions=True)
        assert len(asyncio.all_tasks()) == 1, "no task is left"


def polled(world: World, *account_ids: str) -> int:
    return sum(len(world.sources[account_id].timeouts) for account_id in account_ids)


class Listing:
    """An organization whose list comes in page by page, each when it is let."""

    name = "acme"
    refresh_interval = 3600.0
    selects_by_tags = False
    excluded: int | None = None

    def __init__(self, *pages: Sequence[Target] | Exception, let: int = 0) -> None:
        self.let = asyncio.Semaphore(let)
        self.found = pages
        self.listed: list[Target] = []

    async def pages(self, _: float) -> AsyncIterator[Sequence[Target]]:
        for page in self.found:
            await self.let.acquire()
            if isinstance(page, Exception):
                raise page
            self.listed += page
            yield page

    def known(self) -> Sequence[Target]:
        return self.listed

    async def look_up(self, _: Callable[[str], bool], __: int) -> tuple[float, Sequence[Finding], None]:
        return float("inf"), (), None


async def test_accounts_are_polled_while_their_list_still_comes_in(world: World) -> None:
    listing = Listing([world.target(A)], [world.target(B)], let=1)
    async with running(world, world.plan(discoveries=[listing])):
        await until(lambda: polled(world, A))
        assert polled(world, B) == 0
        assert not world.collector.publisher.ready
        listing.let.release()
        await until(lambda: world.collector.publisher.ready and polled(world, B))


async def test_a_listing_that_breaks_off_keeps_the_accounts_that_it_found(world: World) -> None:
    listing = Listing([world.target(A)], BROKE_OFF, let=2)
    async with running(world, world.plan(discoveries=[listing])):
        await until(lambda: world.collector.publisher.ready)
        (organization,) = world.collector.publisher.snapshot.organizations
        assert (organization.accounts, organization.reason) == (1, Reason.UNREACHABLE)
        assert polled(world, A) == 1


@pytest.mark.parametrize("slow", ["discovery", "schedule"])
async def test_accounts_and_lists_tell_each_other_what_passed(world: World, slow: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"exporter.collector.{slow}.UNTIL_PASSED", (60.0, 1.0))
    missing = ReadFailure(Reason.CREDENTIALS, "x", passes=True)
    listing = Listing(missing, let=1)
    world.answer(missing, A)
    async with running(world, world.plan(A, discoveries=[listing])):
        await until(lambda: polled(world, A) and world.collector.discoverer.all_tried())
        world.answer((), A)
        listing.found = ([world.target(B)],)
        listing.let.release()
        await until(lambda: polled(world, B) and world.status(A).last_success)


async def test_a_reload_keeps_a_poll_in_flight_unless_its_account_goes(world: World) -> None:
    plan, without = world.plan(A, B, C), world.plan(A, C)
    for account_id in (A, B):
        world.sources[account_id].let.clear()
    async with running(world, plan):
        await until(lambda: polled(world, A, B) == 2 and world.status(C).last_poll)
        tasks = len(asyncio.all_tasks())
        await world.apply(without)
        assert len(asyncio.all_tasks()) == tasks - 1
        for account_id in (A, B):
            world.sources[account_id].let.set()
        await world.apply(plan)
        await until(lambda: world.status(A).last_poll and world.status(B).last_poll)
        assert (polled(world, A), polled(world, B)) == (1, 2), "what comes back is new"
        assert b"cases_opened_total" in world.store.uncompressed(TextFormat.PROMETHEUS)


async def test_no_more_accounts_are_polled_at_a_time_than_the_plan_says(world: World) -> None:
    plan = world.plan(A, B, C, concurrency=2)
    for source in world.sources.values():
        source.let.clear()
    async with running(world, plan):
        await until(lambda: polled(world, A, B, C) == 2)
        await asyncio.sleep(0.02)
        assert polled(world, A, B, C) == 2
        world.collector.apply(world.plan(A, B, C, concurrency=3))
        await until(lambda: polled(world, A, B, C) == 3)
        for source in world.sources.values():
            source.let.set()
        await until(world.collector.accounts.all_polled.is_set)


async def test_a_task_that_crashes_is_logged_and_told_as_a_health_problem() -> None:
    answers: list[tuple[Sample, ...]] = [()]
    broken = World(answers.pop)
    async with running(broken, broken.plan(A)):
        await until(broken.collector.health_problems)
        assert broken.collector.health_problems()[0].startswith("publish task crashed: IndexError in publish")
        assert "task crashed" in broken.log.events
        assert "empty list" not in str(broken.log.lines)


async def test_others_have_their_turn_while_hundreds_fail_at_once(world: World) -> None:
    accounts = [f"{number:012d}" for number in range(500)]
    world.answer(ReadFailure(Reason.UNREACHABLE, "the circuit is open"), *accounts)
    plan, turns = world.plan(*accounts), 0

    async def other() -> None:
        nonlocal turns
        while not world.collector.accounts.all_polled.is_set():
            await asyncio.sleep(0)
            turns += 1

    others = asyncio.create_task(other())
    async with running(world, plan):
        await others
    assert turns > len(accounts) / plan.concurrency


@pytest.mark.parametrize(("cost", "pause"), [(0.0, 1.0), (0.01, 1.0), (0.1, 5.0), (10.0, 15.0)])
def test_pages_take_a_small_share_of_a_core(cost: float, pause: float) -> None:
    assert pause_after(cost) == pytest.approx(pause)
