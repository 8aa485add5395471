"""When the configuration file is reloaded, and what becomes of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import chain, repeat
from pathlib import Path

import pytest

from exporter.config.settings import parse
from exporter.reload import LastReload, Reloader
from tests.support.log import Log

STARTED, LATER = 1000.0, 1050.0
PATIENT = "poll: {interval: 10m}"
ENOUGH_LOOKS = 0.1
"""Seconds in which a file that is looked at without a pause is looked at many times."""


class World:
    """A file, what reloads it, and what was applied of it: at once, or when a test lets it."""

    def __init__(self, path: Path | None, in_force: str = "{}") -> None:
        self.path = path or Path()
        self.applied: list[str] = []
        self.bug: Exception | None = None
        self.bug_in_publishing: Exception | None = None
        self.published = 0
        self.log = Log()
        self.let = asyncio.Event()
        self.let.set()
        now = chain([STARTED], repeat(LATER))
        self.reloader = Reloader(
            path, in_force.encode(), apply=self.apply, publish=self.publish, now=lambda: next(now), log=self.log.logger
        )

    def write(self, content: str) -> None:
        self.path.write_text(content)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something holds; it has to within 10 s."""
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - the reloader has no event for all that tests wait for
                await asyncio.sleep(0.005)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        watching = asyncio.create_task(self.reloader.watch(0))
        try:
            yield
        finally:
            watching.cancel()

    async def apply(self, content: bytes) -> None:
        self.applied.append(content.decode())
        parse(content, source="config.yaml", partition_of=lambda _: "aws")
        await self.let.wait()
        if self.bug:
            raise self.bug

    async def publish(self) -> None:
        self.published += 1
        if self.bug_in_publishing:
            raise self.bug_in_publishing


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path / "config.yaml")
    world.write("{}")
    return world


async def test_without_a_file_what_is_in_force_is_applied_again() -> None:
    world = World(None, PATIENT)
    assert await world.reloader.by_request() == ()
    assert (world.applied, world.published, world.reloader.last) == ([PATIENT], 1, LastReload(LATER))


async def test_a_file_is_watched_by_its_content(world: World) -> None:
    async with world.watching():
        world.write("{}")
        await asyncio.sleep(ENOUGH_LOOKS)
        assert (world.applied, world.published, world.log.events) == ([], 0, [])
        world.write(PATIENT)
        await world.until(lambda: world.published)
        await asyncio.sleep(ENOUGH_LOOKS)
        assert (world.applied, world.log.events) == ([PATIENT], ["configuration reloaded"])


@pytest.mark.parametrize("spoil", [lambda path: path.write_text("pool: {}"), Path.unlink], ids=["bad", "gone"])
async def test_a_watched_file_that_cannot_be_used_is_told_once_until_it_changes(
    world: World, spoil: Callable[[Path], object]
) -> None:
    async with world.watching():
        spoil(world.path)
        await world.until(lambda: world.published)
        await asyncio.sleep(ENOUGH_LOOKS)
        assert world.log.events == ["reloading configuration failed"]
        assert world.reloader.last.succeeded_at == STARTED
        assert world.reloader.last.problems
        world.write(PATIENT)
        await world.until(lambda: not world.reloader.last.problems)
        assert world.applied[-1] == PATIENT


async def test_a_reload_that_has_not_begun_stands_for_all_that_are_asked_for(world: World) -> None:
    world.let.clear()
    world.reloader.request("SIGHUP")
    await world.until(lambda: world.applied)
    for _ in range(10_000):
        world.reloader.request("SIGHUP")
    world.write(PATIENT)
    asked = asyncio.create_task(world.reloader.by_request())
    await asyncio.sleep(0)
    world.let.set()
    assert await asked == ()
    assert world.applied == ["{}", PATIENT], "what is in the file is read once more, not ten thousand times"


async def test_a_bug_leaves_what_was_and_is_told_by_its_place(world: World) -> None:
    world.bug = RuntimeError("cases: secret")
    (problem,) = await world.reloader.by_request()
    assert "RuntimeError in apply" in problem
    assert problem.endswith("; it may be partially applied: restart the exporter")
    assert "secret" not in problem + str(world.log.lines)
    assert world.reloader.last == LastReload(STARTED, (problem,))
    assert world.published == 1


async def test_a_bug_in_publishing_does_not_end_the_watch(world: World) -> None:
    world.bug_in_publishing = RuntimeError("can't start new thread")
    async with world.watching():
        world.write(PATIENT)
        await world.until(lambda: world.applied == [PATIENT])
        world.write("{}")
        await world.until(lambda: world.applied == [PATIENT, "{}"])
