"""From YAML text to plain values that know on which line they stand."""

from dataclasses import dataclass, field

import yaml

from exporter.config.durations import quoted

Path = tuple[str | int, ...]

_LARGEST = 10 * 1024 * 1024
_DEEPEST = 20
_MOST_NODES = 200_000


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with a file.

    Attributes:
        path: Which value, as keys and indexes from the root.
        message: What is wrong with it, and what to write instead.
        line: On which line, from 1; None where the path tells.
    """

    path: Path
    message: str
    line: int | None = None


@dataclass(slots=True)
class Document:
    """The values of a file; lists are tuples.

    Attributes:
        value: The value at the root.
        lines: The line of each value, from 1, by its path.
        problems: What is wrong with the file as YAML.
    """

    value: object = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """Return the line of a value, or of the nearest one around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


class _TooMuch(Exception):  # noqa: N818 - never leaves this module
    """The document is nested too deeply or, through aliases, too large."""


def read_document(content: bytes) -> Document:
    """Read a file's content as one YAML document."""
    document = Document()
    if len(content) > _LARGEST:
        document.problems.append(
            Problem((), f"the file is larger than {_LARGEST // 1024 // 1024} MiB: that is no configuration")
        )
        return document
    try:
        text = content.decode("utf-8-sig")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        document.problems.append(Problem((), "the file is not UTF-8 text: save it as UTF-8", line))
    except (yaml.YAMLError, RecursionError) as error:
        document.problems.append(_syntax_problem(error))
    else:
        if root is not None:
            try:
                document.value = _Builder(document).build(root, ())
            except _TooMuch as error:
                document.problems.append(Problem((), str(error)))
    return document


class _Builder:
    """Builds plain values from YAML nodes, noting lines and repeated keys."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._scalars = yaml.SafeLoader("")
        self._count = 0

    def build(self, node: yaml.Node, path: Path) -> object:
        self._count += 1
        if self._count > _MOST_NODES or len(path) > _DEEPEST:
            raise _TooMuch("the file is nested too deeply, or too large: that is no configuration")
        self._document.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return tuple(self.build(item, (*path, index)) for index, item in enumerate(node.value))
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        values: dict[str, object] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._document.problems.append(Problem(path, "a key must be plain text", line))
                continue
            key = str(key_node.value)
            here = (*path, key)
            if key in values:
                first = self._document.lines[here]
                self._document.problems.append(
                    Problem(here, f"the key is there twice, first on line {first}: remove one of them", line)
                )
                continue
            self._document.lines[here] = line
            values[key] = self.build(value_node, here)
        return values

    def _scalar(self, node: yaml.Node, path: Path) -> object:
        try:
            return self._scalars.construct_object(node)
        except (yaml.YAMLError, ValueError):
            self._document.problems.append(Problem(path, f"{quoted(node.value)} is not a value: put it in quotes"))
            return None


def _syntax_problem(error: Exception) -> Problem:
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or "it cannot be read"
    line = None if mark is None else mark.line + 1
    column = "" if mark is None else f", column {mark.column + 1}"
    if "'\\t'" in str(said):
        said = "there is a tab: indent with spaces"
    return Problem((), f"not YAML{column}: {' '.join(str(said).split())}", line)
