"""From a document to the values of its keys, with every problem told in words."""

import difflib
from collections.abc import Iterator, Sequence
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from exporter.config.document import Document, Entries, Items, Node, Scalar, as_data
from exporter.config.problems import Path, Report, names_secret, quoted
from exporter.config.schema import Config
from exporter.config.values import PartitionOf

_KEY_MARKER = "[key]"
_EXPECTED = {
    "tuple_type": "a list: write its entries in [ ], or each after a dash",
    "dict_type": "a mapping: write key and value pairs, indented below it",
    "model_type": "a mapping: write its keys below it, indented",
}
_NOT_HERE = (
    "credentials do not belong in this file: remove it, and leave them to AWS's default chain "
    "(environment, profile, or the role of the machine or pod)"
)

_HARMLESS = ("use_own_credentials",)
"""Keys that are named like a secret and hold none."""
_ALMOST_EQUAL = 0.8


def validated(document: Document, partition_of: PartitionOf, report: Report) -> Config:
    """Return what a document says, leaving out what is broken.

    Args:
        document: The document.
        partition_of: Tells real regions from others.
        report: Gets the problems, and the paths of what was left out.
    """
    data = as_data(document.root)
    context = {"partition_of": partition_of}
    while True:
        try:
            return Config.model_validate(data, context=context)
        except ValidationError as error:
            for details in error.errors(include_url=False, include_context=True):
                path = _tell(details, document, report)
                report.mark_broken(_remove(data, path, is_entry=details["type"] == "model_type"))


def _tell(details: ErrorDetails, document: Document, report: Report) -> Path:
    path = details["loc"]
    node = document.node(path)
    if details["type"] == "extra_forbidden":
        text = _unknown_key(path, report)
    elif node is None and path[-1] == _KEY_MARKER:
        path = path[:-1]
        text = f"{quoted(str(path[-1]))} {_complaint(details)}"
    elif isinstance(node, Scalar) and node.value is None:
        text = "has no value: write one, or remove the key" if isinstance(path[-1], str) else "is empty: remove the dash"
    else:
        text = f"{_shown(path, node)} {_complaint(details)}"
    report.add(document.line(path), path, text)
    return path


def _complaint(details: ErrorDetails) -> str:
    reason = details.get("ctx", {}).get("error")
    if isinstance(reason, ValueError):
        return str(reason)
    return f"is not {_EXPECTED.get(details['type'], 'what belongs here')}"


def _shown(path: Path, node: Node | None) -> str:
    match node:
        case Items():
            return "the list"
        case Entries():
            return "a mapping"
        case Scalar() if names_secret(path):
            return "the value (not shown)"
        case Scalar(text=text, value=str()):
            return quoted(text)
        case Scalar(text=text):
            return quoted(text).removeprefix('"').removesuffix('"')
        case _:
            return "the value"


def _unknown_key(path: Path, report: Report) -> str:
    key = str(path[-1])
    allowed = keys_at(path[:-1])
    # Before the nearest key: a session_token is no misspelt session_name.
    if names_secret(path) and not difflib.get_close_matches(key, _HARMLESS, cutoff=_ALMOST_EQUAL):
        return _NOT_HERE
    near = difflib.get_close_matches(key, allowed, n=1)
    if near:
        # What the misspelt key was meant to say is unknown, not absent.
        report.mark_broken((*path[:-1], near[0]))
        return f"unknown key: did you mean {near[0]}?"
    return f"unknown key: here are allowed {', '.join(allowed)}"


def keys_at(path: Path) -> Sequence[str]:
    """Return the keys that are allowed in the mapping at a path."""
    model: type[BaseModel] = Config
    for part in path:
        if isinstance(part, str):
            model = next(_models_in(model.model_fields[part].annotation))
    return tuple(model.model_fields)


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _remove(data: object, path: Path, *, is_entry: bool) -> Path:
    """Remove what is at a path, or the nearest thing around it that may be missing; return the path of that.

    An entry of a list of mappings is only emptied: those after it are to keep their positions.
    """
    containers: list[object] = []
    here = data
    for length, part in enumerate(path):
        containers.append(here)
        match here, part:
            case dict(), str() if part in here:
                here = here[part]
            case list(), int() if part < len(here):
                here = here[part]
            case _:
                return path[: length + 1]  # an earlier problem removed it
    for length in range(len(path), 0, -1):
        match containers[length - 1], path[length - 1]:
            case dict() as mapping, key:
                del mapping[key]
                return path[:length]
            case list() as entries, int() as index if is_entry and length == len(path):
                entries[index] = {}
                return path
    return ()
