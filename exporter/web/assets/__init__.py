"""The parts of the status page that a browser asks for, each under a name that changes with what is in it."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files

_TYPES = {"status.css": "text/css; charset=utf-8", "status.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One part.

    Attributes:
        name: Its file's name.
        media_type: What it is.
        content: What is in it.
        key: Changes with what is in it.
    """

    name: str
    media_type: str
    content: bytes
    key: str


def text(name: str) -> str:
    """Return a file of text that lies here."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def assets() -> dict[str, Asset]:
    """Return every part by its name."""
    contents = {name: text(name).encode() for name in _TYPES}
    return {
        name: Asset(name, _TYPES[name], content, hashlib.sha256(content).hexdigest()[:12]) for name, content in contents.items()
    }
