"""Lets in those whom the web-config file names, and nobody else."""

import base64
import binascii
from collections.abc import Callable, Mapping

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.web.passwords import Passwords, Verdict

_CHALLENGE = {"WWW-Authenticate": 'Basic realm="aws-support-exporter", charset="UTF-8"'}


class BasicAuth:
    """Asks for a name and a password on every path, when there is anybody to be.

    Args:
        app: Answers those who may.
        users: Returns the hashes of those who may, by name, as of now.
        passwords: Checks them.
    """

    def __init__(self, app: ASGIApp, users: Callable[[], Mapping[str, str]], passwords: Passwords) -> None:
        self._app = app
        self._users = users
        self._passwords = passwords

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        users = self._users()
        verdict = await self._verdict(scope, users) if users and scope["type"] == "http" else Verdict.RIGHT
        match verdict:
            case Verdict.RIGHT:
                await self._app(scope, receive, send)
            case Verdict.WRONG:
                await PlainTextResponse("Unauthorized\n", 401, _CHALLENGE)(scope, receive, send)
            case Verdict.BUSY:
                text = "Too many logins at once; try again in a second.\n"
                await PlainTextResponse(text, 429, {"Retry-After": "1"})(scope, receive, send)

    async def _verdict(self, scope: Scope, users: Mapping[str, str]) -> Verdict:
        login = _login(Headers(scope=scope).getlist("authorization"))
        if login is None:
            return Verdict.WRONG
        address = scope.get("client")
        return await self._passwords.check(users, *login, address[0] if address else "")


def _login(headers: list[str]) -> tuple[str, bytes] | None:
    """Return the name and password that a request gives, or None when it gives none or is malformed."""
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
