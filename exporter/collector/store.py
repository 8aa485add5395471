"""The published page: one reference, replaced as a whole."""

from collections.abc import Callable, Iterable

from exporter.metrics.encode import TextFormat
from exporter.metrics.page import Body, Encoding, Page

_REMEMBERED = 600.0
USUAL = Encoding(TextFormat.OPENMETRICS, gzip=True)
"""What Prometheus asks for unless it is told otherwise."""


class _Published:
    """A page and the bodies of it that were prepared so far."""

    __slots__ = ("bodies", "page")

    def __init__(self, page: Page, encodings: Iterable[Encoding]) -> None:
        self.page = page
        self.bodies = {encoding: page.body(encoding) for encoding in encodings}


class PageStore:
    """Holds the present page; safe to use from any thread.

    Whoever publishes a page prepares it in every encoding that was asked for in the last ten minutes, so that a scrape finds
    finished bytes.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._asked: dict[Encoding, float] = {USUAL: monotonic()}
        self._published: _Published | None = None
        self.generation = 0
        """Grows with every page."""

    def publish(self, page: Page) -> None:
        """Replace the page by another."""
        since = self._monotonic() - _REMEMBERED
        wanted = [encoding for encoding, asked in tuple(self._asked.items()) if asked >= since]
        if all(encoding.gzip for encoding in wanted):
            page.forget_plain()
        self._published = _Published(page, wanted)
        self.generation += 1

    def prepared(self, encoding: Encoding) -> Body | None:
        """Return the present page in one encoding if that was prepared; remembers that it was asked for."""
        self._asked[encoding] = self._monotonic()
        published = self._published
        return None if published is None else published.bodies.get(encoding)

    def prepare(self, encoding: Encoding) -> Body | None:
        """Return the present page in one encoding, encoding it now; None before the first page."""
        published = self._published
        if published is None:
            return None
        body = published.bodies[encoding] = published.page.body(encoding)
        return body
