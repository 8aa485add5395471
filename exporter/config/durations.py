"""Durations as Prometheus writes them: `30s`, `5m`, `1h30m`."""

import re

_UNITS_MS = {
    "y": 365 * 86_400_000,
    "w": 7 * 86_400_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1000,
    "ms": 1,
}
_WRITTEN_UNITS = ("d", "h", "m", "s", "ms")
# Nine digits of years are some 10^17 seconds: still a number that a float holds.
_PATTERN = re.compile("".join(rf"(?:(?P<{unit}>[0-9]{{1,9}}){unit})?" for unit in _UNITS_MS))


def parse_duration(text: str) -> float:
    """Return the seconds that a duration stands for.

    Args:
        text: Whole numbers, each followed by its unit: y, w, d, h, m, s, ms, in this order.

    Raises:
        ValueError: It is none; the message says what to write.
    """
    match = _PATTERN.fullmatch(text)
    counts = {unit: int(count) for unit, count in match.groupdict().items() if count} if match else {}
    if not counts:
        plain = text.isascii() and text.isdigit() and len(text) <= len("86400")
        raise ValueError(f"is not a duration: write {f'{text}s or {text}m' if plain else 'it like 30s, 5m or 1h30m'}")
    return sum(count * _UNITS_MS[unit] for unit, count in counts.items()) / 1000


def format_duration(seconds: float) -> str:
    """Return a duration as it is written in a configuration file, to the millisecond."""
    left_ms = round(seconds * 1000)
    written = ""
    for unit in _WRITTEN_UNITS:
        count, left_ms = divmod(left_ms, _UNITS_MS[unit])
        written += f"{count}{unit}" if count else ""
    return written or "0s"
