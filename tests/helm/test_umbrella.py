"""The chart as a dependency of another."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter import __version__
from tests.support.chart import Engine, RenderError, copy_of_chart, exporter_of

PARENT = {
    "apiVersion": "v2",
    "name": "observability",
    "version": "1.0.0",
    "icon": "data:,",
    "dependencies": [{"name": "aws-support-exporter", "version": "*", "condition": "aws-support-exporter.enabled"}],
}
WRONG = {"aws-support-exporter": {"enabled": True, "config": {"poll": {"interval_": "5m"}}}}


def test_a_parent_turns_it_on_shares_its_globals_and_is_told_of_wrong_values(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text(yaml.safe_dump(PARENT))
    (tmp_path / "values.yaml").write_text("aws-support-exporter: {enabled: false}\n")
    copy_of_chart(tmp_path / "charts")
    values: dict[str, Any] = {"global": {"imageRegistry": "registry.example.com"}, "aws-support-exporter": {"enabled": True}}
    assert engine.render({}, tmp_path) == []
    assert exporter_of(engine.render(values, tmp_path))["image"] == f"registry.example.com/aws-support-exporter:{__version__}"
    with pytest.raises(RenderError, match=r"\binterval_\b"):
        engine.render(WRONG, tmp_path)
