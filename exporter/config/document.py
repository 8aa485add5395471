"""A YAML document whose values remember where they were written."""

from dataclasses import dataclass, field

from exporter.config.problems import Path


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value: as YAML understands it, and as it was written."""

    line: int
    text: str
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    line: int
    items: list["Node"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Entries:
    """A mapping; each key with the line it is on."""

    line: int
    entries: dict[str, tuple[int, "Node"]] = field(default_factory=dict)


Node = Scalar | Items | Entries


@dataclass(frozen=True, slots=True)
class Document:
    """A document that could be read."""

    root: Entries

    def line(self, path: Path) -> int:
        """Return the line of what is at a path, or of what is around it if nothing is there."""
        return self._walk(path)[0]

    def node(self, path: Path) -> Node | None:
        """Return what is at a path."""
        return self._walk(path)[1]

    def _walk(self, path: Path) -> tuple[int, Node | None]:
        line, node = self.root.line, self.root
        found: Node = node
        for part in path:
            match found, part:
                case Entries(entries=entries), str() if part in entries:
                    line, found = entries[part]
                case Items(items=items), int() if part < len(items):
                    found = items[part]
                    line = found.line
                case _:
                    return line, None
        return line, found


def as_data(node: Node) -> object:
    """Return a node as plain Python values, none of which is shared with another."""
    match node:
        case Scalar():
            return node.value
        case Items():
            return [as_data(item) for item in node.items]
        case Entries():
            return {key: as_data(value) for key, (_, value) in node.entries.items()}
