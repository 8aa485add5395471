"""The Grafana dashboards, as the small program that makes their JSON: `make dashboards`."""

import json
from pathlib import Path

from docs.dashboards.account import account
from docs.dashboards.health import health
from docs.dashboards.overview import overview

DIRECTORY = Path(__file__).resolve().parents[2] / "helm/aws-support-exporter/files/dashboards"


def dashboards() -> dict[str, str]:
    """Return the text of each dashboard by its file's name."""
    made = {"overview": overview(), "account": account(), "exporter-health": health()}
    return {f"aws-support-{name}.json": json.dumps(dashboard, indent=2) + "\n" for name, dashboard in made.items()}
