"""Opaque page tokens that carry their own position, so that the server keeps no paging state."""

import base64
import binascii
import json


def seal(*parts: str | int) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def unseal(token: str, *expected: str) -> int | None:
    """Return the position at a token's end, or None when it was not made for the expected parts before it."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError):
        return None
    if not isinstance(parts, list) or not parts or parts[:-1] != list(expected):
        return None
    position = parts[-1]
    return position if isinstance(position, int) else None
