"""The shipped dashboards as Grafana sees them: their panels, and their expressions with variables filled in."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.support.tools import ROOT

FILES = sorted((ROOT / "helm/aws-support-exporter/files/dashboards").glob("*.json"))
ALL = "$__all"
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::\w+)?\})")
_SPECIAL_IN_EXPRESSIONS = re.compile(r"([\\^$*+?.()|{}\[\]])")


@dataclass(frozen=True, slots=True)
class Target:
    panel: str
    ref_id: str
    expr: str
    instant: bool
    legend: str


@dataclass(frozen=True, slots=True)
class View:
    """What somebody looks at."""

    choices: Mapping[str, str | Sequence[str]]
    known: Mapping[str, Sequence[str]] = field(default_factory=dict)
    seconds: float = 7 * 86400
    step: float = 1800
    scrape_interval: float = 15


class Dashboard:
    def __init__(self, model: dict[str, Any]) -> None:
        self.model = model

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls(json.loads(path.read_text()))

    @property
    def panels(self) -> list[dict[str, Any]]:
        """All panels but headings."""
        return [panel for panel in self.model["panels"] if panel["type"] != "row"]

    @property
    def variables(self) -> dict[str, dict[str, Any]]:
        return {variable["name"]: variable for variable in self.model["templating"]["list"]}

    def targets(self) -> Iterator[Target]:
        for panel in self.panels:
            for target in panel.get("targets", ()):
                yield Target(panel["title"], target["refId"], target["expr"], target["instant"], target.get("legendFormat", ""))

    def filled(self, text: str, view: View) -> str:
        """Return an expression with its variables filled in, as Grafana's data source for Prometheus does."""
        built_in = {
            "__rate_interval": f"{max(view.step + view.scrape_interval, 4 * view.scrape_interval):.0f}s",
            "__interval": f"{view.step:.0f}s",
            "__interval_ms": f"{1000 * view.step:.0f}",
            "__range": f"{view.seconds:.0f}s",
        }

        def value(found: re.Match[str]) -> str:
            name = found[1] or found[2]
            return built_in.get(name) or self._chosen(name, view)

        return _VARIABLE.sub(value, text)

    def _chosen(self, name: str, view: View) -> str:
        variable = self.variables[name]
        choice = view.choices.get(name, ALL)
        if choice == ALL:
            assert variable["includeAll"], f"{name} has no All"
            if variable.get("allValue"):
                return str(variable["allValue"])
            choice = view.known[name]
        values = [choice] if isinstance(choice, str) else choice
        escaped = [_SPECIAL_IN_EXPRESSIONS.sub(r"\\\\\1", value) for value in values]
        return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"
