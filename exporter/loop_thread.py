"""An event loop in a thread of its own."""

import asyncio
import threading
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """A daemon thread with an event loop: what it waits for must not keep the process from ending."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop = asyncio.new_event_loop()
        self._thread: threading.Thread | None = None
        self._main: asyncio.Task[None] | None = None

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine, until it ends or is stopped."""

        async def main() -> None:
            self._main = asyncio.create_task(work)
            await self._main

        def run() -> None:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                try:
                    runner.run(main())
                except asyncio.CancelledError:
                    return

        self._thread = threading.Thread(target=run, name=self._name, daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Run a coroutine in the thread, and return what the caller's loop can wait for."""
        return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def stop(self, seconds: float) -> None:
        """Cancel what runs, and wait for its end, but not longer."""
        if self._main is not None:
            self._loop.call_soon_threadsafe(self._main.cancel)
        if self._thread is not None:
            self._thread.join(seconds)

    def problems(self) -> list[str]:
        """Return that the thread has ended, if it has."""
        return [] if self._thread is not None and self._thread.is_alive() else [f"{self._name} thread crashed"]
