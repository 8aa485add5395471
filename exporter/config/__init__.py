"""The configuration: one YAML file, strict, every problem told at once with its line."""

from exporter.config.load import load, parse, read
from exporter.config.resolved import ResolvedAccount, ResolvedOrganization, Settings
from exporter.config.schema import Config
from exporter.config.show import Shown, as_yaml
from exporter.config.web_config import parse_web_config, read_web_config

__all__ = [
    "Config",
    "ResolvedAccount",
    "ResolvedOrganization",
    "Settings",
    "Shown",
    "as_yaml",
    "load",
    "parse",
    "parse_web_config",
    "read",
    "read_web_config",
]
