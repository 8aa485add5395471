"""The parameters of one request, read with the checks that AWS makes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from exporter.simulator.errors import ApiError

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters by AWS's own names; a value of the wrong type is refused as AWS refuses it."""

    values: Mapping[str, object]

    def text(self, name: str) -> str | None:
        return self._typed(name, str)

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._typed(name, bool)
        return default if value is None else value

    def texts(self, name: str, most: int = 100) -> tuple[str, ...]:
        value = self._typed(name, list) or []
        if not all(isinstance(each, str) for each in value):
            raise ApiError("SerializationException", f"{name} is not a list of strings")
        if len(value) > most:
            raise _invalid(name, value, f"have length less than or equal to {most}")
        return tuple(value)

    def number(self, name: str, *, default: int, least: int, most: int) -> int:
        value = self._typed(name, int)
        if value is None:
            return default
        if not least <= value <= most:
            bound = f"less than or equal to {most}" if value > most else f"greater than or equal to {least}"
            raise _invalid(name, value, f"have value {bound}")
        return value

    def moment(self, name: str) -> float | None:
        value = self.text(name)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise ApiError("InvalidParameterValueException", f"{name} is not a valid time") from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

    def _typed(self, name: str, kind: type[_Value]) -> _Value | None:
        value = self.values.get(name)
        if value is not None and type(value) is not kind:  # True is no number
            raise ApiError("SerializationException", f"{name} is not of type {kind.__name__}")
        return value


def _invalid(name: str, value: object, constraint: str) -> ApiError:
    return ApiError(
        "ValidationException",
        f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: Member must {constraint}",
    )
