"""What an entry of the catalogue says about a metric."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The type of a metric, in Prometheus's words."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


_UNITS = ("seconds", "bytes")


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """One entry of the catalogue; each exists once, and is only ever equal to itself.

    Attributes:
        name: As queried; a counter's ends in `_total`.
        labels: All of them, always.
        optional: Labels that it has only when they are configured.
        presence: When it has samples, for the documentation.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    presence: str = "always"
    optional: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """The name of the family in OpenMetrics: a counter's has no `_total`."""
        return self.name.removesuffix("_total") if self.kind is Kind.COUNTER else self.name

    @property
    def unit(self) -> str:
        """The unit that its name ends in; empty for a number of things, or true or false."""
        return unit_of(self.family)


def unit_of(family: str) -> str:
    """Return the unit that the name of a family ends in, as OpenMetrics has it, or nothing."""
    return next((unit for unit in _UNITS if family.endswith(f"_{unit}")), "")
