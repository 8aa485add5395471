"""Pieces of HTML and text that the status page is made of."""

import re
from collections.abc import Sequence
from html import escape

_CONSOLES = {
    "aws": "https://support.console.aws.amazon.com/support/home",
    "aws-cn": "https://console.amazonaws.cn/support/home",
    "aws-us-gov": "https://console.amazonaws-us-gov.com/support/home",
}
_DISPLAY_ID = re.compile(r"[0-9]{1,32}", re.ASCII)

_UNITS = (("d", 86400), ("h", 3600), ("min", 60))


def bar(parts: Sequence[tuple[str, str, int]]) -> str:
    """Return a bar of parts (class, name, count); widths are attributes, as the page's policy allows no inline styles."""
    total = sum(count for *_, count in parts)
    drawn, left = [], 0.0
    for style, _, count in parts:
        width = 100 * count / total if total else 0.0
        if width:
            drawn.append(f'<rect class="{style}" x="{left:.2f}" width="{width:.2f}" height="8"/>')
        left += width
    title = escape(", ".join(f"{count} {name}" for _, name, count in parts if count))
    label = f' role="img" aria-label="{title}"' if title else ' aria-hidden="true"'
    return f'<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none"{label}>{"".join(drawn)}</svg>'


def counted(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def span(seconds: float) -> str:
    """Return a length of time in its largest unit."""
    whole = max(0, int(seconds))
    for unit, size in _UNITS:
        if whole >= size:
            return f"{whole // size} {unit}"
    return f"{whole} s"


def ago(moment: float | None, now: float) -> str:
    """Return how long ago something was."""
    return "never" if moment is None else f"{span(now - moment)} ago"


def case_url(display_id: str, partition: str) -> str | None:
    """Return a case's address in its partition's Support Center, for who is signed in to the account; None if there is none."""
    console = _CONSOLES.get(partition)
    if console is None or not _DISPLAY_ID.fullmatch(display_id):
        return None
    return f"{console}#/case/?displayId={display_id}"
