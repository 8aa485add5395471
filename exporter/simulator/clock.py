"""The time as the simulator is told it."""

from collections.abc import Callable
from typing import TypeAlias

Clock: TypeAlias = Callable[[], float]
"""Returns the current time in Unix seconds."""
