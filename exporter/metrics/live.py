"""The live part of a page: process_* and python_*, some 30 samples, read when it is asked for."""

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from exporter.metrics.encode import TextFormat
from exporter.metrics.instruments import WithoutCreated, encode_families


class LiveMetrics:
    """What is known of the process itself; safe to use from any thread."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        self._families = WithoutCreated(registry)

    def encode(self, text_format: TextFormat) -> bytes:
        """Return the present values in one text format, without OpenMetrics's end marker."""
        return encode_families(self._families, text_format)
