"""One colour for each thing, on every panel."""

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

SEVERITIES = ("critical", "urgent", "high", "normal", "low")
"""AWS's five, worst first."""

SEVERITY: Mapping[str, str] = {
    "critical": "#E02F44",
    "urgent": "#FF780A",
    "high": "#F2CC0C",
    "normal": "#5794F2",
    "low": "#8E9BB3",
}
TURN: Mapping[str, tuple[str, str]] = {"customer": ("us", "#B877D9"), "aws": ("AWS", "#37A6A0")}
"""The two sides of a case, by the labels waiting_on and author: their name and colour."""

STATE: Mapping[str, str] = {
    "ok": "#56A64B",
    "pending": "#5794F2",
    "failing": "#FF780A",
    "stale": "#E02F44",
    "unsupported": "#8E9BB3",
}
GOOD, WARN, BAD, PLAIN, QUIET = "#56A64B", "#F2CC0C", "#E02F44", "#5794F2", "#8E9BB3"


def fixed(color: str) -> Json:
    """Return the setting for one colour, whatever the value."""
    return {"mode": "fixed", "fixedColor": color}


def by_name(colors: Mapping[str, str]) -> list[Json]:
    """Return overrides that give each named series its colour."""
    return [override(name, color=fixed(color)) for name, color in colors.items()]


def override(name: str, **properties: object) -> Json:
    """Return what is special about the field of that name; `__` in a property stands for a dot."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()],
    }


def steps(*levels: tuple[float, str], base: str = GOOD) -> Json:
    """Return thresholds: a colour to begin with, and another from each level on."""
    return {
        "mode": "absolute",
        "steps": [{"color": base, "value": None}, *({"color": color, "value": value} for value, color in levels)],
    }


def values(texts: Mapping[str, tuple[str, str | None]]) -> Json:
    """Return a mapping from values to a text and a colour."""
    options = {
        value: {"text": text, "index": index} | ({"color": color} if color else {})
        for index, (value, (text, color)) in enumerate(texts.items())
    }
    return {"type": "value", "options": options}


SEVERITY_TEXTS = values({code: (code, color) for code, color in SEVERITY.items()})
TURN_TEXTS = values(TURN)
OK_OR_FAILED = values({"1": ("ok", STATE["ok"]), "0": ("failed", STATE["stale"])})
NOTHING: Json = {"mappings": [{"type": "special", "options": {"match": "null+nan", "result": {"text": "-", "color": QUIET}}}]}
