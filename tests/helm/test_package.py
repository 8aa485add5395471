"""What is published, and its use as a dependency of another chart."""

import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter import __version__
from tests.support.chart import Helm3, Helm4, RenderError, copy_of_chart, exporter_of

PARENT = {
    "apiVersion": "v2",
    "name": "observability",
    "version": "1.0.0",
    "dependencies": [{"name": "aws-support-exporter", "version": "*", "condition": "aws-support-exporter.enabled"}],
}


def test_the_archive_holds_the_chart_and_nothing_that_only_tests_need(helm3: Helm3, helm4: Helm4, tmp_path: Path) -> None:
    files = {"files/rules/alerts.yaml": "groups: []\n", "files/dashboards/overview.json": "{}\n", "ci/own-values.yaml": "{}\n"}
    chart = copy_of_chart(tmp_path, files)
    archive = helm3.package(tmp_path, chart)
    with tarfile.open(archive) as opened:
        names = {name.removeprefix("aws-support-exporter/") for name in opened.getnames()}
    assert {"README.md", "values.schema.json", "files/rules/alerts.yaml", "files/dashboards/overview.json"} <= names
    assert not [name for name in names if name.startswith("ci/")]
    assert helm4.render({}, archive) == helm4.render({}, chart)


def test_a_parent_turns_it_on_shares_its_globals_and_is_told_of_wrong_values(helm4: Helm4, tmp_path: Path) -> None:
    (tmp_path / "Chart.yaml").write_text(yaml.safe_dump(PARENT))
    (tmp_path / "values.yaml").write_text("aws-support-exporter: {enabled: false}\n")
    copy_of_chart(tmp_path / "charts")
    values: dict[str, Any] = {"global": {"imageRegistry": "registry.example.com"}, "aws-support-exporter": {"enabled": True}}
    assert helm4.render({}, tmp_path) == []
    assert exporter_of(helm4.render(values, tmp_path))["image"] == f"registry.example.com/aws-support-exporter:{__version__}"
    with pytest.raises(RenderError, match=r"\binterval_\b"):
        helm4.render({"aws-support-exporter": {"enabled": True, "config": {"poll": {"interval_": "5m"}}}}, tmp_path)
