"""Spares work that would be done anew for each of many requests at once."""

from collections.abc import Callable

from exporter.metrics.encode import TextFormat

_SECONDS = 0.5


class Recent:
    """Encodes the live part of a page, or returns what was encoded a moment ago.

    Reading `/proc` gives the interpreter away some twenty times: while accounts are read, it takes ten milliseconds to get it
    back, and a crowd that scrapes at once would feel it.

    Args:
        encode: Encodes it.
        monotonic: Seconds.
    """

    def __init__(self, encode: Callable[[TextFormat], bytes], monotonic: Callable[[], float]) -> None:
        self._encode = encode
        self._monotonic = monotonic
        self._encoded: dict[TextFormat, tuple[float, bytes]] = {}

    def __call__(self, text_format: TextFormat) -> bytes:
        """Return the live part of a page."""
        now = self._monotonic()
        since, content = self._encoded.get(text_format, (float("-inf"), b""))
        if now - since >= _SECONDS:
            content = self._encode(text_format)
            self._encoded[text_format] = (now, content)
        return content
