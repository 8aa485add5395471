"""A configuration as YAML, with its defaults and without its secrets."""

from collections.abc import Callable
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
_FIRST = ("id", "name")
"""What an entry of a list is called by."""
_WIDE = 1000


def as_yaml(config: Config) -> str:
    """Return a configuration as a file has it, all defaults filled in; what no key needs to say is left out."""
    return yaml.safe_dump(_section(config), sort_keys=False, allow_unicode=True, width=_WIDE)


class Shown:
    """Returns the configuration in force as YAML, written anew only when there is another: a large one takes a second.

    Args:
        config: Returns the configuration in force.
    """

    def __init__(self, config: Callable[[], Config]) -> None:
        self._config = config
        self._written: tuple[Config, str] | None = None

    def __call__(self) -> str:
        """Return the text."""
        config, written = self._config(), self._written
        if written is None or written[0] is not config:
            self._written = written = config, as_yaml(config)
        return written[1]


def _section(section: BaseModel) -> dict[str, Any]:
    names = sorted(type(section).model_fields, key=lambda name: name not in _FIRST)
    values = {name: getattr(section, name) for name in names}
    shown = {name: _value(name, value) for name, value in values.items() if value not in (None, "", (), {})}
    return {name: value for name, value in shown.items() if value != {}}


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
