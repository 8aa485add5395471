"""A configuration as YAML, with its defaults and without its secrets."""

from typing import Any

import yaml
from pydantic import BaseModel

from exporter.config.durations import format_duration
from exporter.config.problems import EXTERNAL_IDS
from exporter.config.schema import Config
from exporter.config.values import RoleArn

MASKED = "<secret>"
_DURATIONS = ("interval", "timeout", "max_staleness", "session_duration", "refresh_interval")
_MAPS_OF_DURATIONS = ("first_response_targets",)
_WIDE = 1000


def as_yaml(config: Config) -> str:
    """Return a configuration as a file has it, all defaults filled in; what no key needs to say is left out."""
    return yaml.safe_dump(_section(config), sort_keys=False, allow_unicode=True, width=_WIDE)


def _section(section: BaseModel) -> dict[str, Any]:
    values = {name: getattr(section, name) for name in type(section).model_fields}
    return {name: _value(name, value) for name, value in values.items() if value not in (None, "", (), {})}


def _value(name: str, value: object) -> object:
    match value:
        case BaseModel():
            return _section(value)
        case RoleArn():
            return value.text
        case tuple():
            return [_value(name, item) for item in value]
        case dict() if name in _MAPS_OF_DURATIONS:
            return {key: format_duration(item) for key, item in value.items()}
        case float() if name in _DURATIONS:
            return format_duration(value)
        case _:
            return MASKED if name in EXTERNAL_IDS else value
