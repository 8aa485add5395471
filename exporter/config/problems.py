"""What is wrong with a configuration file, where, and what to write instead."""

import re
from collections.abc import Iterable

from exporter.errors import ConfigError

Path = tuple[str | int, ...]
"""Where a value is: the keys and the positions in lists that lead to it."""

LONGEST_SHOWN = 80

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,79}")
EXTERNAL_IDS = ("external_id", "member_external_id")
"""Keys whose values belong in the file and are never shown."""

_SECRET = re.compile(r"secret|token|passw|passphrase|pwd|(access|api|private)[_-]?key|credential", re.IGNORECASE)


def quoted(text: str) -> str:
    """Return a text as a message shows it: in quotes, on one line, cut where it is long."""
    cut = text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
    return '"' + "".join(_visible(char) for char in cut) + '"'


def written_path(path: Path) -> str:
    """Return a path as people write it, such as `accounts[2].role_arn`."""
    written = ""
    for part in path:
        if isinstance(part, int):
            written += f"[{part}]"
        elif not _PLAIN_KEY.fullmatch(part):
            written += f"[{quoted(part)}]"
        else:
            written += f".{part}" if written else part
    return written


def names_secret(path: Path) -> bool:
    """Return whether the value at a path could be a secret, going by its keys."""
    return any(isinstance(part, str) and _SECRET.search(part) for part in path)


def holds_secret(path: Path) -> bool:
    """Return whether the value at a path is never shown: what could be a secret, and what `/config` masks."""
    return names_secret(path) or path[-1:] in {(key,) for key in EXTERNAL_IDS}


def line_of_problem(source: str, line: int | None, text: str) -> str:
    """Return a problem the way it is told."""
    place = "".join(_visible(char) for char in source)
    return f"{place}: {text}" if line is None else f"{place}:{line}: {text}"


class Report:
    """Collects every problem of one file.

    A value that is broken is left out of everything that follows, so what is found wrong with its neighbours because it is
    missing is not told.

    Args:
        source: The file's name.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._problems: list[tuple[int, Path, str]] = []
        self._broken: set[Path] = set()
        self._around_broken: set[Path] = set()

    def add(self, line: int, path: Path, text: str) -> None:
        """Add a problem."""
        self._problems.append((line, path, text))

    def mark_broken(self, path: Path) -> None:
        """Remember that what is at a path cannot be relied on."""
        self._broken.add(path)
        self._around_broken.update(path[:length] for length in range(len(path) + 1))

    def is_sound(self, *paths: Path) -> bool:
        """Return whether nothing at these paths, in them or around them is broken."""
        return not any(
            path in self._around_broken or any(path[:length] in self._broken for length in range(len(path))) for path in paths
        )

    def raise_if_any(self) -> None:
        """End here when there were problems.

        Raises:
            ConfigError: With all of them, in the order of the file.
        """
        if self._problems:
            raise ConfigError(list(self._lines()))

    def _lines(self) -> Iterable[str]:
        for line, path, text in sorted(self._problems, key=lambda problem: problem[0]):
            yield line_of_problem(self.source, line, f"{written_path(path)}: {text}" if path else text)


def _visible(char: str) -> str:
    if char in {'"', "\\"}:
        return "\\" + char
    return char if char.isprintable() else char.encode("unicode_escape").decode()
