"""A finished page of metrics: bytes in both text formats, plain and gzip, to which a scrape adds only its small live part.

A gzip body is put together from raw deflate blocks, one for each family, that end on a byte boundary and refer to nothing
before them. So a family that did not change is compressed once, and the live part can follow any of them; the result is one
ordinary gzip member (RFC 1952).
"""

import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce

from exporter.metrics.encode import END_OF_OPENMETRICS, TextFormat

_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
_FASTEST = 1


class Segment:
    """A part of a page that is compressed at most once, however many pages it is part of.

    Args:
        pieces: Its bytes, in order. They are kept as they are, as a large fleet's are large, and somebody else's too.
    """

    __slots__ = ("_deflated", "pieces")

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.pieces = tuple(piece for piece in pieces if piece)
        self._deflated: bytes | None = None

    def __bool__(self) -> bool:
        """Return whether there is anything in it."""
        return bool(self.pieces)

    def deflated(self) -> bytes:
        """Return the segment as raw deflate blocks that end on a byte boundary."""
        if self._deflated is None:
            deflate = zlib.compressobj(_FASTEST, zlib.DEFLATED, -zlib.MAX_WBITS)
            self._deflated = deflate.compress(b"".join(self.pieces)) + deflate.flush(zlib.Z_SYNC_FLUSH)
        return self._deflated


@dataclass(frozen=True, slots=True)
class Body:
    """One encoding of a page, to be completed by the live part of a scrape.

    Attributes:
        stored: The bytes that every scrape of this page gets.
        end: What follows the live part, uncompressed.
        checksum: CRC-32 of the stored part before compression, or None when it is not compressed.
        size: Bytes of the stored part before compression.
    """

    stored: bytes
    end: bytes
    checksum: int | None
    size: int

    def complete(self, live: bytes) -> bytes:
        """Return the bytes that follow `stored` so that both together are a whole response."""
        tail = live + self.end
        if self.checksum is None:
            return tail
        deflate = zlib.compressobj(_FASTEST, zlib.DEFLATED, -zlib.MAX_WBITS)
        trailer = struct.pack("<LL", zlib.crc32(tail, self.checksum), (self.size + len(tail)) & 0xFFFFFFFF)
        return deflate.compress(tail) + deflate.flush(zlib.Z_FINISH) + trailer


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a client wants a page: its text format, and whether compressed."""

    text_format: TextFormat
    gzip: bool


@dataclass(frozen=True, slots=True)
class Page:
    """A page at one moment.

    Attributes:
        segments: The pieces of the page in each text format, without the live part.
    """

    segments: Mapping[TextFormat, tuple[Segment, ...]]

    def body(self, encoding: Encoding) -> Body:
        """Return the page in one encoding; compresses what was not compressed before."""
        segments = self.segments[encoding.text_format]
        end = END_OF_OPENMETRICS if encoding.text_format is TextFormat.OPENMETRICS else b""
        pieces = [piece for segment in segments for piece in segment.pieces]
        size = sum(map(len, pieces))
        if not encoding.gzip:
            return Body(b"".join(pieces), end, None, size)
        stored = b"".join((_GZIP_HEADER, *(segment.deflated() for segment in segments)))
        return Body(stored, end, reduce(lambda checksum, piece: zlib.crc32(piece, checksum), pieces, 0), size)
