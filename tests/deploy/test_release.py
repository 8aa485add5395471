"""What a release takes from the repository."""

from pathlib import Path

import pytest
import yaml

from deploy.release import notes, set_home, set_registry
from tests.support.tools import ROOT

CHANGELOG = """## [1.2.3] - 2026-01-31

### Fixed

- This.

## [1.2.2] - 2026-01-01

- Before.

[1.2.3]: https://example.com
"""

CHART = """name: x
version: 1.2.3
appVersion: "1.2.3"
annotations:
  artifacthub.io/images: |
    - name: aws-support-exporter
      image: aws-support-exporter:1.2.3
  artifacthub.io/links: |
    - url: https://github.com/aws-support-exporter/aws-support-exporter/blob/main/docs/metrics.md
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return the files of a repository whose version is 1.2.3."""
    for name, text in {
        "CHANGELOG.md": CHANGELOG,
        "exporter/__init__.py": '__version__ = "1.2.3"\n',
        "helm/aws-support-exporter/Chart.yaml": CHART,
        "helm/aws-support-exporter/values.yaml": (ROOT / "helm/aws-support-exporter/values.yaml").read_text(),
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_the_notes_are_the_changelogs_section(repository: Path) -> None:
    assert notes("v1.2.3", repository) == "### Fixed\n\n- This."
    path = repository / "CHANGELOG.md"
    path.write_text(path.read_text().replace("## [1.2.2] - 2026-01-01\n\n- Before.\n", ""))
    assert notes("v1.2.3", repository) == "### Fixed\n\n- This.", "the last one ends before the links"


@pytest.mark.parametrize(
    ("tag", "file", "old", "new", "message"),
    [
        ("1.2.3", "CHANGELOG.md", "", "", "1.2.3: a release's tag starts with v"),
        ("v1.2.4", "CHANGELOG.md", "", "", "exporter/__init__.py: the version is 1.2.3, not 1.2.4 as in the tag"),
        ("v1.2.3", "helm/aws-support-exporter/Chart.yaml", '"1.2.3"', "1.2.2", "the version is 1.2.2 and 1.2.3, not 1.2.3"),
        (
            "v1.2.3",
            "helm/aws-support-exporter/Chart.yaml",
            "exporter:1.2.3",
            "exporter:1.2.2",
            "1.2.2 and 1.2.3, not",
        ),
        ("v1.2.3", "exporter/__init__.py", "__version__", "version", "the version is missing, not 1.2.3"),
        ("v1.2.3", "CHANGELOG.md", "[1.2.3] -", "[1.2x3] -", r"there is nothing under ## \[1.2.3\]"),
        ("v1.2.3", "CHANGELOG.md", "### Fixed\n\n- This.\n", "", r"there is nothing under ## \[1.2.3\]"),
    ],
)
def test_a_tag_that_does_not_fit_is_refused(tag: str, file: str, old: str, new: str, message: str, repository: Path) -> None:
    path = repository / file
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(SystemExit, match=message):
        notes(tag, repository)


def test_the_registry_is_written_into_the_charts_values_once(repository: Path) -> None:
    path = repository / "helm/aws-support-exporter/values.yaml"
    before = path.read_text().splitlines()
    set_registry("ghcr.io/owner", repository)
    changed = [line for line, old in zip(path.read_text().splitlines(), before, strict=True) if line != old]
    assert changed == ["  registry: ghcr.io/owner"]
    metadata = (repository / "helm/aws-support-exporter/Chart.yaml").read_text()
    assert "image: ghcr.io/owner/aws-support-exporter:1.2.3\n" in metadata
    with pytest.raises(SystemExit, match=r"there is no empty image\.registry"):
        set_registry("ghcr.io/owner", repository)


def test_the_repository_is_written_into_the_charts_metadata_and_every_link_to_a_runbook(repository: Path) -> None:
    chart = repository / "helm/aws-support-exporter"
    rules = chart / "files/rules/alerts.yaml"
    with pytest.raises(SystemExit, match="there is no link that begins with"):
        set_home("https://github.com/owner/fork", "v1.2.3", repository)
    rules.parent.mkdir(parents=True)
    rules.write_text((ROOT / rules.relative_to(repository)).read_text())
    set_home("https://github.com/owner/fork", "v1.2.3", repository)
    metadata = yaml.safe_load((chart / "Chart.yaml").read_text())
    assert (metadata["home"], metadata["sources"]) == ("https://github.com/owner/fork", ["https://github.com/owner/fork"])
    alerts = [rule for group in yaml.safe_load(rules.read_text())["groups"] for rule in group["rules"] if "alert" in rule]
    begin = "https://github.com/owner/fork/blob/v1.2.3/docs/runbooks.md#"
    assert f"url: {begin.removesuffix('runbooks.md#')}metrics.md\n" in metadata["annotations"]["artifacthub.io/links"]
    assert [alert["annotations"]["runbook_url"] for alert in alerts] == [f"{begin}{alert['alert'].lower()}" for alert in alerts]
    with pytest.raises(SystemExit, match=r"Chart\.yaml: there is a home"):
        set_home("https://github.com/owner/fork", "v1.2.3", repository)
