"""Stand-in until `negotiate` is renamed."""

from exporter.metrics.negotiate import accepts_gzip, negotiate

__all__ = ["accepts_gzip", "negotiate"]
