"""The exporter's exceptions.

    ExporterError
    ├── ConfigError      the configuration cannot be used; lists every problem found
    ├── StartupError     the process cannot start (a port in use, a file that cannot be read)
    └── ReadFailure      AWS could not be read; carries a Reason

Callers catch at the level where they can act: `cli` turns the first two into a line and an exit code, the collector turns
`ReadFailure` into metrics.
"""

import traceback
from collections.abc import Sequence

from exporter.cases.model import Reason


class ExporterError(Exception):
    """Base of everything the exporter raises on purpose."""


class ConfigError(ExporterError):
    """The configuration cannot be used: a line for each problem, saying where, what, and what to write instead."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class StartupError(ExporterError):
    """The process cannot start for a reason outside the configuration file."""


class ReadFailure(ExporterError):  # noqa: N818 - a failure is an expected outcome of a poll, not a programming error
    """AWS could not be read; `detail` is safe to log: no credentials, no case text.

    It `passes` if that is likely without a person, although failures of its reason usually need one.
    """

    def __init__(self, reason: Reason, detail: str, *, passes: bool = False) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.passes = passes


def internal(error: Exception) -> ReadFailure:
    """Return a bug as a failure: its type and place, never its text, which could hold what must not be logged."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return ReadFailure(Reason.INTERNAL, f"{type(error).__name__} in {frame.name}, line {frame.lineno}")
