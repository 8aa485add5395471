import threading

import pytest

from exporter.loop_thread import LoopThread
from tests.support.waiting import wait_until


def test_a_thread_that_has_crashed_is_told_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    crashes: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", crashes.append)

    async def work() -> None:
        raise LookupError

    thread = LoopThread("collector", work())
    wait_until(lambda: thread.problems() or None, 10, lambda: "it still runs")
    thread.stop(1.0)
    assert thread.problems() == ["collector thread crashed"]
    assert [crash.exc_type for crash in crashes] == [LookupError]
