"""Basic authentication against bcrypt hashes, without letting those who guess passwords have the CPU."""

import asyncio
import base64
import binascii
import hashlib
import secrets
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum, auto
from typing import Final

import bcrypt
from aiohttp import web

LONGEST_PASSWORD: Final = 72
"""Bytes; bcrypt ignores the rest, so of a longer password any end would do."""

_MOST_WAITING = 8
_MOST_WAITING_OF_CLIENT = 4
_MOST_REMEMBERED = 128
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="aws-support-exporter", charset="UTF-8"'}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CheckPassword = Callable[[bytes, str], bool]


class Verdict(Enum):
    """The outcome of a login."""

    RIGHT = auto()
    WRONG = auto()
    BUSY = auto()


def check_password(password: bytes, hashed: str) -> bool:
    """Return whether a password has a bcrypt hash; blocks for as long as the hash's cost asks for."""
    try:
        return bcrypt.checkpw(password, hashed.encode())
    except ValueError:
        return False


class BasicAuth:
    """Asks for user and password on every path, while there are users; remembers the outcome of each login.

    Logins are checked one at a time. After a wrong password the next check waits as long as this one took, so that guessing
    takes half a CPU at most. `check` runs in a thread.
    """

    def __init__(
        self,
        users: Callable[[], Mapping[str, str]],
        *,
        check: CheckPassword = check_password,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._users = users
        self._check = check
        self._monotonic = monotonic
        self._sleep = sleep
        self._secret = secrets.token_bytes()
        self._verdicts: dict[bool, OrderedDict[bytes, None]] = {True: OrderedDict(), False: OrderedDict()}
        self._running: dict[bytes, asyncio.Task[bool]] = {}
        self._waiting: Counter[str] = Counter()
        self._turn = asyncio.Lock()

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request whose login is right, and refuse the others."""
        if self._users():
            credentials = _credentials(request.headers.getall("Authorization", []))
            verdict = Verdict.WRONG if credentials is None else await self.login(*credentials, request.remote or "")
            if verdict is Verdict.WRONG:
                return web.Response(text="Unauthorized\n", status=401, headers=_CHALLENGE)
            if verdict is Verdict.BUSY:
                return web.Response(text="Too many logins; try again in a second.\n", status=429, headers={"Retry-After": "1"})
        return await handler(request)

    async def login(self, name: str, password: bytes, client: str) -> Verdict:
        """Return the outcome of a login from a client's address.

        An unknown name is checked against the hash of some user, always the same, so that it takes as long as that user's.
        """
        users = self._users()
        if len(password) > LONGEST_PASSWORD or not users:
            return Verdict.WRONG
        hashed = users.get(name)
        tried = hashed or sorted(users.values())[int.from_bytes(self._digest(name.encode())) % len(users)]
        key = self._digest(name.encode(), password, tried.encode(), b"known" if hashed else b"unknown")
        for is_right, remembered in self._verdicts.items():
            if key in remembered:
                remembered.move_to_end(key)
                return Verdict.RIGHT if is_right else Verdict.WRONG
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
                is_right = await asyncio.to_thread(self._check, password, hashed) and is_known
                if not is_right:
                    await self._sleep(self._monotonic() - began)
        finally:
            self._waiting[client] -= 1
            self._waiting += Counter()  # drops clients of which nothing waits
            del self._running[key]
        remembered = self._verdicts[is_right]
        remembered[key] = None
        if len(remembered) > _MOST_REMEMBERED:
            remembered.popitem(last=False)
        return is_right

    def _digest(self, *parts: bytes) -> bytes:
        digest = hashlib.blake2b(key=self._secret, digest_size=16)
        for part in parts:
            digest.update(len(part).to_bytes(8))
            digest.update(part)
        return digest.digest()


def _credentials(headers: list[str]) -> tuple[str, bytes] | None:
    """Return user name and password, or None when there are none or they are malformed."""
    if len(headers) != 1:
        return None
    scheme, _, token = headers[0].partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(token.strip(), validate=True).partition(b":")
        return (name.decode(), password) if colon else None
    except (binascii.Error, ValueError):
        return None
