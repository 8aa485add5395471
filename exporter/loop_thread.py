"""An event loop in a thread of its own."""

import asyncio
import threading
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """A daemon thread that runs a coroutine: what it waits for must not keep the process from ending."""

    def __init__(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._loop = asyncio.new_event_loop()
        self._main = self._loop.create_task(work)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def stop(self, seconds: float) -> None:
        """Cancel what runs, and wait for its end, but not longer."""
        with suppress(RuntimeError):  # the thread has crashed, and its loop is closed
            self._loop.call_soon_threadsafe(self._main.cancel)
        self._thread.join(seconds)

    def problems(self) -> list[str]:
        return [] if self._thread.is_alive() else [f"{self._thread.name} thread crashed"]

    def _run(self) -> None:
        with suppress(asyncio.CancelledError), asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._wait())

    async def _wait(self) -> None:
        await self._main
