"""Large answers that many readers may take as slowly as they like."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_SMALL = 128 * 1024
_LARGE = 1024 * 1024
_FEW = 8


class Readers:
    """How many take an answer at a time; belongs to one event loop.

    After each slice the event loop has to get the interpreter back from threads that compute, so few readers get large slices;
    many get small ones, as each that does not read on holds one in memory.
    """

    def __init__(self) -> None:
        self._count = 0

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """Count one while an answer is sent."""
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1

    def slice_bytes(self) -> int:
        """Return how large the next slice may be."""
        return _LARGE if self._count <= _FEW else _SMALL


class SlicedResponse(Response):
    """A response that is sent in slices: its large part is never copied as a whole for many readers, nor buffered whole.

    Args:
        stored: The large part; shared by all who ask for it.
        headers: Sent with it, besides its length.
        readers: All who take such an answer.
        rest: What comes after it.
    """

    def __init__(self, stored: bytes, headers: Mapping[str, str], readers: Readers, rest: bytes = b"") -> None:
        super().__init__(headers={**headers, "Content-Length": str(len(stored) + len(rest))})
        self._parts = (stored, rest)
        self._readers = readers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response, or only its head when that is what was asked for."""
        del receive
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        stored, rest = (b"", b"") if scope["method"] == "HEAD" else self._parts
        sent = 0
        with self._readers.one_more():
            while sent < len(stored):
                piece = memoryview(stored)[sent : sent + self._readers.slice_bytes()]
                sent += len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": rest})
