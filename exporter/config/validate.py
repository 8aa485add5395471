"""From a document to the values of its keys, with every problem told in words."""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from exporter.config.document import Document, Entries, Items, Node, Scalar, as_data
from exporter.config.problems import Path, Report, names_secret, quoted

Model = TypeVar("Model", bound=BaseModel)

_KEY_MARKER = "[key]"
_EXPECTED = {
    "tuple_type": "a list: write its entries in [ ], or each after a dash",
    "dict_type": "a mapping: write key and value pairs, indented below it",
    "model_type": "a mapping: write its keys below it, indented",
}
_ALMOST_EQUAL = 0.8


@dataclass(frozen=True, slots=True)
class Form(Generic[Model]):
    """What a kind of file looks like.

    Attributes:
        model: Its keys.
        is_secret: Whether the value at a path is never shown.
        advice_on_credentials: What is told of an unknown key that is named like a secret; empty when it is told like any other.
        harmless_keys: Keys that are named like a secret and hold none.
    """

    model: type[Model]
    is_secret: Callable[[Path], bool] = names_secret
    advice_on_credentials: str = ""
    harmless_keys: Sequence[str] = ()


def validated(document: Document, form: Form[Model], context: Mapping[str, object], report: Report) -> Model:
    """Return what a document says, leaving out what is broken.

    Args:
        document: The document.
        form: What it is to look like.
        context: What the readers of values need to know.
        report: Gets the problems, and the paths of what was left out.
    """
    data = as_data(document.root)
    while True:
        try:
            return form.model.model_validate(data, context=dict(context))
        except ValidationError as error:
            for details in error.errors(include_url=False, include_context=True):
                path = _tell(details, document, form, report)
                report.mark_broken(_remove(data, path, is_entry=details["type"] == "model_type"))


def _tell(details: ErrorDetails, document: Document, form: Form[Model], report: Report) -> Path:
    path = details["loc"]
    node = document.node(path)
    if details["type"] == "extra_forbidden":
        text = _unknown_key(path, form, report)
    elif node is None and path[-1] == _KEY_MARKER:
        path = path[:-1]
        text = f"{quoted(str(path[-1]))} {_complaint(details)}"
    elif isinstance(node, Scalar) and node.value is None:
        text = "has no value: write one, or remove the key" if isinstance(path[-1], str) else "is empty: remove the dash"
    else:
        text = f"{_shown(path, node, form)} {_complaint(details)}"
    report.add(document.line(path), path, text)
    return path


def _complaint(details: ErrorDetails) -> str:
    reason = details.get("ctx", {}).get("error")
    if isinstance(reason, ValueError):
        return str(reason)
    return f"is not {_EXPECTED.get(details['type'], 'what belongs here')}"


def _shown(path: Path, node: Node | None, form: Form[Model]) -> str:
    match node:
        case Items():
            return "the list"
        case Entries():
            return "a mapping"
        case Scalar() if form.is_secret(path):
            return "the value (not shown)"
        case Scalar(text=text, value=str()):
            return quoted(text)
        case Scalar(text=text):
            return quoted(text).removeprefix('"').removesuffix('"')
        case _:
            return "the value"


def _unknown_key(path: Path, form: Form[Model], report: Report) -> str:
    key = str(path[-1])
    allowed = keys_at(form.model, path[:-1])
    # Before the nearest key: a session_token is no misspelt session_name.
    is_harmless = difflib.get_close_matches(key, form.harmless_keys, cutoff=_ALMOST_EQUAL)
    if form.advice_on_credentials and names_secret(path) and not is_harmless:
        return form.advice_on_credentials
    near = difflib.get_close_matches(key, allowed, n=1)
    if near:
        # What the misspelt key was meant to say is unknown, not absent.
        report.mark_broken((*path[:-1], near[0]))
        return f"unknown key: did you mean {near[0]}?"
    return f"unknown key: here are allowed {', '.join(allowed)}"


def keys_at(model: type[BaseModel], path: Path) -> Sequence[str]:
    """Return the keys that are allowed in the mapping at a path; those that are only there to be refused are not."""
    for part in path:
        if isinstance(part, str):
            model = next(_models_in(model.model_fields[part].annotation))
    return tuple(name for name, key in model.model_fields.items() if key.annotation is not type(None))


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
