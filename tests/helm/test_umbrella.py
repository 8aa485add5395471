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
VALUES: dict[str, Any] = {
    "global": {"imageRegistry": "registry.example.com", "cluster": "main"},
    "aws-support-exporter": {"enabled": True, "config": {"accounts": [{"id": "111122223333"}]}},
}


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("umbrella") / "observability"
    (directory / "charts").mkdir(parents=True)
    (directory / "templates").mkdir()
    (directory / "Chart.yaml").write_text(yaml.safe_dump(PARENT))
    (directory / "values.yaml").write_text("aws-support-exporter: {enabled: false}\n")
    copy_of_chart(directory / "charts")
    return directory


def test_a_parent_turns_it_on_and_shares_its_globals(engine: Engine, parent: Path) -> None:
    container = exporter_of(engine.render(VALUES, parent))
    assert container["image"] == f"registry.example.com/aws-support-exporter:{__version__}"
    assert "--config.file=/etc/aws-support-exporter/config/config.yaml" in container["args"]


def test_a_parent_leaves_it_out(engine: Engine, parent: Path) -> None:
    assert engine.render({}, parent) == []


def test_a_parents_wrong_value_is_refused_by_the_name_of_its_key(engine: Engine, parent: Path) -> None:
    with pytest.raises(RenderError, match=r"\binterval_\b"):
        engine.render({"aws-support-exporter": {"enabled": True, "config": {"poll": {"interval_": "5m"}}}}, parent)
