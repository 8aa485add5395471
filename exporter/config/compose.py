"""From text to a document.

PyYAML's own loaders forget where values were written, take the last of two equal keys in silence, and fill in
aliases without bound.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from typing import Never

import yaml
from yaml.constructor import SafeConstructor
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from yaml.resolver import Resolver

from exporter.config.document import Document, Entries, Items, Node, Scalar
from exporter.config.problems import Path, Report, line_of_problem, quoted
from exporter.config.syntax import syntax_problem
from exporter.errors import ConfigError

MOST_VALUES = 1_000_000
"""How many values a document may hold, aliases filled in; some fifty thousand accounts."""
DEEPEST = 30

_TAG = "tag:yaml.org,2002:"
_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVER = Resolver()
_CONSTRUCTOR = SafeConstructor()
# YAML 1.1 reads 0123 as octal and 0189 as text, YAML 1.2 both as decimal. To us they are numbers that somebody forgot to quote.
_LEADING_ZERO = re.compile(r"0[0-9_]+")


def read_document(text: str, report: Report) -> Document:
    """Read a document.

    Args:
        text: The file's text.
        report: Gets the problems that do not keep the rest from being read.

    Raises:
        ConfigError: There is nothing to go on with.
    """
    try:
        root = _Composer(yaml.parse(text, Loader=_PARSER), report).compose()
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise ConfigError([line_of_problem(report.source, *syntax_problem(error, text))]) from None
    if root is None or (isinstance(root, Scalar) and root.text == ""):
        what = "the file is empty: is the right one mounted? For a configuration of nothing but defaults, write {}"
        raise ConfigError([line_of_problem(report.source, 1, what)])
    if not isinstance(root, Entries):
        what = 'the file is not a mapping: write keys such as "accounts:", each at the start of a line'
        raise ConfigError([line_of_problem(report.source, root.line, what)])
    return Document(root)


class _Composer:
    """Makes nodes of the parser's events."""

    def __init__(self, events: Iterator[Event], report: Report) -> None:
        self._events = events
        self._report = report
        self._count = 0
        self._anchors: dict[str, tuple[Node, int] | None] = {}

    def compose(self) -> Node | None:
        root: Node | None = None
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                if root is not None:
                    self._stop(event, "a second document begins here: a configuration is one document, without --- inside")
                root = self._node(next(self._events), ())
        return root

    def _node(self, event: Event, path: Path) -> Node:
        if isinstance(event, AliasEvent):
            return self._alias(event)
        if len(path) > DEEPEST:
            self._stop(event, f"values are nested more than {DEEPEST} deep: check the brackets")
        before = self._count
        self._count_values(event, 1)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchors[anchor] = None
        match event:
            case SequenceStartEvent():
                self._refuse_tag(event, "seq", path)
                node: Node = self._items(event, path)
            case MappingStartEvent():
                self._refuse_tag(event, "map", path)
                node = self._entries(event, path)
            case _:
                node = self._scalar(event, path)
        if anchor is not None:
            self._anchors[anchor] = (node, self._count - before)
        return node

    def _alias(self, event: AliasEvent) -> Node:
        name = str(event.anchor)
        if name not in self._anchors:
            self._stop(event, f"*{name} refers to nothing: there is no &{name} before it")
        anchored = self._anchors[name]
        if anchored is None:
            self._stop(event, f"*{name} is inside of what it refers to")
        node, size = anchored
        self._count_values(event, size)
        return node

    def _items(self, start: Event, path: Path) -> Items:
        node = Items(_line(start))
        while not isinstance(event := next(self._events), SequenceEndEvent):
            node.items.append(self._node(event, (*path, len(node.items))))
        return node

    def _entries(self, start: Event, path: Path) -> Entries:
        node = Entries(_line(start))
        merged: list[Entries] = []
        while not isinstance(event := next(self._events), MappingEndEvent):
            line = _line(event)
            # A key that is no text counts as one level down, or keys within keys would never be too deep.
            key = self._node(event, path if isinstance(event, ScalarEvent) else (*path, ""))
            plain = isinstance(event, ScalarEvent) and event.implicit[0]
            name = key.text if isinstance(key, Scalar) else ""
            value = self._node(next(self._events), (*path, name))
            if not isinstance(key, Scalar):
                self._report.add(line, path, "a key is a list or a mapping here: write it as plain text")
            elif plain and name == "<<":
                merged += self._merged(line, path, value)
            elif name in node.entries:
                first = node.entries[name][0]
                self._report.add(line, (*path, name), f"is written twice, first on line {first}: remove one of them")
            else:
                node.entries[name] = (line, value)
        for source in merged:
            for name, entry in source.entries.items():
                node.entries.setdefault(name, entry)
        return node

    def _merged(self, line: int, path: Path, value: Node) -> Sequence[Entries]:
        sources = value.items if isinstance(value, Items) else [value]
        found = [source for source in sources if isinstance(source, Entries)]
        if len(found) < len(sources):
            self._report.add(line, path, '"<<" takes in mappings only: write the alias of one after it')
        return found

    def _scalar(self, event: Event, path: Path) -> Scalar:
        text = str(getattr(event, "value", ""))
        implicit = getattr(event, "implicit", (True, False))
        tag = getattr(event, "tag", None)
        if tag is None:
            tag = _RESOLVER.resolve(yaml.ScalarNode, text, implicit)  # type: ignore[no-untyped-call]  # the stubs leave it out
            if tag == f"{_TAG}str" and implicit[0] and _LEADING_ZERO.fullmatch(text):
                return Scalar(_line(event), text, float(text))
            if ":" in text:
                tag = f"{_TAG}str"  # 1:30 is ninety to YAML 1.1, and to nobody else
        elif tag not in {f"{_TAG}{kind}" for kind in ("str", "int", "float", "bool", "null")} | {"!"}:
            self._refuse_tag(event, "str", path)
        return Scalar(_line(event), text, _value(tag, text))

    def _refuse_tag(self, event: Event, usual: str, path: Path) -> None:
        tag = getattr(event, "tag", None)
        if tag not in {None, "!", _TAG + usual}:
            written = str(tag).replace(_TAG, "!!")
            self._report.add(_line(event), path, f"the tag {quoted(written)} has no meaning here: remove it")

    def _count_values(self, event: Event, count: int) -> None:
        self._count += count
        if self._count > MOST_VALUES:
            self._stop(event, f"the file holds more than {MOST_VALUES} values, counting what its aliases stand for")

    def _stop(self, event: Event, text: str) -> Never:
        raise ConfigError([line_of_problem(self._report.source, _line(event), text)])


def _line(event: Event) -> int:
    mark = event.start_mark
    return 1 if mark is None else mark.line + 1


def _value(tag: str, text: str) -> str | int | float | bool | None:
    """Return what YAML makes of a scalar; dates and numbers beyond all floats, which no key here takes, stay text."""
    node = yaml.ScalarNode(tag, text)
    try:
        match tag.removeprefix(_TAG):
            case "null":
                return None
            case "bool":
                return bool(_CONSTRUCTOR.construct_yaml_bool(node))
            case "int":
                number = int(_CONSTRUCTOR.construct_yaml_int(node))
                return number if abs(number) <= sys.float_info.max else text
            case "float":
                return float(_CONSTRUCTOR.construct_yaml_float(node))
            case _:
                return text
    except (ValueError, KeyError, IndexError, OverflowError):
        return text
