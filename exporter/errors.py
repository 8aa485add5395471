"""The exporter's exceptions: `cli` turns the first two into a line and an exit code, the collector ReadFailure into metrics."""

import traceback
from collections.abc import Sequence

from exporter.cases.model import Reason


class ConfigError(Exception):
    """The configuration cannot be used: a line for each problem, saying where, what, and what to write instead."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class StartupError(Exception):
    """The process cannot start for a reason outside the configuration file."""


class ReadFailure(Exception):  # noqa: N818 - a failure is an expected outcome of a poll, not a programming error
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
