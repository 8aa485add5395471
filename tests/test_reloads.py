import asyncio
import threading
from collections.abc import Iterator, Sequence
from typing import cast

import pytest
import structlog
from structlog.testing import CapturingLogger

from exporter.reload import LastReload, Reloader
from exporter.reloads import Reloads
from exporter.web.routes import ReloadRefused

STARTED = 1000.0


class Slow:
    """Reloads when it is told to, and counts."""

    def __init__(self) -> None:
        self.causes: list[str] = []
        self.looks = threading.Semaphore(0)
        self.looked = 0
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)
        self.last = LastReload(STARTED + 1)

    def reload(self, cause: str) -> Sequence[str]:
        self.causes.append(cause)
        self.begun.release()
        assert self.go_on.acquire(timeout=5)
        return (f"problem {len(self.causes)}",)

    def reload_if_changed(self) -> None:
        self.looked += 1
        self.looks.release()


def reloads_of(reloader: Slow | str, *, lifecycle: bool = True) -> tuple[Reloads, CapturingLogger]:
    log = CapturingLogger()
    wrapped = structlog.wrap_logger(
        log, wrapper_class=structlog.make_filtering_bound_logger(0), processors=[lambda *entry: entry[2]]
    )
    return Reloads(cast("Reloader | str", reloader), STARTED, lifecycle=lifecycle, log=wrapped), log


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def reloads(slow: Slow) -> Iterator[Reloads]:
    reloads, _ = reloads_of(slow)
    yield reloads
    slow.go_on.release(9)
    reloads.stop()


def test_one_that_has_not_begun_stands_for_all_that_are_asked_for(slow: Slow, reloads: Reloads) -> None:
    async def ask() -> Sequence[str]:
        waiting = asyncio.create_task(reloads.by_request())
        await asyncio.sleep(0)
        slow.go_on.release(2)
        return await waiting

    reloads.by_signal()
    assert slow.begun.acquire(timeout=5)
    for _ in range(10_000):
        reloads.by_signal()

    assert asyncio.run(ask()) == ("problem 2",)
    assert slow.causes == ["SIGHUP", "SIGHUP"], "what is in the file is read once more, not ten thousand times"


def test_few_requests_wait_at_a_time_and_who_goes_away_takes_it_from_nobody(slow: Slow, reloads: Reloads) -> None:
    async def ask() -> Sequence[str]:
        waiting = [asyncio.create_task(reloads.by_request()) for _ in range(4)]
        await asyncio.sleep(0)
        with pytest.raises(ReloadRefused, match="too many wait for that already; try again in a second") as refused:
            await reloads.by_request()
        assert refused.value.status == 429
        for task in waiting[:3]:
            task.cancel()
        slow.go_on.release(2)
        return await waiting[3]

    assert asyncio.run(ask())
    assert len(slow.causes) <= 2


def test_the_file_is_looked_at_again_and_again(slow: Slow, reloads: Reloads) -> None:
    async def watch() -> None:
        task = asyncio.create_task(reloads.watch(0))
        for _ in range(3):
            assert await asyncio.to_thread(slow.looks.acquire, timeout=5)
        task.cancel()

    asyncio.run(watch())


def test_without_an_interval_it_is_never_looked_at(slow: Slow, reloads: Reloads) -> None:
    asyncio.run(reloads.watch(None))
    assert slow.looked == 0


@pytest.mark.parametrize(
    ("reloader", "lifecycle", "message"),
    [
        (Slow(), False, "the exporter was started without --web.enable-lifecycle"),
        ("nothing to read", False, "the exporter was started without --web.enable-lifecycle"),
        ("nothing to read", True, "nothing to read"),
    ],
)
def test_a_request_that_may_not_be_granted_is_told_why(reloader: Slow | str, *, lifecycle: bool, message: str) -> None:
    reloads, _ = reloads_of(reloader, lifecycle=lifecycle)
    with pytest.raises(ReloadRefused, match=message) as refused:
        asyncio.run(reloads.by_request())
    assert refused.value.status == 403


def test_where_nothing_can_be_read_again_a_signal_is_answered_in_the_log_and_nothing_is_watched() -> None:
    reloads, log = reloads_of("nothing to read")
    reloads.by_signal()
    asyncio.run(reloads.watch(0))

    assert [call.kwargs for call in log.calls] == [
        {"event": "nothing to reload", "cause": "SIGHUP", "reason": "nothing to read"}
    ]


def test_the_last_reload_is_the_start_until_there_is_another(slow: Slow) -> None:
    assert reloads_of("nothing to read")[0].last == LastReload(STARTED)
    assert reloads_of(slow)[0].last is slow.last
