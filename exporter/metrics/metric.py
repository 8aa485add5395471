"""What an entry of the catalogue says about a metric."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The type of a metric, in Prometheus's words."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """One entry of the catalogue; each exists once, and is only ever equal to itself.

    Attributes:
        name: As queried; a counter's ends in `_total`.
        kind: Its type.
        labels: The names of its labels, all of them, always.
        help: The HELP line.
        optional: Labels that it has only when they are configured.
        presence: When it has samples, in words for the documentation.
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
        """What its values count, as its name says; a metric without a unit counts things or is true or false."""
        return "seconds" if self.family.endswith("_seconds") else ""
