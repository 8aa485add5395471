"""Which requests go wrong: rules that can be added and removed while the server runs."""

import random
import threading
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from aiohttp import web

from exporter.simulator.exchange import Exchange


class Page(Enum):
    """Which pages of a paged operation a fault is for."""

    FIRST = "first"
    LATER = "later"


class Kind(Protocol):
    """What goes wrong."""

    async def __call__(self, exchange: Exchange) -> web.StreamResponse:
        """Do what the server does instead of answering as AWS would."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, and for which requests: those that match everything that is said.

    Attributes:
        account_id: Only requests signed with a key of this account, or to assume a role in it.
        region: Only requests signed for this region.
        probability: The share of matching requests.
        times: How many requests at most.
    """

    kind: Kind
    operation: str | None = None
    account_id: str | None = None
    region: str | None = None
    page: Page | None = None
    probability: float = 1.0
    times: int | None = None

    def matches(self, exchange: Exchange) -> bool:
        asked = exchange.asked
        return (
            self.operation in {None, asked.operation}
            and self.account_id in {None, asked.account_id, exchange.role_account_id}
            and self.region in {None, asked.region}
            and (self.page is None or (self.page is Page.FIRST) == asked.is_first_page)
        )


class FaultHandle:
    """A fault that was added: `hits` is how often it struck; it can be removed."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.hits = 0
        self._is_removed = False

    def remove(self) -> None:
        self._is_removed = True

    @property
    def is_over(self) -> bool:
        """Whether it was removed, or struck as many times as it may."""
        return self._is_removed or (self.fault.times is not None and self.hits >= self.fault.times)


class Faults:
    """The faults in force; of several that match a request, the one added last strikes. Safe from any thread."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._lock = threading.Lock()
        self._handles: list[FaultHandle] = []

    def add(self, fault: Fault) -> FaultHandle:
        handle = FaultHandle(fault)
        with self._lock:
            self._handles = [handle, *(each for each in self._handles if not each.is_over)]
        return handle

    def clear(self) -> None:
        with self._lock:
            self._handles = []

    def strike(self, exchange: Exchange) -> Kind | None:
        for handle in self._handles:
            if handle.is_over or not handle.fault.matches(exchange):
                continue
            if self._rng.random() < handle.fault.probability:
                handle.hits += 1
                return handle.fault.kind
        return None
