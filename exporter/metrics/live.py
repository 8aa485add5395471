"""The live part of a page: process_* and python_*, some 30 samples, read when it is asked for."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, exposition
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from exporter.metrics.encode import END_OF_OPENMETRICS, TextFormat
from exporter.metrics.metric import unit_of


class LiveMetrics(Collector):
    """What is known of the process itself; safe to use from any thread."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def collect(self) -> Iterator[Family]:
        """Yield the families with the units that their names tell."""
        for family in self._registry.collect():
            family.unit = unit_of(family.name)
            yield family

    def encode(self, text_format: TextFormat) -> bytes:
        """Return the present values in one text format, without OpenMetrics's end marker."""
        if text_format is TextFormat.OPENMETRICS:
            page: bytes = openmetrics.generate_latest(self)  # type: ignore[no-untyped-call]  # prometheus_client leaves it so
            return page.removesuffix(END_OF_OPENMETRICS)
        return exposition.generate_latest(self)
