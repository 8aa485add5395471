"""The JSON schema of a configuration, made from the exporter's own model of it."""

import inspect
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

from pydantic import PlainValidator

from exporter.cases.targets import SupportPlan
from exporter.config import schema, types

Json = dict[str, Any]

# The patterns of `exporter.config.types`, without what Go's regular expressions, and so Helm, do not have.
_NAME_CHARS: Final = "A-Za-z0-9_+=,.@-"
_ROLE_ARN: Final = rf"^arn:aws(-[a-z]+)*:iam::[0-9]{{12}}:role/([!-~]{{1,510}}/)?[{_NAME_CHARS}]{{1,64}}$"
_DURATION: Final = "^" + "".join(f"([0-9]{{1,9}}{unit})?" for unit in ("y", "w", "d", "h", "m", "s", "ms")) + "$"

_VALUES: Final[Mapping[Any, Json]] = {
    types.Switch: {"type": "boolean"},
    types.Text: {"type": "string"},
    types.Name: {"type": "string", "minLength": 1, "maxLength": 256},
    types.AccountId: {"type": "string", "pattern": "^[0-9]{12}$"},
    types.RoleArnValue: {"type": "string", "pattern": _ROLE_ARN},
    types.RoleName: {"type": "string", "pattern": f"^([{_NAME_CHARS}]{{1,128}}/){{0,4}}[{_NAME_CHARS}]{{1,64}}$"},
    types.SessionName: {"type": "string", "pattern": f"^[{_NAME_CHARS}]{{2,64}}$"},
    types.QueueUrl: {
        "type": "string",
        "pattern": r"^https?://[A-Za-z0-9_.-]+(:[0-9]{1,5})?/[0-9]{12}/([A-Za-z0-9_-]|\{shard\}){1,80}(\.fifo)?$",
    },
    # RE2 repeats at most 1,000 times.
    types.ExternalId: {"type": "string", "pattern": "^[A-Za-z0-9_+=,.@:/-]+$", "minLength": 2, "maxLength": 1224},
    types.LabelName: {"type": "string", "pattern": "^([a-zA-Z][a-zA-Z0-9_]*|_([a-zA-Z0-9][a-zA-Z0-9_]*)?)$"},
    types.SeverityCode: {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"},
    types.Plan: {"type": "string", "enum": list(SupportPlan)},
    types.Language: {"type": "string", "pattern": "^[a-z]{2}$"},
    types.Regions: {
        "type": "array",
        "minItems": 1,
        "uniqueItems": True,
        "items": {"type": "string", "pattern": "^[a-z]+(-[a-z]+)+-[0-9]+$"},
    },
    types.Tags: {
        "type": "array",
        "uniqueItems": True,
        "items": {"type": "string", "minLength": 1, "maxLength": 256, "not": {"pattern": "^label_"}},
    },
    types.UnitId: {"type": "string", "pattern": "^ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}$"},
    types.RoleChain: {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": _ROLE_ARN}},
}


def config_schema() -> Json:
    """Return the schema of a whole file."""
    return _section(schema.Config)


def value_schema(kind: Any) -> Json:  # noqa: ANN401 - types are values here
    """Return the schema of what a field takes.

    Args:
        kind: The field's type, with its validators.

    Raises:
        TypeError: The model has a type that this module does not know: teach it.
    """
    known = _VALUES.get(kind)
    if known is not None:
        return dict(known)
    if isinstance(kind, type) and issubclass(kind, schema.Section):
        return _section(kind)
    arguments = get_args(kind)
    origin = get_origin(kind)
    if origin in {UnionType, Union} and NoneType in arguments:
        (some,) = (argument for argument in arguments if argument is not NoneType)
        return _or_null(value_schema(some))
    if origin is tuple:
        items = value_schema(arguments[0])
        return {**({"description": items["description"]} if "description" in items else {}), "type": "array", "items": items}
    if origin is dict:
        keys = value_schema(arguments[0])
        names = {name: value for name, value in keys.items() if name != "type"}
        return {"type": "object", "propertyNames": names, "additionalProperties": value_schema(arguments[1])}
    if origin is Annotated:
        return _annotated(arguments[0], arguments[1:])
    raise TypeError(f"the configuration has a type that has no schema yet: {kind}")


def _annotated(kind: Any, metadata: tuple[object, ...]) -> Json:  # noqa: ANN401 - as above
    for validator in metadata:
        if isinstance(validator, PlainValidator):
            function: Any = validator.func
            bounds = inspect.getclosurevars(function).nonlocals
            if function.__qualname__.startswith("duration."):
                duration: Json = {"type": "string", "minLength": 1, "pattern": _DURATION}
                return _or_null(duration) if bounds["optional"] else duration
            if function.__qualname__.startswith("whole_number."):
                limits = {"minimum": bounds["minimum"], "maximum": bounds["maximum"]}
                return {"type": "integer", **{name: limit for name, limit in limits.items() if limit is not None}}
            raise TypeError(f"the configuration has a value that has no schema yet: {function.__qualname__}")
    return value_schema(kind)


def _section(model: type[schema.Section]) -> Json:
    fields, kinds = model.model_fields, get_type_hints(model, include_extras=True)
    properties = {
        name: {**value_schema(kinds[name]), **({"description": field.description} if field.description else {})}
        for name, field in fields.items()
    }
    names = [name for name, field in fields.items() if field.is_required()]
    required = {"required": names} if names else {}
    return {"description": model.__doc__, "type": "object", "additionalProperties": False, **required, "properties": properties}


def _or_null(some: Json) -> Json:
    either: Json = {**some, "type": [some["type"], "null"]}
    return {**either, "enum": [*some["enum"], None]} if "enum" in some else either
