"""Basic authentication against bcrypt hashes, without letting those who guess passwords have the CPU."""

import asyncio
import base64
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from http import HTTPStatus

import bcrypt
from aiohttp import web

_LONGEST_PASSWORD = 72  # bytes; bcrypt ignores the rest, so of a longer password any end would do
_MOST_WAITING = 8
_MOST_WAITING_OF_CLIENT = 4
_REFUSALS = {
    HTTPStatus.UNAUTHORIZED: ("Unauthorized\n", {"WWW-Authenticate": 'Basic realm="aws-support-exporter", charset="UTF-8"'}),
    HTTPStatus.TOO_MANY_REQUESTS: ("Too many login attempts; try again in a second.\n", {"Retry-After": "1"}),
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BasicAuth:
    """Asks for user and password on every path, while there are users; remembers the logins that were right.

    Logins are checked one at a time. After a wrong password the next check waits as long as this one took, so that guessing
    takes half a CPU at most.
    """

    def __init__(self, users: Callable[[], Mapping[str, str]]) -> None:
        self._users = users
        self._secret = secrets.token_bytes()
        self._right: set[bytes] = set()
        self._running: dict[bytes, tuple[str, asyncio.Task[HTTPStatus]]] = {}  # of a client each
        self._turn = asyncio.Lock()

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._users():
            credentials = _credentials(request.headers.getall("Authorization", []))
            status = await self.login(*credentials, request.remote or "") if credentials else HTTPStatus.UNAUTHORIZED
            if status in _REFUSALS:
                text, headers = _REFUSALS[status]
                return web.Response(text=text, status=status, headers=headers)
        return await handler(request)

    async def login(self, name: str, password: bytes, client: str) -> HTTPStatus:
        """Return the outcome of a login from a client's address: OK, UNAUTHORIZED or TOO_MANY_REQUESTS.

        An unknown name is checked against the hash of some user, always the same, so that it takes as long as that user's.
        """
        users = self._users()
        if len(password) > _LONGEST_PASSWORD or not users:
            return HTTPStatus.UNAUTHORIZED
        hashed = users.get(name)
        tried = hashed or sorted(users.values())[int.from_bytes(self._digest(name.encode())) % len(users)]
        key = self._digest(name.encode(), password, tried.encode(), b"known" if hashed else b"unknown")
        if key in self._right:
            return HTTPStatus.OK
        if key not in self._running:
            clients = [whose for whose, _ in self._running.values()]
            if len(clients) >= _MOST_WAITING or clients.count(client) >= _MOST_WAITING_OF_CLIENT:
                return HTTPStatus.TOO_MANY_REQUESTS
            self._running[key] = client, asyncio.create_task(self._run(key, password, tried, is_known=hashed is not None))
        return await asyncio.shield(self._running[key][1])

    async def _run(self, key: bytes, password: bytes, hashed: str, *, is_known: bool) -> HTTPStatus:
        try:
            async with self._turn:
                began = time.monotonic()
                is_right = False
                with suppress(ValueError):  # bcrypt finds fault with the hash
                    is_right = await asyncio.to_thread(bcrypt.checkpw, password, hashed.encode()) and is_known
                if is_right:
                    self._right.add(key)
                else:
                    await asyncio.sleep(time.monotonic() - began)
        finally:
            del self._running[key]
        return HTTPStatus.OK if is_right else HTTPStatus.UNAUTHORIZED

    def _digest(self, *parts: bytes) -> bytes:
        framed = b"".join(len(part).to_bytes(8) + part for part in parts)
        return hashlib.blake2b(framed, key=self._secret, digest_size=16).digest()


def _credentials(headers: list[str]) -> tuple[str, bytes] | None:
    scheme, _, token = headers[0].partition(" ") if len(headers) == 1 else ("", "", "")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(token.strip(), validate=True).partition(b":")
        return (name.decode(), password) if colon else None
    except ValueError:
        return None
