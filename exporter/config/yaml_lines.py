"""YAML files whose values know their lines; what is dangerous or ambiguous in YAML is refused."""

import re
import sys
from contextlib import suppress
from pathlib import Path

import yaml
from yaml.events import CollectionEndEvent, CollectionStartEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from exporter.errors import ConfigError

Loc = tuple[str | int, ...]
"""Where a value is: the keys and the positions in lists that lead to it."""

MAX_BYTES = 10 * 1024 * 1024
MAX_VALUES = 250_000
"""In a document, aliases filled in; some fifty thousand accounts of five values."""
MAX_DEPTH = 30
MAX_SHOWN = 80

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_STR, _BOOL, _NULL, _MERGE = (_TAG + kind for kind in ("str", "bool", "null", "merge"))
_NUMBERS = {_STR, f"{_TAG}int", f"{_TAG}float"}
_SCALARS = {*_NUMBERS, _BOOL, _NULL, _MERGE, f"{_TAG}timestamp", f"{_TAG}value"}
_TAGS = {ScalarNode: _SCALARS, SequenceNode: {f"{_TAG}seq"}, MappingNode: {f"{_TAG}map"}}
_BOOLEANS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
# YAML 1.1 reads 0123 as octal and 0189 as text, YAML 1.2 both as decimal. To us they are numbers without quotes.
_LEADING_ZERO = re.compile(r"0[0-9_]+")
_NOT_YAML = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,79}")
_VALUE = re.compile(r'"(\\.|[^"\\])*"|\b[0-9]+\b')  # in a problem that is the same in many entries
_MOST_ALIKE = 3

_EMPTY = "the file is empty: check that the right one is mounted; to use only defaults, write {}"
_NO_MAPPING = 'the file is not a mapping: write keys such as "accounts:", each at the start of a line'
_ENDLESS = "an alias refers to itself, or aliases are nested too deep"
# The C and the Python parser say the same in different words.
_SYNTAX = (
    (r"mapping values are not allowed", 'a ":" where no key can be: check the indentation, or put the value in quotes'),
    (r"expected ',' or '[\]}]'", "a bracket that is not closed, or a comma that is missing"),
    (r"unexpected end of stream", "a quotation mark that is not closed"),
    (r"unknown escape", "an unknown escape sequence: double the backslash, or use single quotes"),
    (r"<block end>|expected key|expected '-' indicator", "unexpected content: check the indentation and the quotes"),
    (r"node content", "an extra bracket or comma"),
    (r"undefined alias", "an alias (*) without an anchor (&) of its name before it"),
    (r"second occurrence", "a duplicate anchor (&): rename one of them"),
    (r"another document", "a second document: keep one, and remove the ---"),
    (r"tag", 'a "!" at the start of a value: put the value in quotes'),
    (r"alphabetic or numeric", 'a "*" or "&" at the start of a value: put the value in quotes'),
)


def read(path: Path, what: str = "configuration") -> bytes:
    """Return what is in a file, its beginning when it is too large; a pipe or a device, which may never end, is not tried."""
    try:
        if str(path) == ".":
            reason = "no file name given"
        elif path.exists() and not (path.is_file() or path.is_dir()):
            reason = "it is a pipe, socket or device: use a file"
        else:
            with path.open("rb") as file:
                return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
    raise _error(str(path), None, f"the {what} cannot be read: {reason}")


def quoted(text: str) -> str:
    """Return a text in quotes, on one line, cut where it is long."""
    return f'"{_visible(text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…")}"'


class Document:
    """A YAML document that could be read, as plain `data`, and what is wrong in it."""

    def __init__(self, source: str, root: MappingNode) -> None:
        self._source = source
        self._root = root
        self._problems: list[tuple[int, str, str]] = []  # line, place, text
        self._count = 0
        self._last_line = 0
        self.data = self._read(root, ())

    def add(self, loc: Loc, text: str, line: int | None = None) -> None:
        """Add a problem, on the line of its place unless another is given."""
        self._problems.append((line or self.line(loc), _written(loc), text))

    def check(self) -> None:
        """Raise a `ConfigError` if there are problems, in the order of the file; one that many entries have, once."""
        alike: dict[tuple[str, str], list[tuple[int, str, str]]] = {}
        for line, place, text in sorted(self._problems, key=lambda problem: problem[0]):
            alike.setdefault((_VALUE.sub("", place), _VALUE.sub("", text)), []).append((line, place, text))
        told: list[tuple[int, str, str]] = []
        for same in alike.values():
            if len(same) > _MOST_ALIKE:
                (line, place, text), *others = same[:_MOST_ALIKE]
                also = ", ".join(f"{place} on line {line}" for line, place, _ in others)
                same = [(line, place, f"{text} ({len(same)} times: also {also})")]  # noqa: PLW2901
            told += same
        if told:
            told.sort(key=lambda problem: problem[0])
            raise ConfigError([_told(self._source, line, f"{place}: {text}" if place else text) for line, place, text in told])

    def line(self, loc: Loc) -> int:
        return self.find(loc)[0]

    def place(self, loc: Loc) -> str:
        """Return a place with its line, as a message mentions it."""
        return f"{_written(loc)} (line {self.line(loc)})"

    def find(self, loc: Loc) -> tuple[int, Node | None]:
        node: Node | None = self._root
        line = _line(self._root)
        for part in loc:
            if isinstance(node, MappingNode):
                key, node = next(((key, value) for key, value in node.value if key.value == part), (None, None))
                line = _line(key) if key else line
            elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = _line(node)
            else:
                return line, None
        return line, node

    def _read(self, node: Node, loc: Loc) -> object:
        if node.tag not in _TAGS[type(node)]:
            self.add(loc, f"the tag {quoted(node.tag.replace(_TAG, '!!'))} is not supported: remove it", _line(node))
        if isinstance(node, ScalarNode):
            return scalar(node)
        self._last_line = max(self._last_line, _line(node))  # an alias is where it is written, not where it points to
        if len(loc) > MAX_DEPTH:
            raise _error(self._source, self._last_line, _ENDLESS)
        self._count_values(len(node.value))
        if isinstance(node, MappingNode):
            self._merge(node, loc)
            return {key.value: self._read(value, (*loc, key.value)) for key, value in node.value}
        return [self._read(item, (*loc, index)) for index, item in enumerate(node.value)]

    def _merge(self, node: MappingNode, loc: Loc) -> None:
        """Resolve merge keys (`<<`) in the node itself, where lines are looked up, and leave out keys that are wrong."""
        entries: dict[str, tuple[Node, Node]] = {}
        merged: list[Node] = []
        for key, value in node.value:
            if not isinstance(key, ScalarNode) or key.tag not in _SCALARS:
                self.add(loc, "a key is a list, a mapping or has a tag here: write it as plain text", _line(key))
            elif key.tag == _MERGE:
                merged += value.value if isinstance(value, SequenceNode) else [value]
                if not all(isinstance(source, MappingNode) for source in merged):
                    self.add(loc, '"<<" takes in mappings only: write the alias of one after it', _line(key))
            elif key.value in entries:
                first = _line(entries[key.value][0])
                self.add((*loc, key.value), f"is a duplicate key, first on line {first}: remove one of them", _line(key))
            else:
                entries[key.value] = key, value
        node.value = list(entries.values())  # now, or a mapping that is merged into itself would never be done
        for source in merged:
            if isinstance(source, MappingNode):
                self._merge(source, loc)
                self._count_values(len(source.value))
                entries = {**{key.value: (key, value) for key, value in source.value}, **entries}
        node.value = list(entries.values())

    def _count_values(self, count: int) -> None:
        self._count += count
        if self._count > MAX_VALUES:
            text = f"the file has more than {MAX_VALUES} values, including aliases"
            raise _error(self._source, self._last_line, text)


def read_yaml(content: bytes, source: str) -> Document:
    """Read a document in UTF-8; `source` is what messages call it."""
    text = _decoded(content, source)
    try:
        _check_depth(text, source)
        root = yaml.compose(text, Loader=_LOADER)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise _error(source, *_syntax_problem(error, text)) from None
    if root is None or (isinstance(root, ScalarNode) and not root.value):
        raise _error(source, 1, _EMPTY)
    if not isinstance(root, MappingNode):
        raise _error(source, _line(root), _NO_MAPPING)
    return Document(source, root)


def _decoded(content: bytes, source: str) -> str:
    if len(content) > MAX_BYTES:
        raise _error(source, None, f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB: is it the right file?")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _error(source, line, f"not UTF-8 text (byte 0x{content[error.start]:02x}): save the file as UTF-8") from None
    if found := _NOT_YAML.search(text):
        line, column = text.count("\n", 0, found.start()) + 1, found.start() - text.rfind("\n", 0, found.start())
        problem = f"a character that YAML does not allow in column {column} (U+{ord(found[0]):04X}): remove it"
        raise _error(source, line, problem)
    return text


def _check_depth(text: str, source: str) -> None:
    """Refuse nested values before `compose()` overflows libyaml's stack with them."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else None
                raise _error(source, line, f"values are nested more than {MAX_DEPTH} deep: check the brackets")
        elif isinstance(event, CollectionEndEvent):
            depth -= 1


def _syntax_problem(error: Exception, text: str) -> tuple[int | None, str]:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return None, "is not YAML"
    problem = str(getattr(error, "problem", ""))
    char = text[mark.index : mark.index + 1]
    words = next((words for pattern, words in _SYNTAX if re.search(pattern, problem)), problem)
    if "cannot start any token" in problem:
        value = f"{quoted(char)} at the start of a value: put the value in quotes"
        words = "a tab: indent with spaces" if char == "\t" else value
    if "not closed" in words:
        mark = getattr(error, "context_mark", None) or mark
    return mark.line + 1, f"not YAML from column {mark.column + 1} on: {words}"


def scalar(node: ScalarNode) -> str | int | float | bool | None:
    """Return what YAML makes of a scalar; dates and what no number can hold, which no key takes, stay text."""
    text, tag = str(node.value), node.tag
    if tag == _NULL:
        return None
    if tag == _BOOL:
        return _BOOLEANS.get(text.lower(), text)
    if tag not in _NUMBERS or (tag == _STR and (node.style or not _LEADING_ZERO.fullmatch(text))):
        return text
    with suppress(ValueError):
        number = int(text, 0)
        return number if abs(number) <= sys.float_info.max else text
    with suppress(ValueError):
        return float(text)
    return text


def _line(node: Node) -> int:
    return node.start_mark.line + 1


def _written(loc: Loc) -> str:
    """Return a place as people write it, such as `accounts[2].role_arn`, without keys that may be `USER:PASSWORD`."""
    parts = (
        f".{key}" if _PLAIN.fullmatch(str(key)) else f"[{key if isinstance(key, int) else quoted('…' if ':' in key else key)}]"
        for key in loc
    )
    return "".join(parts).removeprefix(".")


def _visible(text: str) -> str:
    escaped = text.replace("\\", r"\\").replace('"', r"\"")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in escaped)


def _told(source: str, line: int | None, text: str) -> str:
    return f"{_visible(source)}{f':{line}' if line else ''}: {text}"


def _error(source: str, line: int | None, text: str) -> ConfigError:
    return ConfigError([_told(source, line, text)])
