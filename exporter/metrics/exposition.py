"""The Prometheus text formats, and a page of metrics in each encoding that clients ask for."""

import math
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from functools import lru_cache, partial
from typing import NamedTuple

from exporter.metrics.catalog import Kind, unit_of

_LEVEL = 3  # pages repeat themselves: as fast as 1, and a quarter smaller
_GZIP = 31  # zlib's number for gzip with the largest window
_compressor = partial(zlib.compressobj, _LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
_BATCH_BYTES = 64 * 1024


class TextFormat(Enum):
    """The value is the Content-Type."""

    PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Encoding(NamedTuple):
    text_format: TextFormat
    gzip: bool


Page = Mapping[TextFormat, bytes]  # a page at one moment, compressed, in each format


class Family(NamedTuple):
    """A metric family, its lines in pieces."""

    name: str
    kind: str
    help: str
    lines: Iterable[bytes]


def encode_page(families: Iterable[Family]) -> Page:
    """Return a page of those families that have lines; lines are compressed once, as the formats differ in headers alone."""
    streams = {text_format: _GzipStream() for text_format in TextFormat}
    compressor = _compressor()
    for name, kind, help_text, lines in families:
        for position, batch in enumerate(_batches(lines)):
            compressed = compressor.compress(batch)
            for text_format, stream in streams.items():
                if not position:
                    stream.append(*_block(header(name, kind, help_text, text_format)))
                stream.append(batch, compressed)
        rest = compressor.flush(zlib.Z_FULL_FLUSH)
        for stream in streams.values():
            stream.append(b"", rest)
    streams[TextFormat.OPENMETRICS].append(*_block(b"# EOF\n"))
    return {text_format: stream.finish() for text_format, stream in streams.items()}


class _GzipStream:
    """A gzip stream (RFC 1952) of blocks that do not refer to earlier ones."""

    def __init__(self) -> None:
        self._pieces = [b"\x1f\x8b\x08\0\0\0\0\0\0\xff"]
        self._crc = self._size = 0

    def append(self, text: bytes, compressed: bytes) -> None:
        self._crc = zlib.crc32(text, self._crc)
        self._size += len(text)
        self._pieces.append(compressed)

    def finish(self) -> bytes:
        return b"".join((*self._pieces, _compressor().flush(), struct.pack("<II", self._crc, self._size % 2**32)))


@lru_cache(maxsize=256)
def _block(text: bytes) -> tuple[bytes, bytes]:
    compressor = _compressor()
    return text, compressor.compress(text) + compressor.flush(zlib.Z_FULL_FLUSH)


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
    if size:
        yield b"".join(batch)


class PageStore:
    """Holds the published page, whose generation grows; safe to use from any thread."""

    def __init__(self) -> None:
        self.generation = 0
        self._bodies: dict[Encoding, bytes] = {}

    def publish(self, page: Page) -> None:
        self._bodies = {Encoding(text_format, gzip=True): body for text_format, body in page.items()}
        self.generation += 1

    def get(self, encoding: Encoding) -> bytes | None:
        """Return the page if it is there so: some 20 times as large, it is kept uncompressed only on request."""
        return self._bodies.get(encoding)

    def uncompressed(self, text_format: TextFormat) -> bytes:
        """Uncompress the page, which must be there, and return it."""
        bodies = self._bodies
        body = bodies[Encoding(text_format, gzip=False)] = zlib.decompress(bodies[Encoding(text_format, gzip=True)], _GZIP)
        return body


@lru_cache(maxsize=256)
def header(family: str, kind: str, help_text: str, text_format: TextFormat) -> bytes:
    if text_format is TextFormat.OPENMETRICS:
        name, text, unit = family, _escape(help_text), unit_of(family)
        unit_line = f"# UNIT {name} {unit}\n" if unit else ""
    else:
        name, text = f"{family}_total" if kind == Kind.COUNTER else family, help_text.replace("\\", r"\\").replace("\n", r"\n")
        unit_line = ""
    return f"# HELP {name} {text}\n# TYPE {name} {kind}\n{unit_line}".encode()


@lru_cache(maxsize=4096)
def line_start(name: str, values: tuple[tuple[str, str], ...], *first: str) -> str:
    """Return a sample's line up to its value; `first` stands for labels before the others. Most accounts have the same."""
    pairs = ",".join((*first, *label_pairs(values)))
    return f"{name}{{{pairs}}} " if pairs else f"{name} "


def label_pairs(values: Iterable[tuple[str, str]]) -> list[str]:
    return [f'{label}="{_escape(value)}"' for label, value in values]


def line(name: str, values: Mapping[str, str], value: float, *first: str) -> str:
    return f"{line_start(name, tuple(values.items()), *first)}{number(value)}\n"


def number(value: float) -> str:
    """Return a value with as many digits as tell it from others."""
    return "+Inf" if value == math.inf else repr(float(value))


@lru_cache(maxsize=2048)
def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
