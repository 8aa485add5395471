"""Large answers that many readers may take as slowly as they like."""

from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_SLICE_BYTES = 128 * 1024


class SlicedResponse(Response):
    """A response that is sent in slices: its large part is never copied as a whole, nor buffered whole.

    Args:
        stored: The large part; shared by all who ask for it.
        headers: Sent with it, besides its length.
        rest: What comes after it.
    """

    def __init__(self, stored: bytes, headers: Mapping[str, str], rest: bytes = b"") -> None:
        super().__init__(headers={**headers, "Content-Length": str(len(stored) + len(rest))})
        self._parts = (stored, rest)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response, or only its head when that is what was asked for."""
        del receive
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        stored, rest = (b"", b"") if scope["method"] == "HEAD" else self._parts
        for start in range(0, len(stored), _SLICE_BYTES):
            piece = memoryview(stored)[start : start + _SLICE_BYTES]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": rest})
