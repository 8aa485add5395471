"""The CRC-32 of a whole from the CRC-32s of its parts, so that a part that did not change is not read again.

A CRC-32 is a remainder of polynomials over two elements, the highest power in the lowest bit, as in zlib. Bytes that follow
multiply what comes before them by x to the eighth for each of them.
"""

_POLYNOMIAL = 0xEDB88320
_ONE = 1 << 31
_X_TO_THE_8 = _ONE >> 8


def power(length: int) -> int:
    """Return what so many bytes multiply the CRC-32 before them by."""
    result, square = _ONE, _X_TO_THE_8
    while length:
        if length & 1:
            result = _product(result, square)
        square = _product(square, square)
        length >>= 1
    return result


def joined(before: int, checksum: int, multiplier: int) -> int:
    """Return the CRC-32 of bytes followed by others.

    Args:
        before: The CRC-32 of the bytes.
        checksum: The CRC-32 of those that follow.
        multiplier: The `power` of how many follow.
    """
    return _product(multiplier, before) ^ checksum


def _product(one: int, other: int) -> int:
    product = 0
    while one:
        if one & _ONE:
            product ^= other
        one = one << 1 & 0xFFFFFFFF
        other = other >> 1 ^ (_POLYNOMIAL if other & 1 else 0)
    return product
