"""What is known of an organization's accounts: their list, and names of units and tags, which take a request each."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Generic, TypeVar

from exporter.aws.errors import malformed
from exporter.aws.organizations import Answer, OrganizationReader, listed
from exporter.aws.parse import text
from exporter.aws.retry import PageTokens
from exporter.cases.model import Member
from exporter.errors import ReadFailure, internal

T = TypeVar("T")
_PACE = 0.5  # seconds between two requests: their quota is shared by all that asks about the organization
_MOST_PAGES = 10  # of an account's tags; AWS allows 50
_LONGEST_PAUSE = 300.0  # after failures, whatever they are of
_GATHERED = 30.0  # for what falls due: showing it takes as long for one as for many
_ASKED_AGAIN = 300.0  # after its own failure: meanwhile others are asked


@dataclass(slots=True)
class _Lookup(Generic[T]):
    """What is known by id; looked up again after `interval` seconds, and kept while that fails."""

    read: Callable[[str], Awaitable[T]]
    interval: float
    monotonic: Callable[[], float]
    known: dict[str, T] = field(default_factory=dict)
    due: dict[str, float] = field(default_factory=dict)  # of those that were asked for, on the monotonic clock
    failed: dict[str, ReadFailure] = field(default_factory=dict)  # since one was read
    _in_a_row: int = 0  # failures
    _paused_until: float = -inf

    async def some(self, wanted: Collection[str], most: int) -> float:
        """Look up some of those that are due, and return in how many seconds others are."""
        now = self.monotonic()
        if now < self._paused_until:
            return self._paused_until - now
        self.failed = {name: failure for name, failure in self.failed.items() if name in wanted}
        due = sorted((when, name) for name in wanted if (when := self.due.get(name, -inf)) <= now)
        for _, name in due[:most]:
            try:
                self.known[name] = await self.read(name)
            except Exception as error:  # noqa: BLE001 - a bug here must not end the discovery
                return self._pause(name, error if isinstance(error, ReadFailure) else internal(error))
            self.failed, self._in_a_row = {}, 0
            self.due[name] = self.monotonic() + self.interval
        pause = min((self.due.get(name, -inf) for name in wanted), default=inf) - self.monotonic()
        return 0.0 if pause <= 0 else max(_GATHERED, pause)

    def keep(self, before: "_Lookup[T]") -> None:
        """Go on with what another has found; at a shorter interval, all of it is due."""
        self.known, self.failed = before.known, before.failed
        self.due = before.due if before.interval <= self.interval else {}

    def _pause(self, name: str, failure: ReadFailure) -> float:
        self.failed[name] = failure
        self._in_a_row += 1
        now, pause = self.monotonic(), min(_LONGEST_PAUSE, 2.0 ** min(self._in_a_row, 10))
        self._paused_until, self.due[name] = now + pause, now + _ASKED_AGAIN
        return pause


class Directory:
    """The accounts of an organization; `before` is another directory of it, whose knowledge is kept."""

    def __init__(
        self, reader: OrganizationReader, intervals: tuple[float, float], keys: frozenset[str], before: "Directory | None"
    ) -> None:
        self._reader, self._slow_reader = reader, replace(reader, pace=self._pace)
        self._clock = reader.client.clock
        self._free_at = -inf
        self.keys = keys
        self.members: dict[str, Member] = {}  # as last listed completely, and those that a listing has found since
        self.selected: set[str] = set()  # ids of those that are polled
        self.names = _Lookup(self._read_name, intervals[0], self._clock.monotonic)
        self.tags = _Lookup(self._read_tags, intervals[1], self._clock.monotonic)
        if before is not None:
            self.members, self.selected = before.members, set(before.selected)
            self.names.keep(before.names)
            self.tags.keep(before.tags)
            if not keys <= before.keys:
                self.tags.due = {}

    async def pages(self, timeout: float, *, with_units: bool) -> AsyncIterator[tuple[Member, ...]]:  # noqa: ASYNC109 - as the reader's
        members: dict[str, Member] = {}
        async for page in self._reader.pages(timeout):
            if with_units and not all(member.units for member in page):
                raise malformed("ListAccounts: the answer has no Paths, which organizational_units need")
            members |= {member.account_id: member for member in page}
            self.members = members | self.members
            yield page
        self.members = members

    def described(self, members: Iterable[Member]) -> list[Member]:
        """Return accounts with what is known of them."""
        return [each._replace(path=self._path(each.units), tags=self.tags.known.get(each.account_id, {})) for each in members]

    def _path(self, units: Sequence[str]) -> str:
        """Return where an account is in names; in ids where they cannot be read, and empty until they are known."""
        names = [self.names.known.get(unit, unit if self.names.failed or unit in self.names.due else "") for unit in units[1:]]
        return "/".join(("Root", *names)) if units and all(names) else ""

    async def _read_name(self, unit_id: str) -> str:
        answer = await self._ask("DescribeOrganizationalUnit", {"OrganizationalUnitId": unit_id}, dict)
        return " ".join(text((answer.get("OrganizationalUnit") or {}).get("Name"), "").split()) or unit_id

    async def _read_tags(self, account_id: str) -> dict[str, str | None]:
        tokens, found = PageTokens("ListTagsForResource", _MOST_PAGES), dict[object, object]()
        while not tokens.done:
            parameters = {"ResourceId": account_id, "NextToken": tokens.next}
            page = await self._ask("ListTagsForResource", parameters, lambda answer: listed(tokens.operation, answer, "Tags"))
            found |= {tag.get("Key"): tag.get("Value") for tag in page.items}
            tokens.advance(page.next_token)
        return {key: text(found[key], default="") if key in found else None for key in self.keys}

    async def _ask(self, operation: str, parameters: Mapping[str, object], read: Callable[[Answer], T]) -> T:
        return await self._slow_reader.ask(operation, parameters, asyncio.get_running_loop().time() + 60.0, read)

    async def _pace(self) -> None:
        await self._clock.sleep(max(0.0, self._free_at - self._clock.monotonic()))
        self._free_at = self._clock.monotonic() + _PACE
