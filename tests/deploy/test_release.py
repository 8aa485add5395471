"""What a release takes from the repository."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from deploy.release import DOCS, install, notes, write_addresses
from exporter import __version__
from tests.support.tools import ROOT

CHANGELOG = """## [1.2.3] - 2026-01-31

### Fixed

- This.

## [1.2.2] - 2026-01-01

- Before.

[1.2.3]: https://example.com
"""

CHART = "helm/aws-support-exporter"
RELEASE = ("https://github.com/acme/fork", "ghcr.io/acme", "v1.2.3")
BLOB = "https://github.com/acme/fork/blob/v1.2.3"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return the files of a repository whose version is 1.2.3."""
    shutil.copytree(ROOT / CHART, tmp_path / CHART)
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    (tmp_path / "exporter").mkdir()
    (tmp_path / "exporter/__init__.py").write_text('__version__ = "1.2.3"\n')
    metadata = tmp_path / CHART / "Chart.yaml"
    metadata.write_text(metadata.read_text().replace(__version__, "1.2.3"))
    return tmp_path


def test_the_notes_are_the_changelogs_section(repository: Path) -> None:
    assert notes("v1.2.3", repository) == "### Fixed\n\n- This."
    (repository / "CHANGELOG.md").write_text(CHANGELOG.replace("## [1.2.2] - 2026-01-01\n\n- Before.\n", ""))
    assert notes("v1.2.3", repository) == "### Fixed\n\n- This.", "the last one ends before the links"


@pytest.mark.parametrize(
    ("tag", "file", "old", "new", "message"),
    [
        ("1.2.3", "CHANGELOG.md", "", "", "1.2.3: a release's tag starts with v"),
        ("v1.2.4", "CHANGELOG.md", "", "", "exporter/__init__.py: the version is 1.2.3, not 1.2.4 as in the tag"),
        ("v1.2.3", f"{CHART}/Chart.yaml", "appVersion: 1.2.3", "appVersion: 1.2.2", "is 1.2.2 and 1.2.3, not 1.2.3"),
        ("v1.2.3", f"{CHART}/Chart.yaml", "exporter:1.2.3", "exporter:1.2.2", "is 1.2.2 and 1.2.3, not 1.2.3"),
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


def test_a_release_names_its_image_repository_and_documents(repository: Path) -> None:
    chart = repository / CHART
    values = (chart / "values.yaml").read_text()
    write_addresses(*RELEASE, repository)
    assert (chart / "values.yaml").read_text() == values.replace('  registry: ""\n', "  registry: ghcr.io/acme\n")
    metadata = yaml.safe_load((chart / "Chart.yaml").read_text())
    assert (metadata["home"], metadata["sources"]) == (RELEASE[0], [RELEASE[0]])
    assert "image: ghcr.io/acme/aws-support-exporter:1.2.3\n" in metadata["annotations"]["artifacthub.io/images"]
    assert f"url: {BLOB}/docs/metrics.md\n" in metadata["annotations"]["artifacthub.io/links"]
    urls = tomllib.loads((repository / "pyproject.toml").read_text())["project"]["urls"]
    assert urls == {"Source": RELEASE[0], "Documentation": f"{BLOB}/docs/README.md"}
    alerts = re.findall(r"alert: (\w+)$|runbook_url: (.*)$", (chart / "files/rules/alerts.yaml").read_text(), re.MULTILINE)
    names, links = [name for name, _ in alerts if name], [link for _, link in alerts if link]
    assert links == [f"{BLOB}/docs/runbooks.md#{name.lower()}" for name in names]
    left = [path.name for path in chart.rglob("*.*") if DOCS in path.read_text()]
    assert left == [], "a link of an alert, a dashboard or the metadata"
    with pytest.raises(SystemExit, match=r"README\.md: 'pipx install \.' is there 0 times, not once"):
        write_addresses(*RELEASE, repository)


def test_the_readmes_of_a_release_install_it_and_link_to_its_documents(repository: Path) -> None:
    write_addresses(*RELEASE, repository)
    chart = "helm install aws-support-exporter oci://ghcr.io/acme/charts/aws-support-exporter --version 1.2.3"
    for name, command in (("README.md", "pipx install aws-support-exporter==1.2.3"), (f"{CHART}/README.md", chart)):
        text = (repository / name).read_text()
        assert f"    {command} " in text
        links = re.findall(r"(!?)\[[^\]]*\]\(([^)\s]+)\)", text)
        assert [link for _, link in links if not re.match("https?:|#", link)] == []
        own = [(image, link) for image, link in links if link.startswith(RELEASE[0])]
        assert own
        for image, link in own:
            kind, tag, path = link.removeprefix(f"{RELEASE[0]}/").split("/", 2)
            assert (kind, tag) == ("raw" if image else "blob", "v1.2.3")
            assert (ROOT / path.partition("#")[0]).exists(), path


def test_the_notes_say_how_to_install_and_verify_a_release() -> None:
    text = install(*RELEASE)
    identity = r"^https://github\.com/acme/fork/\.github/workflows/sign\.yml@refs/(tags/v1\.2\.3|heads/main)$"
    assert f"--certificate-identity-regexp '{identity}' \\\n      --certificate-github-workflow-repository acme/fork\n" in text
    assert "gh attestation verify oci://ghcr.io/acme/aws-support-exporter:1.2.3 --repo acme/fork\n" in text
    assert "{" not in text


def test_no_placeholder_reaches_a_reader() -> None:
    command = ["git", "grep", "--untracked", "-nwE", "OWNER|YOUR_ORG|TODO|CHANGEME", "--", ":!tests", ":!exporter"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    assert found == ""
