"""A document that costs something to make: made in a thread, once for each page of metrics."""

import asyncio
import gzip
from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response

from exporter.metrics.negotiate import accepts_gzip
from exporter.web.sliced import Readers, SlicedResponse

_FASTEST = 1


class CachedDocument:
    """Answers requests for a document that changes when a page of metrics is published; belongs to one event loop.

    However many ask for it at once, it is made once, and the event loop serves scrapes meanwhile.

    Args:
        make: Makes the document.
        generation: Returns a number that changes with each page.
        media_type: The document's.
        headers: Sent with it.
        readers: All who take a large answer.
    """

    def __init__(
        self,
        make: Callable[[], bytes],
        generation: Callable[[], int],
        media_type: str,
        headers: Mapping[str, str],
        readers: Readers,
    ) -> None:
        self._make = make
        self._readers = readers
        self._generation = generation
        self._headers = {**headers, "Content-Type": f"{media_type}; charset=utf-8", "Vary": "Accept-Encoding"}
        self._lock = asyncio.Lock()
        self._made_at = -1
        self._plain = b""
        self._packed = b""

    async def answer(self, request: Request) -> Response:
        """Return the document, packed if the client takes that."""
        async with self._lock:
            generation = self._generation()
            if generation != self._made_at:
                self._plain, self._packed = await asyncio.to_thread(self._make_both)
                self._made_at = generation
        if accepts_gzip(",".join(request.headers.getlist("accept-encoding"))):
            return SlicedResponse([self._packed], {**self._headers, "Content-Encoding": "gzip"}, self._readers)
        return SlicedResponse([self._plain], self._headers, self._readers)

    def _make_both(self) -> tuple[bytes, bytes]:
        document = self._make()
        return document, gzip.compress(document, _FASTEST)
