"""A logger that keeps its lines."""

from typing import Any

import structlog
from structlog.testing import LogCapture
from structlog.typing import FilteringBoundLogger


class Log:
    """Keeps what is logged through `logger`."""

    def __init__(self) -> None:
        self._capture = LogCapture()
        self.logger: FilteringBoundLogger = structlog.wrap_logger(
            None, processors=[self._capture], wrapper_class=structlog.make_filtering_bound_logger(0)
        )

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines so far, each with `event`, `log_level` and its details."""
        return [dict(entry) for entry in self._capture.entries]

    def clear(self) -> None:
        self._capture.entries.clear()

    @property
    def events(self) -> list[str]:
        return [str(entry["event"]) for entry in self._capture.entries]
