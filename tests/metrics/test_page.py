"""Bodies are put together from segments, whatever these are part of besides."""

import gzip
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.metrics.encode import TextFormat
from exporter.metrics.page import Encoding, Page, Segment

pieces = st.builds(lambda piece, times: piece * times, st.binary(max_size=40), st.sampled_from([0, 1, 7, 500, 4000]))
segments = st.lists(st.lists(pieces, max_size=3).map(Segment), max_size=5)


def page(some: list[Segment]) -> Page:
    return Page(MappingProxyType(dict.fromkeys(TextFormat, tuple(some))))


def whole(some: list[Segment], encoding: Encoding, live: bytes = b"") -> bytes:
    return page(some).body(encoding).whole(live)


@given(segments, segments, st.binary(max_size=100))
def test_a_page_of_old_and_new_segments_is_their_bytes(old: list[Segment], new: list[Segment], live: bytes) -> None:
    packed, plain = (Encoding(TextFormat.OPENMETRICS, gzip=zipped) for zipped in (True, False))
    for some in (old, new + old, old + new):
        bytes_of_all = b"".join(piece for segment in some for piece in segment.pieces) + live + b"# EOF\n"
        assert whole(some, plain, live) == bytes_of_all
        assert gzip.decompress(whole(some, packed, live)) == bytes_of_all


@pytest.mark.parametrize("size", [8 * 1024 - 1, 8 * 1024, 8 * 1024 + 1, 1 << 20])
def test_a_segment_behind_another_is_summed_up_whatever_its_size(size: int) -> None:
    some = [Segment([b"# HELP\n"]), Segment([b"x" * size]), Segment([b"y" * size])]
    for _ in range(2):
        assert (
            gzip.decompress(whole(some, Encoding(TextFormat.PROMETHEUS, gzip=True))) == b"# HELP\n" + b"x" * size + b"y" * size
        )


def test_what_did_not_change_is_one_and_the_same_on_every_page_in_either_format() -> None:
    kept = Segment([b"kept\n", b"kept\n"])
    first, second = page([Segment([b"first\n"]), kept]), page([Segment([b"second\n"]), kept])
    bodies = [one.body(Encoding(text_format, gzip=False)) for one in (first, second) for text_format in TextFormat]
    assert {id(body.stored[1]) for body in bodies} == {id(kept.joined())}
    assert kept.deflated() is kept.deflated()
