"""Reloads the configuration while the exporter runs: on request, on SIGHUP, or when the file changes."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import InitVar, dataclass
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from exporter.config.yaml_lines import read
from exporter.errors import ConfigError, internal
from exporter.metrics import catalog
from exporter.metrics.families import Sample

_MOST_LOGGED = 20


@dataclass(frozen=True, slots=True)
class LastReload:
    """The Unix time of the last successful reload, and what is wrong with the file that was read after it."""

    succeeded_at: float
    problems: tuple[str, ...] = ()

    def samples(self) -> Iterator[Sample]:
        yield Sample(catalog.CONFIG_RELOAD_SUCCESSFUL, {}, not self.problems)
        yield Sample(catalog.CONFIG_RELOAD_SUCCESS, {}, self.succeeded_at)


@dataclass(eq=False, repr=False)
class Reloader:
    """Applies a changed configuration file, or leaves everything as it is and says why; to be used on one event loop.

    Without a file it applies `content` again, which polls failed accounts at once. A reload that has not begun stands for all
    that are asked for meanwhile: it will read what is in the file then. `last` is how the last one went.
    """

    path: Path | None
    content: InitVar[bytes]
    apply: Callable[[bytes], Awaitable[None]]
    publish: Callable[[], Awaitable[None]]
    now: Callable[[], float]
    log: FilteringBoundLogger

    def __post_init__(self, content: bytes) -> None:
        self.last = LastReload(self.now())
        self._file = str(self.path or "none")
        self._content = b"" if self.path else content
        self._seen: bytes | None = content
        self._lock = asyncio.Lock()
        self._next: asyncio.Task[Sequence[str]] | None = None

    async def by_request(self) -> Sequence[str]:
        return await asyncio.shield(self.request("request"))  # others may wait for the same one

    async def watch(self, interval: float) -> None:
        """Reload whenever the file has changed, looking at it every `interval` seconds, until cancelled."""
        while True:
            await asyncio.sleep(interval)
            content: bytes | None = None
            with suppress(ConfigError):
                content = await asyncio.to_thread(self._read)
            if content != self._seen:
                await self.request("file")

    def request(self, cause: str) -> asyncio.Task[Sequence[str]]:
        if self._next is None:
            self._next = asyncio.create_task(self._reload(cause))
        return self._next

    async def _reload(self, cause: str) -> Sequence[str]:
        async with self._lock:
            self._next = None
            problems = await self._attempt()
            if problems:
                self.last = LastReload(self.last.succeeded_at, problems)
                for problem in problems[:_MOST_LOGGED]:
                    self.log.error("reloading configuration failed", cause=cause, problem=problem)
            else:
                self.last = LastReload(self.now())
                self.log.info("configuration reloaded", cause=cause, file=self._file)
            with suppress(Exception):  # the next page shows it; a bug in publishing is the publisher's, and told by health
                await self.publish()
            return problems

    async def _attempt(self) -> tuple[str, ...]:
        self._seen = None
        try:
            content = self._seen = await asyncio.to_thread(self._read)
            await self.apply(content)
        except ConfigError as error:
            return error.problems
        except Exception as error:  # noqa: BLE001 - a bug here must not end the exporter that runs
            return (f"{self._file}: {internal(error)}; it may be partially applied: restart the exporter",)
        return ()

    def _read(self) -> bytes:
        return read(self.path) if self.path else self._content
