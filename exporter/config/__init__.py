"""The configuration: one YAML file, strict, every problem told with its line."""

from exporter.config.schema import Config, as_yaml
from exporter.config.settings import ResolvedAccount, ResolvedOrganization, Settings, load, parse
from exporter.config.web import parse_web_config, read_web_config
from exporter.config.yaml_lines import read

__all__ = [
    "Config",
    "ResolvedAccount",
    "ResolvedOrganization",
    "Settings",
    "as_yaml",
    "load",
    "parse",
    "parse_web_config",
    "read",
    "read_web_config",
]
