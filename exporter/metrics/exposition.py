"""Stand-in until the rebuilt page lands: the contract of a page store, over what stands."""

from collections.abc import Callable

from exporter.metrics.encode import TextFormat
from exporter.metrics.live import LiveMetrics
from exporter.metrics.page import Encoding, Page

__all__ = ["Encoding", "Page", "PageStore", "TextFormat"]


class PageStore:
    """Holds the published page in every encoding that was asked for."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.generation = 0
        self._monotonic = monotonic
        self._live = LiveMetrics().encode
        self._published: tuple[Page, dict[Encoding, bytes]] | None = None

    def publish(self, page: Page) -> None:
        """Put a page in place of the one before."""
        self._published = page, {}
        self.generation += 1

    def get(self, encoding: Encoding) -> bytes | None:
        """Return the page if it was encoded so."""
        return None if self._published is None else self._published[1].get(encoding)

    def encode(self, encoding: Encoding) -> bytes | None:
        """Return the page, encoding it now; None before the first page."""
        if self._published is None:
            return None
        page, bodies = self._published
        body = bodies[encoding] = page.body(encoding).whole(self._live(encoding.text_format))
        return body
