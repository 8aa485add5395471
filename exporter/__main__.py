"""Lets `python -m exporter` run the command."""

from exporter.cli import entry_point

entry_point()
