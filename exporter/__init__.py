"""Prometheus exporter for AWS Support cases."""

__version__ = "0.1.0"
