"""Large answers that many readers may take as slowly as they like."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_SMALL = 128 * 1024
_LARGE = 512 * 1024
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
        stored: The large part, in order; shared by all who ask for it.
        headers: Sent with it, besides its length.
        readers: All who take such an answer.
        rest: What comes after it.
    """

    def __init__(self, stored: Sequence[bytes], headers: Mapping[str, str], readers: Readers, rest: bytes = b"") -> None:
        super().__init__(headers={**headers, "Content-Length": str(sum(map(len, stored)) + len(rest))})
        self._stored = stored
        self._rest = rest
        self._readers = readers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response, or only its head when that is what was asked for."""
        del receive
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        wanted = scope["method"] != "HEAD"
        with self._readers.one_more():
            for piece in _slices(self._stored if wanted else (), self._readers.slice_bytes):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": self._rest if wanted else b""})


def _slices(parts: Sequence[bytes], slice_bytes: Callable[[], int]) -> Iterator[bytes]:
    """Yield the parts as slices, each as large as slices may be by the time that it is asked for."""
    taken: list[memoryview] = []
    left = slice_bytes()
    for part in parts:
        rest = memoryview(part)
        while rest:
            taken.append(rest[:left])
            rest, left = rest[left:], left - len(taken[-1])
            if not left:
                yield b"".join(taken)
                taken.clear()
                left = slice_bytes()
    if taken:
        yield b"".join(taken)
