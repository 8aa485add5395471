import asyncio
import threading
from collections.abc import Sequence
from typing import cast

import pytest

from exporter.reload import Reloader
from exporter.reloads import Reloads, TooManyReloadsError


class Slow:
    """Reloads when it is told to, and counts."""

    def __init__(self) -> None:
        self.causes: list[str] = []
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)

    def reload(self, cause: str) -> Sequence[str]:
        self.causes.append(cause)
        self.begun.release()
        assert self.go_on.acquire(timeout=5)
        return (f"problem {len(self.causes)}",)


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def reloads(slow: Slow) -> Reloads:
    return Reloads(cast("Reloader", slow))


def test_one_that_has_not_begun_stands_for_all_that_are_asked_for(slow: Slow, reloads: Reloads) -> None:
    first = reloads.ask("first")
    assert slow.begun.acquire(timeout=5)
    later = [reloads.ask(f"SIGHUP {number}") for number in range(10_000)]
    slow.go_on.release(2)
    assert first.result(5) == ("problem 1",)
    assert {promise.result(5) for promise in later} == {("problem 2",)}
    assert slow.causes == ["first", "SIGHUP 0"], "what is in the file is read once more, not ten thousand times"
    reloads.stop()


def test_few_wait_at_a_time_and_who_goes_away_takes_it_from_nobody(slow: Slow, reloads: Reloads) -> None:
    async def ask() -> Sequence[str]:
        waiting = [asyncio.create_task(reloads.wait("request")) for _ in range(4)]
        await asyncio.sleep(0)
        with pytest.raises(TooManyReloadsError):
            await reloads.wait("request")
        for task in waiting[:3]:
            task.cancel()
        slow.go_on.release(2)
        return await waiting[3]

    assert asyncio.run(ask())
    assert len(slow.causes) <= 2
    reloads.stop()
