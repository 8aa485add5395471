"""Reading the configuration again while the exporter runs."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from exporter.config import Settings, read
from exporter.errors import ConfigError, internal
from exporter.metrics import catalog
from exporter.metrics.families import Sample

_MOST_LOGGED = 20


@dataclass(frozen=True, slots=True)
class LastReload:
    """How the configuration was last read.

    Attributes:
        succeeded_at: When the configuration in force was read (Unix seconds).
        problems: What is wrong with the one that was read after it; empty when there is none.
    """

    succeeded_at: float
    problems: tuple[str, ...] = ()


class Reloader:
    """Puts a changed configuration file in force, or leaves everything as it is and says why; used by one thread.

    Args:
        path: The file.
        content: What was in it at the start.
        parse: Makes a configuration of what is in the file.
        adopt: Puts a configuration in force, wholly, or raises.
        publish: Has a new page made, as the outcome is on it.
        now: Unix seconds.
        log: Where outcomes are told.
    """

    def __init__(
        self,
        path: Path,
        content: bytes,
        *,
        parse: Callable[[bytes], Settings],
        adopt: Callable[[Settings], None],
        publish: Callable[[], None],
        now: Callable[[], float],
        log: FilteringBoundLogger,
    ) -> None:
        self._path = path
        self._parse = parse
        self._adopt = adopt
        self._publish = publish
        self._now = now
        self._log = log
        self._seen: bytes | None = _checksum(content)
        self.last = LastReload(now())

    def reload(self, cause: str) -> Sequence[str]:
        """Read the file and put it in force.

        Args:
            cause: Who asked for it, in a word.

        Returns:
            Every problem with it; when there is any, nothing has changed.
        """
        problems = self._attempt()
        if problems:
            self.last = LastReload(self.last.succeeded_at, problems)
            for problem in problems[:_MOST_LOGGED]:
                self._log.error("configuration not reloaded", cause=cause, problem=problem)
        else:
            self.last = LastReload(self._now())
            self._log.info("configuration reloaded", cause=cause, file=str(self._path))
        self._publish()
        return problems

    def reload_if_changed(self) -> None:
        """Reload when the file holds something else than the last time, whichever way that came."""
        try:
            checksum = _checksum(read(self._path))
        except ConfigError:
            checksum = None
        if checksum != self._seen:
            self.reload("file")

    def _attempt(self) -> tuple[str, ...]:
        self._seen = None
        try:
            content = read(self._path)
            self._seen = _checksum(content)
            self._adopt(self._parse(content))
        except ConfigError as error:
            return error.problems
        except Exception as error:  # noqa: BLE001 - a bug here must not end the exporter that runs
            return (f"{self._path}: {internal(error)}",)
        return ()


def samples(last: LastReload) -> Iterator[Sample]:
    """Yield how the configuration was last read."""
    yield Sample(catalog.CONFIG_RELOAD_SUCCESSFUL, {}, not last.problems)
    yield Sample(catalog.CONFIG_RELOAD_SUCCESS, {}, last.succeeded_at)


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
