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
from itertools import chain
from typing import NamedTuple

from exporter.metrics import checksum
from exporter.metrics.encode import END_OF_OPENMETRICS, TextFormat

_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
_FASTEST = 1
_SMALL = 8 * 1024
"""What is smaller is as quickly read again."""


class Deflated(NamedTuple):
    """Compressed bytes.

    Attributes:
        blocks: Raw deflate blocks that end on a byte boundary.
        checksum: CRC-32 before compression.
    """

    blocks: bytes
    checksum: int


class Segment:
    """A part of a page that is compressed at most once, however many pages it is part of.

    Args:
        pieces: Its bytes, in order. They are kept as they are, as a large fleet's are large, and somebody else's too.
    """

    __slots__ = ("_deflated", "_joined", "_power", "pieces", "size")

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.pieces = tuple(piece for piece in pieces if piece)
        self.size = sum(map(len, self.pieces))
        self._deflated: Deflated | None = None
        self._joined: bytes | None = None
        self._power: int | None = None

    def __bool__(self) -> bool:
        """Return whether there is anything in it."""
        return bool(self.pieces)

    def joined(self) -> bytes:
        """Return its bytes in one piece, which is kept for the next page until it is forgotten."""
        if self._joined is None:
            self._joined = b"".join(self.pieces)
        return self._joined

    def forget_joined(self) -> None:
        """Keep its bytes no longer in one piece."""
        self._joined = None

    def deflated(self) -> Deflated:
        """Return the segment compressed."""
        if self._deflated is None:
            plain = b"".join(self.pieces)
            deflate = zlib.compressobj(_FASTEST, zlib.DEFLATED, -zlib.MAX_WBITS)
            blocks = deflate.compress(plain) + deflate.flush(zlib.Z_SYNC_FLUSH)
            self._deflated = Deflated(blocks, zlib.crc32(plain))
        return self._deflated

    def checksum_after(self, before: int) -> int:
        """Return the CRC-32 of what is before the segment and of the segment, from that of what is before it."""
        if self.size < _SMALL:
            return zlib.crc32(b"".join(self.pieces), before)
        if self._power is None:
            self._power = checksum.power(self.size)
        return checksum.joined(before, self.deflated().checksum, self._power)


@dataclass(frozen=True, slots=True)
class Body:
    """One encoding of a page, to be completed by the live part of a scrape.

    Attributes:
        stored: The bytes that every scrape of this page gets, in order.
        end: What follows the live part, uncompressed.
        checksum: CRC-32 of the stored part before compression, or None when it is not compressed.
        size: Bytes of the stored part before compression.
    """

    stored: tuple[bytes, ...]
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

    def whole(self, live: bytes = b"") -> bytes:
        """Return a whole response in one piece."""
        return b"".join((*self.stored, self.complete(live)))


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

    def forget_plain(self) -> None:
        """Keep nothing for bodies that are not compressed: nobody asks for them."""
        for segment in chain.from_iterable(self.segments.values()):
            segment.forget_joined()

    def body(self, encoding: Encoding) -> Body:
        """Return the page in one encoding; compresses what was not compressed before."""
        segments = self.segments[encoding.text_format]
        end = END_OF_OPENMETRICS if encoding.text_format is TextFormat.OPENMETRICS else b""
        size = sum(segment.size for segment in segments)
        if not encoding.gzip:
            return Body(tuple(segment.joined() for segment in segments), end, None, size)
        stored = b"".join((_GZIP_HEADER, *(segment.deflated().blocks for segment in segments)))
        return Body((stored,), end, reduce(lambda before, segment: segment.checksum_after(before), segments, 0), size)
