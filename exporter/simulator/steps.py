"""What a server does on its socket to answer one request, step by step."""

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Send:
    """Put bytes on the wire."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for a while."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Hang:
    """Never do anything again on this connection."""


@dataclass(frozen=True, slots=True)
class Close:
    """Send a FIN."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Send an RST: everything in flight is lost."""


Step: TypeAlias = Send | Wait | Hang | Close | Reset
