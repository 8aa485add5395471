"""The Prometheus text formats, and a page of metrics in each encoding that clients ask for."""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from prometheus_client.utils import floatToGoString

from exporter.metrics.metric import Kind, Metric

_FASTEST = 1
_GZIP = 31  # zlib's number for gzip with the largest window
_BATCH_BYTES = 64 * 1024
_REMEMBERED_SECONDS = 600.0


class TextFormat(Enum):
    """The value is the Content-Type."""

    PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Encoding:
    """A text format, compressed or not."""

    text_format: TextFormat
    gzip: bool


USUAL = Encoding(TextFormat.OPENMETRICS, gzip=True)
"""Prometheus's own choice."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page at one moment.

    Attributes:
        families: Each metric with its lines, in pieces.
        instrumentation: Returns the exporter's and the process's own metrics in a text format, without an end marker.
    """

    families: Sequence[tuple[Metric, Sequence[bytes]]]
    instrumentation: Callable[[TextFormat], bytes]

    def encode(self, encoding: Encoding) -> bytes:
        """Return the whole page."""
        lines = self._lines(encoding.text_format)
        if not encoding.gzip:
            return b"".join(lines)
        deflate = zlib.compressobj(_FASTEST, zlib.DEFLATED, _GZIP)
        return b"".join((*map(deflate.compress, _batches(lines)), deflate.flush()))

    def _lines(self, text_format: TextFormat) -> Iterator[bytes]:
        for metric, lines in self.families:
            if any(lines):
                yield header(metric.family, metric.kind, metric.help, metric.unit, text_format)
                yield from lines
        yield self.instrumentation(text_format)
        if text_format is TextFormat.OPENMETRICS:
            yield b"# EOF\n"


def _batches(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines in batches: large ones would leave holes in the heap, and small ones take time."""
    batch: list[bytes] = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line)
        if size >= _BATCH_BYTES:
            yield b"".join(batch)
            batch, size = [], 0
    yield b"".join(batch)


class PageStore:
    """Holds the published page, compressed in each format that was asked for in the last ten minutes.

    Safe to use from any thread. A page that is not compressed is some 20 times as large: it is joined when it is asked for.

    Attributes:
        generation: Grows with every page.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.generation = 0
        self._monotonic = monotonic
        self._asked: dict[Encoding, float] = {USUAL: monotonic()}
        self._published: tuple[Page, dict[Encoding, bytes]] | None = None

    def publish(self, page: Page) -> None:
        """Encode a page and put it in place of the one before."""
        since = self._monotonic() - _REMEMBERED_SECONDS
        wanted = [encoding for encoding, asked in tuple(self._asked.items()) if encoding.gzip and asked >= since]
        self._published = page, {encoding: page.encode(encoding) for encoding in wanted}
        self.generation += 1

    def get(self, encoding: Encoding) -> bytes | None:
        """Return the page if it was encoded so already."""
        self._asked[encoding] = self._monotonic()
        return None if self._published is None else self._published[1].get(encoding)

    def encode(self, encoding: Encoding) -> bytes | None:
        """Return the page, encoding it now; None before the first page."""
        if self._published is None:
            return None
        page, bodies = self._published
        body = bodies[encoding] = page.encode(encoding)
        return body


@lru_cache(maxsize=256)
def header(family: str, kind: str, help_text: str, unit: str, text_format: TextFormat) -> bytes:
    """Return the HELP and TYPE lines of a family, and in OpenMetrics the UNIT line of one that has a unit."""
    if text_format is TextFormat.OPENMETRICS:
        name, text = family, _escape(help_text)
        unit_line = f"# UNIT {name} {unit}\n" if unit else ""
    else:
        name, text = f"{family}_total" if kind == Kind.COUNTER else family, help_text.replace("\\", r"\\").replace("\n", r"\n")
        unit_line = ""
    return f"# HELP {name} {text}\n# TYPE {name} {kind}\n{unit_line}".encode()


def line_start(name: str, values: Mapping[str, str]) -> str:
    """Return a sample's line up to its value, labels in the order of their names."""
    template, names = _template(name, tuple(values))
    return template % tuple([_escape(values[label]) for label in names])


@lru_cache(maxsize=512)
def _template(name: str, labels: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    names = tuple(sorted(labels))
    pairs = ",".join(f'{label}="%s"' for label in names)
    return (f"{name}{{{pairs}}} " if pairs else f"{name} "), names


def line(name: str, values: Mapping[str, str], value: float) -> str:
    """Return a sample's line."""
    return f"{line_start(name, values)}{number(value)}\n"


def number(value: float) -> str:
    """Return a value as Go prints it."""
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]  # prometheus_client leaves it untyped
    return text


@lru_cache(maxsize=2048)
def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
