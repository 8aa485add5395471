"""The collector as it runs: polls in flight, listings that come in, pages that follow."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from exporter.cases.model import Reason
from exporter.cases.report import Finding
from exporter.clock import SystemClock
from exporter.collector.collector import Plan
from exporter.collector.ports import Target
from exporter.errors import ReadFailure
from exporter.metrics.exposition import TextFormat
from exporter.metrics.families import Sample
from tests.collector.conftest import World

A, B, C = "111111111111", "222222222222", "333333333333"


@pytest.fixture
def world() -> World[SystemClock]:
    """Return a collector on the machine's own clock."""
    return World(SystemClock())


async def until(condition: Callable[[], object]) -> None:
    """Wait until something holds; it has to within 10 s."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the collector has no event for all that tests wait for
            await asyncio.sleep(0.005)


async def reload(world: World[SystemClock], plan: Plan) -> None:
    world.collector.apply(plan)
    await world.collector.publisher.publish()


@asynccontextmanager
async def running(world: World[SystemClock], plan: Plan) -> AsyncIterator[None]:
    """Run a collector meanwhile, by a plan."""
    collecting = asyncio.create_task(world.collector.run())
    try:
        await reload(world, plan)
        yield
    finally:
        collecting.cancel()
        await asyncio.gather(collecting, return_exceptions=True)
        assert len(asyncio.all_tasks()) == 1, "no task is left"


def hold(world: World[SystemClock], *account_ids: str) -> None:
    """Let the polls of these accounts wait until they are released."""
    for account_id in account_ids:
        world.target(account_id)
        world.sources[account_id].release = asyncio.Event()


def release(world: World[SystemClock], account_id: str) -> None:
    event = world.sources[account_id].release
    assert event is not None
    event.set()


def polled(world: World[SystemClock], account_id: str) -> int:
    return len(world.sources[account_id].timeouts)


class Listing:
    """An organization whose list comes in page by page, each when it is let."""

    name = "acme"
    refresh_interval = 3600.0
    selects_by_tags = False

    def __init__(self, *pages: Sequence[Target] | Exception) -> None:
        self.let = asyncio.Semaphore(0)
        self.found = pages
        self.listed: list[Target] = []
        self.excluded: int | None = None

    async def pages(self, timeout: float) -> AsyncIterator[Sequence[Target]]:  # noqa: ASYNC109 - as the reader's own
        del timeout
        for page in self.found:
            await self.let.acquire()
            if isinstance(page, Exception):
                raise page
            self.listed += page
            yield page

    def known(self) -> Sequence[Target]:
        return self.listed

    async def look_up(self, owns: Callable[[str], bool], most: int) -> tuple[float, Sequence[Finding], None]:
        del owns, most
        return float("inf"), (), None


async def test_accounts_are_polled_while_their_list_still_comes_in(world: World[SystemClock]) -> None:
    listing = Listing([world.target(A)], [world.target(B)])
    async with running(world, world.plan(discoveries=[listing])):
        listing.let.release()
        await until(lambda: polled(world, A))
        assert polled(world, B) == 0
        assert not world.collector.publisher.ready
        listing.let.release()
        await until(lambda: world.collector.publisher.ready and polled(world, B))


async def test_a_listing_that_breaks_off_keeps_the_accounts_that_it_found(world: World[SystemClock]) -> None:
    listing = Listing([world.target(A)], ReadFailure(Reason.UNREACHABLE, "ListAccounts: broke off"))
    listing.let.release()
    listing.let.release()
    async with running(world, world.plan(discoveries=[listing])):
        await until(lambda: world.collector.publisher.ready)
        (organization,) = world.collector.publisher.snapshot.organizations
        assert (organization.accounts, organization.reason) == (1, Reason.UNREACHABLE)
        assert polled(world, A) == 1


@pytest.mark.parametrize("slow", ["discovery", "schedule"])
async def test_accounts_and_lists_tell_each_other_when_there_are_credentials_again(
    world: World[SystemClock], slow: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"exporter.collector.{slow}.UNTIL_PASSED", (60.0, 1.0))
    missing = ReadFailure(Reason.CREDENTIALS, "x", passes=True)
    listing = Listing(missing)
    plan = world.plan(A, discoveries=[listing])
    world.sources[A].outcome = missing
    listing.let.release()
    async with running(world, plan):
        await until(lambda: polled(world, A) and world.collector.discoverer.all_tried())
        world.sources[A].outcome, listing.found = (), ([world.target(B)],)
        listing.let.release()
        await until(lambda: polled(world, B) and world.status(A).last_success)


async def test_a_poll_in_flight_survives_a_reload_that_does_not_change_its_account(world: World[SystemClock]) -> None:
    hold(world, A)
    async with running(world, world.plan(A)):
        await until(lambda: polled(world, A))
        await reload(world, world.plan(A, B))
        release(world, A)
        await until(lambda: world.status(A).last_poll)
        assert polled(world, A) == 1


async def test_a_poll_in_flight_of_an_account_that_goes_is_dropped(world: World[SystemClock]) -> None:
    hold(world, A)
    async with running(world, world.plan(A, B)):
        await until(lambda: polled(world, A) and polled(world, B))
        await reload(world, world.plan(B))
        release(world, A)
        await reload(world, world.plan(A, B))
        await until(lambda: world.status(A).last_poll)
        assert polled(world, A) == 2, "what comes back is new"
        assert b"cases_opened_total" in world.store.uncompressed(TextFormat.PROMETHEUS)


async def test_no_more_accounts_are_polled_at_a_time_than_the_plan_says(world: World[SystemClock]) -> None:
    hold(world, A, B, C)
    async with running(world, world.plan(A, B, C, concurrency=2)):
        await until(lambda: sum(polled(world, each) for each in (A, B, C)) == 2)
        await asyncio.sleep(0.02)
        assert sum(polled(world, each) for each in (A, B, C)) == 2
        for each in (A, B, C):
            release(world, each)
        await until(world.collector.accounts.all_polled.is_set)


async def test_polling_once_polls_what_is_configured_and_what_is_listed_and_says_how_far_it_is(
    world: World[SystemClock],
) -> None:
    listing = Listing([world.target(B)], [world.target(C)])
    listing.let.release()
    listing.let.release()
    told: list[str] = []
    await reload(world, world.plan(A, discoveries=[listing]))
    await world.collector.run_once(told.append)
    assert (told[0], told[-1]) == ("Polling accounts 0/1", "Polling accounts 3/3")
    assert [polled(world, each) for each in (A, B, C)] == [1, 1, 1]
    assert world.collector.publisher.ready


async def test_a_task_that_crashes_is_logged_and_told_as_a_health_problem() -> None:
    answers: list[tuple[Sample, ...]] = [()]
    broken = World(SystemClock(), answers.pop)
    async with running(broken, broken.plan(A)):
        await until(broken.collector.health_problems)
        assert broken.collector.health_problems()[0].startswith("publish task crashed: IndexError in publish")
        assert "task crashed" in broken.log.events
        assert "empty list" not in str(broken.log.lines)


async def test_others_have_their_turn_while_thousands_fail_at_once(world: World[SystemClock]) -> None:
    account_ids = [f"{number:012d}" for number in range(2000)]
    plan = world.plan(*account_ids)
    for source in world.sources.values():
        source.outcome = ReadFailure(Reason.UNREACHABLE, "the circuit is open")
    turns = 0

    async def other() -> None:
        nonlocal turns
        while not world.collector.accounts.all_polled.is_set():
            await asyncio.sleep(0)
            turns += 1

    others = asyncio.create_task(other())
    async with running(world, plan):
        await others
    assert turns > len(account_ids) / plan.concurrency
