"""What the comments in the chart's values.yaml say: for the table in its README and the descriptions in its schema."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from docs.config_schema import config_schema

_KEY = re.compile(r"^( *)([A-Za-z][A-Za-z0-9]*):")
_COMMENT = re.compile(r"^ *# ?(-- )?(.*)$")


@dataclass(frozen=True, slots=True)
class Value:
    """One documented value.

    Attributes:
        path: The keys that lead to it.
        description: What its comment says.
        default: What it is unless set.
        has_parts: Whether values in it are documented, too.
    """

    path: tuple[str, ...]
    description: str
    default: Any
    has_parts: bool


def documented_values(text: str) -> list[Value]:
    """Return the values that have a `# --` comment, in their order.

    Args:
        text: The content of values.yaml.
    """
    defaults = yaml.safe_load(text)
    comments = dict(_comments(text))
    return [
        Value(path, comment, _at(defaults, path), has_parts=any(other[: len(path)] == path != other for other in comments))
        for path, comment in comments.items()
        if comment
    ]


def undocumented_values(text: str) -> list[str]:
    """Return the leaves of values.yaml that neither have a comment nor are in something that has one of its own."""
    values = documented_values(text)
    whole = {value.path for value in values if not value.has_parts}
    leaves = _leaves(yaml.safe_load(text), ())
    return [".".join(leaf) for leaf in leaves if not any(leaf[: len(path)] == path for path in whole)]


def table(text: str) -> str:
    """Return the values as a table in Markdown."""
    values = documented_values(text)
    rows = [f"| `{'.'.join(value.path)}` | {_default(value)} | {_cell(value.description)} |" for value in values]
    return "\n".join(["| value | default | meaning |", "|---|---|---|", *rows, ""])


def described_schema(schema_text: str, values_text: str) -> str:
    """Return the schema of the values with the descriptions of values.yaml, and the exporter's own schema of `config`."""
    schema = json.loads(schema_text)
    schema["properties"]["config"] = config_schema()
    for value in documented_values(values_text):
        node = schema
        for key in value.path:
            node = node["properties"][key]
        content = {key: part for key, part in node.items() if key != "description"}
        node.clear()
        node.update({"description": value.description.replace("`", ""), **content})
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _comments(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each key that has a comment, with it, and without one, with nothing."""
    stack: list[tuple[int, str]] = []
    comment: list[str] = []
    for line in text.splitlines():
        if found := _COMMENT.match(line):
            comment = [found[2]] if found[1] else [*comment, found[2]] if comment else []
        elif key := _KEY.match(line):
            indent = len(key[1])
            stack = [*(item for item in stack if item[0] < indent), (indent, key[2])]
            if comment:
                yield tuple(name for _, name in stack), " ".join(comment)
            comment = []
        else:
            comment = []


def _at(tree: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401 - whatever YAML holds
    for key in path:
        tree = tree[key]
    return tree


def _leaves(tree: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:  # noqa: ANN401 - as above
    if isinstance(tree, dict) and tree:
        for key, part in tree.items():
            yield from _leaves(part, (*path, key))
    else:
        yield path


def _default(value: Value) -> str:
    return "" if value.has_parts else f"`{json.dumps(value.default)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
