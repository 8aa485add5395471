"""A loopback AWS with a living fleet, for the demo, tests and benchmarks."""

from exporter.simulator.account import ROLE_NAME
from exporter.simulator.fleet import Fleet

__all__ = ["ROLE_NAME", "Fleet"]
