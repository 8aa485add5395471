"""The CRC-32 of a whole is worked out from those of its parts, as zlib works it out from the bytes."""

import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.metrics import checksum


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_parts_come_to_the_checksum_of_the_whole(parts: list[bytes]) -> None:
    found = 0
    for part in parts:
        found = checksum.joined(found, zlib.crc32(part), checksum.power(len(part)))
    assert found == zlib.crc32(b"".join(parts))


@pytest.mark.parametrize("cuts", [(0, 1, 1 << 20), (0, 1 << 20, (1 << 20) + 1), (0, 3_000_001, 3_000_001, 5_000_000)], ids=str)
def test_large_parts_do_too(cuts: tuple[int, ...]) -> None:
    whole = bytes(range(251)) * 20_000
    found = 0
    for start, end in pairwise(cuts):
        found = checksum.joined(found, zlib.crc32(whole[start:end]), checksum.power(end - start))
    assert found == zlib.crc32(whole[: cuts[-1]])
