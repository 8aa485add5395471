"""Reloads that are asked for faster than they can be done."""

import threading
from asyncio import Future, shield, wrap_future
from collections.abc import Sequence
from concurrent.futures import Future as Promise
from concurrent.futures import ThreadPoolExecutor

from exporter.reload import Reloader

_MOST_WAITING = 4


class TooManyReloadsError(Exception):
    """There are as many who wait for a reload as may be."""


class Reloads:
    """Has the configuration read again in a thread of its own, one time after the other.

    A reload that has not begun stands for all that are asked for meanwhile: it will read what is in the file then.

    Args:
        reloader: Does it.
    """

    def __init__(self, reloader: Reloader) -> None:
        self._reloader = reloader
        self._executor = ThreadPoolExecutor(1, "reload")
        self._lock = threading.Lock()
        self._next: Promise[Sequence[str]] | None = None
        self._waiting = 0

    def ask(self, cause: str) -> Promise[Sequence[str]]:
        """Have it done, and do not wait for it."""
        with self._lock:
            if self._next is None:
                self._next = self._executor.submit(self._reload, cause)
            return self._next

    async def wait(self, cause: str) -> Sequence[str]:
        """Have it done, and return every problem.

        Raises:
            TooManyReloadsError: Too many wait for it already; each keeps another request from being answered.
        """
        if self._waiting >= _MOST_WAITING:
            raise TooManyReloadsError
        self._waiting += 1
        try:
            return await shield(wrap_future(self.ask(cause)))  # who goes away does not take it from the others
        finally:
            self._waiting -= 1

    def look(self) -> Future[None]:
        """Have it done if the file has changed."""
        return wrap_future(self._executor.submit(self._reloader.reload_if_changed))

    def stop(self) -> None:
        """Begin no more of them."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _reload(self, cause: str) -> Sequence[str]:
        with self._lock:
            self._next = None
        return self._reloader.reload(cause)
