"""The configuration: one YAML file, strict, every problem told at once with its line."""

from exporter.config.load import load, parse
from exporter.config.resolved import ResolvedAccount, ResolvedOrganization, Settings
from exporter.config.schema import Config
from exporter.config.web_config import load_web_config, parse_web_config

__all__ = [
    "Config",
    "ResolvedAccount",
    "ResolvedOrganization",
    "Settings",
    "load",
    "load_web_config",
    "parse",
    "parse_web_config",
]
