"""Adds to every response the headers that the web-config file asks for."""

from collections.abc import Callable, Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class AddedHeaders:
    """Sets headers, those of the same name in the response included.

    Args:
        app: Answers.
        headers: Returns the headers as of now.
    """

    def __init__(self, app: ASGIApp, headers: Callable[[], Mapping[str, str]]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        added = self._headers()
        if not added:
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=list(message["headers"]))
                headers.update(added)
                message = {**message, "headers": headers.raw}
            await send(message)

        await self._app(scope, receive, with_headers)
