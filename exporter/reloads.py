"""Reloads by whoever asks for them: a request, a signal, a look at the file."""

import asyncio
import threading
from asyncio import shield, wrap_future
from collections.abc import Sequence
from concurrent.futures import Future as Promise
from concurrent.futures import ThreadPoolExecutor

from structlog.typing import FilteringBoundLogger

from exporter.reload import LastReload, Reloader
from exporter.web.routes import ReloadRefused

_MOST_WAITING = 4


class Reloads:
    """Has the configuration read again in a thread of its own, one time after the other.

    A reload that has not begun stands for all that are asked for meanwhile: it will read what is in the file then.

    Args:
        reloader: Does it, or what to say when there is nothing to be read again.
        started_at: When the first configuration was read (Unix seconds).
        lifecycle: Whether requests may ask for it.
        log: Where a signal is answered that asks for nothing.
    """

    def __init__(self, reloader: Reloader | str, started_at: float, *, lifecycle: bool, log: FilteringBoundLogger) -> None:
        self._reloader = reloader
        self._at_start = LastReload(started_at)
        self._lifecycle = lifecycle
        self._log = log
        self._executor = ThreadPoolExecutor(1, "reload")
        self._lock = threading.Lock()
        self._next: Promise[Sequence[str]] | None = None
        self._waiting = 0

    @property
    def last(self) -> LastReload:
        """How the configuration was last read."""
        return self._at_start if isinstance(self._reloader, str) else self._reloader.last

    async def by_request(self) -> Sequence[str]:
        """Have it done, and return every problem.

        Raises:
            ReloadRefused: Requests may not ask for it, there is nothing to be read again, or too many wait for it already;
                each keeps another request from being answered.
        """
        if not self._lifecycle:
            raise ReloadRefused("the exporter was started without --web.enable-lifecycle")
        if isinstance(self._reloader, str):
            raise ReloadRefused(self._reloader)
        if self._waiting >= _MOST_WAITING:
            raise ReloadRefused("too many wait for that already; try again in a second", 429)
        self._waiting += 1
        try:
            return await shield(
                wrap_future(self._ask(self._reloader, "request"))
            )  # who goes away does not take it from the others
        finally:
            self._waiting -= 1

    def by_signal(self) -> None:
        """Have it done, and do not wait for it."""
        if isinstance(self._reloader, str):
            self._log.warning("nothing to reload", cause="SIGHUP", reason=self._reloader)
        else:
            self._ask(self._reloader, "SIGHUP")

    async def watch(self, interval: float | None) -> None:
        """Have it done whenever the file has changed.

        Args:
            interval: Seconds from one look at the file to the next, or None to take none.
        """
        while interval is not None and not isinstance(self._reloader, str):
            await asyncio.sleep(interval)
            await wrap_future(self._executor.submit(self._reloader.reload_if_changed))

    def stop(self) -> None:
        """Begin no more of them."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _ask(self, reloader: Reloader, cause: str) -> Promise[Sequence[str]]:
        with self._lock:
            if self._next is None:
                self._next = self._executor.submit(self._reload, reloader, cause)
            return self._next

    def _reload(self, reloader: Reloader, cause: str) -> Sequence[str]:
        with self._lock:
            self._next = None
        return reloader.reload(cause)
