"""A server of ours in a thread, as the process runs it, with deadlines that a test can wait for."""

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from exporter.web.guard import Limits
from exporter.web.server import listen, run
from exporter.web.tls import WebConfigFile
from tests.support.fetch import Response, fetch
from tests.support.log import Log

_START_SECONDS = 10
_STOP_SECONDS = 10
_THREADS = 4


@dataclass
class Serving:
    """Serves an application on a free loopback port until the end of a `with`."""

    app: web.Application
    limits: Limits = field(default_factory=Limits)
    web_config: WebConfigFile | None = None
    log: Log = field(default_factory=Log)
    port: int = 0

    def __enter__(self) -> Self:
        self._sock = listen("127.0.0.1:0")
        self.port = self._sock.getsockname()[1]
        self._started = threading.Event()
        self._errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._started.wait(_START_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._thread.join(_STOP_SECONDS)
        assert not self._thread.is_alive(), "it did not stop"
        assert not self._errors, self._errors

    def get(self, path: str, headers: Mapping[str, str] | None = None, **options: Any) -> Response:  # noqa: ANN401 - of `fetch`
        scheme = "https" if options.get("tls") else "http"
        return fetch(f"{scheme}://127.0.0.1:{self.port}{path}", headers, **options)

    def stop(self) -> None:
        """Tell it to end, and do not wait for it."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)

    def tasks(self) -> int:
        return asyncio.run_coroutine_threadsafe(_count_tasks(), self._loop).result(_STOP_SECONDS)

    def start_threads(self) -> None:
        """Have the event loop start all threads that it may ever use."""
        asyncio.run_coroutine_threadsafe(_start_threads(), self._loop).result(_STOP_SECONDS)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - told in the test's own thread
            self._errors.append(error)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._loop.call_soon(self._started.set)  # once it has begun to accept
        await run(self.app, [self._sock], self._stop, self.log.logger, limits=self.limits, web_config=self.web_config)


async def _start_threads() -> None:
    executor = ThreadPoolExecutor(_THREADS)
    asyncio.get_running_loop().set_default_executor(executor)
    together = threading.Barrier(_THREADS)
    await asyncio.gather(*(asyncio.to_thread(together.wait, _STOP_SECONDS) for _ in range(_THREADS)))


async def _count_tasks() -> int:
    return len(asyncio.all_tasks()) - 1
