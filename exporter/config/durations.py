"""Durations as Prometheus writes them: `30s`, `5m`, `1h30m`."""

import re

_UNITS = {"y": 365 * 86400.0, "w": 7 * 86400.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PATTERN = re.compile("".join(rf"(?:(?P<{unit}>[0-9]{{1,9}}){unit})?" for unit in _UNITS))


def parse_duration(text: object) -> float:
    """Return the seconds that a duration stands for.

    Raises:
        ValueError: It is none; the message says what to write.
    """
    if isinstance(text, int | float) and not isinstance(text, bool):
        raise ValueError(f"{text} is not a duration: write {text:g}s or {text:g}m")  # noqa: TRY004 - one error for one mistake
    match = _PATTERN.fullmatch(text) if isinstance(text, str) and text else None
    if match is None:
        raise ValueError(f"{quoted(text)} is not a duration: write it like 30s, 5m or 1h30m")
    return sum(int(count) * _UNITS[unit] for unit, count in match.groupdict().items() if count)


def format_duration(seconds: float) -> str:
    """Return a duration the way it is written in a configuration file, such as `1h30m`."""
    left = round(seconds * 1000)
    parts = []
    for unit, size in _UNITS.items():
        count, left = divmod(left, round(size * 1000))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def quoted(value: object, longest: int = 80) -> str:
    """Return a value as a message shows it: in quotes, on one line, cut where it is long."""
    text = " ".join(str(value).split())
    return f'"{text[:longest]}…"' if len(text) > longest else f'"{text}"'
