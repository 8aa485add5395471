"""The configuration: one YAML file, strict, every problem told at once with its line."""

from exporter.config.model import Config
from exporter.config.parse import Settings, load, parse
from exporter.config.resolved import ResolvedAccount, ResolvedOrganization

__all__ = ["Config", "ResolvedAccount", "ResolvedOrganization", "Settings", "load", "parse"]
