"""A configuration as YAML, with its defaults and without its secrets."""

from collections.abc import Callable
from typing import Any

import yaml
from pydantic import BaseModel

from exporter.config.problems import HIDDEN_KEYS
from exporter.config.schema import Config
from exporter.config.types import RoleArn, format_duration

MASKED = "<secret>"
_DURATIONS = ("interval", "timeout", "max_staleness", "session_duration", "refresh_interval", "first_response_targets")
_FIRST = ("id", "name")
"""What an entry of a list is called by."""


def as_yaml(config: Config) -> str:
    """Return a configuration as a file has it, all defaults filled in; what no key needs to say is left out."""
    return yaml.safe_dump(_shown("", config), sort_keys=False, allow_unicode=True, width=1000)


class Shown:
    """Returns the configuration in force as YAML, written anew only when there is another: a large one takes a second."""

    def __init__(self, config: Callable[[], Config]) -> None:
        self._config = config
        self._last: tuple[Config, str] | None = None

    def __call__(self) -> str:
        """Return the text."""
        config, last = self._config(), self._last
        if last is None or last[0] is not config:
            self._last = last = config, as_yaml(config)
        return last[1]


def _shown(key: str, value: object) -> Any:  # noqa: ANN401 - what YAML can hold
    match value:
        case BaseModel():
            names = sorted(type(value).model_fields, key=lambda name: name not in _FIRST)
            shown: Any = {name: _shown(name, getattr(value, name)) for name in names}
            shown = {name: part for name, part in shown.items() if part not in (None, "", [], {})}
        case tuple():
            shown = [_shown(key, item) for item in value]
        case dict():
            shown = {name: _shown(key, item) for name, item in value.items()}
        case RoleArn():
            shown = value.text
        case float() if key in _DURATIONS:
            shown = format_duration(value)
        case str() if key in HIDDEN_KEYS:
            shown = MASKED
        case _:
            shown = value
    return shown
