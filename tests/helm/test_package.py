"""What is published."""

import base64
import tarfile
from pathlib import Path

import yaml

from exporter import __version__
from tests.support.chart import CHART, Helm3, Helm4, copy_of_chart
from tests.support.tools import ROOT

METADATA = yaml.safe_load((CHART / "Chart.yaml").read_text())


def test_the_metadata_names_this_exporter_its_icon_and_what_artifact_hub_shows() -> None:
    assert METADATA["appVersion"] == __version__
    assert base64.b64decode(METADATA["icon"].partition(",")[2]) == (CHART / "icon.svg").read_bytes().strip()
    annotations = METADATA["annotations"]
    assert all(isinstance(text, str) for text in annotations.values())
    assert "artifacthub.io/prerelease" not in annotations, "it would win over a version such as 1.2.3-rc.1"
    assert METADATA["maintainers"]
    assert yaml.safe_load(annotations["artifacthub.io/images"]) == [
        {"name": "aws-support-exporter", "image": f"aws-support-exporter:{__version__}"}
    ]
    for link in yaml.safe_load(annotations["artifacthub.io/links"]):
        assert (ROOT / "docs" / link["url"].rpartition("/")[2]).exists()
    changes = yaml.safe_load(annotations["artifacthub.io/changes"])
    assert {change["kind"] for change in changes} <= {"added", "changed", "deprecated", "removed", "fixed", "security"}


def test_the_archive_holds_the_chart_and_nothing_that_only_tests_need(helm3: Helm3, helm4: Helm4, tmp_path: Path) -> None:
    files = {"files/rules/alerts.yaml": "groups: []\n", "files/dashboards/overview.json": "{}\n", "ci/own-values.yaml": "{}\n"}
    chart = copy_of_chart(tmp_path, files)
    archive = helm3.package(tmp_path, chart)
    with tarfile.open(archive) as opened:
        names = {name.removeprefix("aws-support-exporter/") for name in opened.getnames()}
    assert {"README.md", "values.schema.json", "files/rules/alerts.yaml", "files/dashboards/overview.json"} <= names
    assert not [name for name in names if name.startswith("ci/")]
    assert helm4.render({}, archive) == helm3.render({}, chart)
