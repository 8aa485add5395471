"""Lines of the Prometheus text formats, exactly as prometheus_client would write them, one sample at a time.

prometheus_client encodes a whole registry at once. A page of some 30,000 lines of which few change is kept as lines
instead; a property test holds these functions to prometheus_client's own output.
"""

from collections.abc import Mapping
from enum import Enum
from functools import lru_cache

from prometheus_client.utils import floatToGoString

from exporter.metrics.metric import Metric


class TextFormat(Enum):
    """The two formats that a page is offered in; the value is the Content-Type."""

    PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


END_OF_OPENMETRICS = b"# EOF\n"


def header(metric: Metric, text_format: TextFormat) -> str:
    """Return the HELP and TYPE lines of a family, and in OpenMetrics the UNIT line of one that has a unit."""
    if text_format is TextFormat.OPENMETRICS:
        name, text = metric.family, _escape(metric.help)
        unit = f"# UNIT {name} {metric.unit}\n" if metric.unit else ""
    else:
        name, text = metric.name, metric.help.replace("\\", r"\\").replace("\n", r"\n")
        unit = ""
    return f"# HELP {name} {text}\n# TYPE {name} {metric.kind.value}\n{unit}"


def line_start(name: str, values: Mapping[str, str]) -> str:
    """Return a sample's line up to its value, labels in the order of their names.

    Args:
        name: The sample's name.
        values: Its label values by label name.
    """
    template, names = _template(name, tuple(values))
    return template % tuple([_escape(values[label]) for label in names])


@lru_cache(maxsize=512)
def _template(name: str, labels: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return the form of a line's start, and which label goes into which of its places."""
    names = tuple(sorted(labels))
    pairs = ",".join(f'{label}="%s"' for label in names)
    return (f"{name}{{{pairs}}} " if pairs else f"{name} "), names


def line(name: str, values: Mapping[str, str], value: float) -> str:
    """Return a sample's whole line."""
    return f"{line_start(name, values)}{number(value)}\n"


def number(value: float) -> str:
    """Return a value as Prometheus's Go code would print it."""
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]  # prometheus_client leaves it untyped
    return text


@lru_cache(maxsize=2048)
def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
