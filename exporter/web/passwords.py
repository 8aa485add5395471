"""Checks passwords against bcrypt hashes, without letting those who guess have the processor."""

import asyncio
import hashlib
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum, auto
from typing import Final

import bcrypt

LONGEST_PASSWORD: Final = 72
"""Bytes; bcrypt sees no more, so of a longer password any end would do."""

_MOST_WAITING = 8
_MOST_WAITING_OF_CLIENT = 4
_MOST_REMEMBERED = 128


class Verdict(Enum):
    """What became of a login."""

    RIGHT = auto()
    WRONG = auto()
    BUSY = auto()


class Passwords:
    """Checks logins one at a time, and remembers how they went.

    After a wrong password the next check waits as long as this one took, so that guessing takes half a processor at most.

    Args:
        secret: Random bytes; what is remembered tells nothing of the passwords without them.
        monotonic: Seconds, for how long a check takes.
        sleep: Waits for some seconds.
    """

    def __init__(
        self,
        secret: bytes,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._secret = secret
        self._monotonic = monotonic
        self._sleep = sleep
        self._right = _Memory()
        self._wrong = _Memory()
        self._running: dict[bytes, asyncio.Task[bool]] = {}
        self._waiting: Counter[str] = Counter()
        self._turn = asyncio.Lock()

    async def check(self, users: Mapping[str, str], name: str, password: bytes, client: str) -> Verdict:
        """Return what becomes of a login.

        A name that nobody has is checked against the hash of somebody, always the same, so that it costs what that one costs.

        Args:
            users: The hashes of those who may log in, by name; not empty.
            name: Who it says it is.
            password: What it says.
            client: The address it comes from.
        """
        if len(password) > LONGEST_PASSWORD:
            return Verdict.WRONG
        hashed = users.get(name)
        tried = hashed or sorted(users.values())[int.from_bytes(self._digest(name.encode())) % len(users)]
        key = self._digest(name.encode(), password, tried.encode(), b"known" if hashed else b"unknown")
        if key in self._right:
            return Verdict.RIGHT
        if key in self._wrong:
            return Verdict.WRONG
        task = self._running.get(key)
        if task is None:
            if self._waiting.total() >= _MOST_WAITING or self._waiting[client] >= _MOST_WAITING_OF_CLIENT:
                return Verdict.BUSY
            self._waiting[client] += 1
            task = asyncio.create_task(self._run(key, password, tried, client, is_known=hashed is not None))
            self._running[key] = task
        return Verdict.RIGHT if await asyncio.shield(task) else Verdict.WRONG

    async def _run(self, key: bytes, password: bytes, hashed: str, client: str, *, is_known: bool) -> bool:
        try:
            async with self._turn:
                began = self._monotonic()
                is_right = await asyncio.to_thread(_matches, password, hashed) and is_known
                if not is_right:
                    await self._sleep(self._monotonic() - began)
        finally:
            self._waiting[client] -= 1
            self._waiting += Counter()  # forgets clients of which nothing waits
            del self._running[key]
        (self._right if is_right else self._wrong).add(key)
        return is_right

    def _digest(self, *parts: bytes) -> bytes:
        digest = hashlib.blake2b(key=self._secret, digest_size=16)
        for part in parts:
            digest.update(len(part).to_bytes(8))
            digest.update(part)
        return digest.digest()


class _Memory:
    """A set that forgets what was not asked for longest."""

    def __init__(self) -> None:
        self._keys: OrderedDict[bytes, None] = OrderedDict()

    def __contains__(self, key: bytes) -> bool:
        if key not in self._keys:
            return False
        self._keys.move_to_end(key)
        return True

    def add(self, key: bytes) -> None:
        self._keys[key] = None
        if len(self._keys) > _MOST_REMEMBERED:
            self._keys.popitem(last=False)


def _matches(password: bytes, hashed: str) -> bool:
    try:
        return bcrypt.checkpw(password, hashed.encode())
    except ValueError:
        return False
