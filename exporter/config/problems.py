"""What pydantic finds wrong with a YAML document, in words."""

import difflib
import re
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from exporter.config.yaml_lines import Document, Loc, quoted, scalar

Model = TypeVar("Model", bound=BaseModel)

HIDDEN_KEYS = frozenset(("external_id", "member_external_id", "basic_auth_users", "cert", "cert_file", "key", "key_file"))
"""Keys whose values are never shown, as are those named like a secret; a private key may stand in place of its path."""

_SECRET = re.compile(r"secret|token|passw|passphrase|pwd|(access|api|private)[_-]?key|credential", re.IGNORECASE)
_USERINFO = re.compile(r"://[^/]*@")
_MISSPELT = 0.6
_MISSPELT_SECRET = 0.8  # a session_token is no misspelt session_name, but use_own_credential is use_own_credentials
_EXPECTED = {
    "tuple_type": "a list: write its entries in [ ], or each after a dash",
    "dict_type": "a mapping: write key and value pairs, indented below it",
    "model_type": "a mapping: write its keys below it, indented",
}


def validated(document: Document, model: type[Model], context: object = None, *, advice_on_credentials: str = "") -> Model:
    """Return what a document says, or raise a `ConfigError`; the advice is for unknown keys that are named like a secret."""
    try:
        config = model.model_validate(document.data, context=context)
    except ValidationError as error:
        for details in error.errors(include_url=False, include_input=False):
            document.add(*_problem(document, model, details, advice_on_credentials))
        document.check()
        raise
    document.check()
    return config


def _problem(document: Document, model: type[BaseModel], details: ErrorDetails, advice: str) -> tuple[Loc, str]:
    loc, kind = details["loc"], details["type"]
    _, node = document.find(loc)
    reason = details.get("ctx", {}).get("error") or f"is not {_EXPECTED.get(kind, 'a valid value')}"
    if kind == "extra_forbidden":
        return loc, _unknown_key(_fields(model, loc[:-1]), loc, advice)
    if kind == "missing":
        return loc, f"is missing: write {_fields(model, loc[:-1])[str(loc[-1])].title}"
    if node is None and loc[-1] == "[key]":
        return loc[:-1], f"{quoted(str(loc[-2])) if HIDDEN_KEYS.isdisjoint(loc) else 'the key (not shown)'} {reason}"
    if isinstance(node, ScalarNode) and scalar(node) is None:
        return loc, "has no value: write one, or remove the key" if isinstance(loc[-1], str) else "is empty: remove the dash"
    return loc, f"{_shown(loc, node)} {reason}"


def _fields(model: type[BaseModel], loc: Loc) -> dict[str, FieldInfo]:
    """Return the fields of the mapping at a place by their keys."""
    for key in loc:
        if isinstance(key, str):
            kind: Any = model.model_fields[key].annotation
            model = kind if isinstance(kind, type) else get_args(kind)[0]
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _unknown_key(fields: dict[str, FieldInfo], loc: Loc, advice_on_credentials: str) -> str:
    allowed = [key for key, field in fields.items() if field.annotation is not type(None)]  # others are there to be refused
    is_secret = _names_secret(loc)
    if near := difflib.get_close_matches(str(loc[-1]), allowed, n=1, cutoff=_MISSPELT_SECRET if is_secret else _MISSPELT):
        return f"unknown key: did you mean {near[0]}?"
    if is_secret and advice_on_credentials:
        return advice_on_credentials
    return f"unknown key: expected one of {', '.join(allowed)}"


def _names_secret(loc: Loc) -> bool:
    return any(isinstance(part, str) and _SECRET.search(part) for part in loc)


def _shown(loc: Loc, node: Node | None) -> str:
    match node:
        case SequenceNode():
            return "the list"
        case MappingNode():
            return "a mapping"
        case ScalarNode() if _names_secret(loc) or not HIDDEN_KEYS.isdisjoint(loc) or _USERINFO.search(node.value):
            return "the value (not shown)"
        case ScalarNode():
            return quoted(node.value) if isinstance(scalar(node), str) else quoted(node.value)[1:-1]
        case _:
            return "the value"
