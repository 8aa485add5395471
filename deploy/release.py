"""What a release needs of the repository: notes from the changelog, and the addresses that only a release knows.

    python3 deploy/release.py notes v1.2.3      checks that all versions are this one, and prints what changed
    python3 deploy/release.py install https://github.com/x/y ghcr.io/x v1.2.3
                                                prints how to install and verify the release
    python3 deploy/release.py addresses https://github.com/x/y ghcr.io/x v1.2.3
                                                writes repository, registry and tag into chart, READMEs and pyproject.toml

Runs without the exporter's dependencies.
"""

import posixpath
import re
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHART = "helm/aws-support-exporter"
VERSIONS = {
    "exporter/__init__.py": r'^__version__ = "(.+)"$',
    f"{CHART}/Chart.yaml": r'^(?:version|appVersion|      image): "?(?:aws-support-exporter:)?([^"\n]+)"?$',
}
"""Where the version stands, and how."""
DOCS = "https://github.com/aws-support-exporter/aws-support-exporter/blob/main/docs/"
"""What the chart's links to documents begin with until a release knows better."""
FROM_CHECKOUT = {
    "README.md": ("pipx install . ", "pipx install aws-support-exporter=={version} "),
    f"{CHART}/README.md": (
        f"./{CHART} --set image.registry=registry.example.com",
        "oci://{registry}/charts/aws-support-exporter --version {version}",
    ),
    f"{CHART}/values.yaml": ('  registry: ""\n', "  registry: {registry}\n"),
    "pyproject.toml": (
        "[project.scripts]\n",
        '[project.urls]\nSource = "{home}"\nDocumentation = "{home}/blob/v{version}/docs/README.md"\n\n[project.scripts]\n',
    ),
}
"""What a checkout says of itself, and what a release does."""
INSTALL = r"""
## Install

    helm install aws-support-exporter oci://{registry}/charts/aws-support-exporter --version {version} --values values.yaml
    docker pull {registry}/aws-support-exporter:{version}
    pipx install aws-support-exporter=={version}    # or: uv tool install aws-support-exporter=={version}

## Verify

    cosign verify {registry}/aws-support-exporter:{version} \
      --certificate-oidc-issuer https://token.actions.githubusercontent.com \
      --certificate-identity-regexp '^{home_pattern}/\.github/workflows/sign\.yml@refs/(tags/v{version_pattern}|heads/main)$' \
      --certificate-github-workflow-repository {repository}
    gh attestation verify oci://{registry}/aws-support-exporter:{version} --repo {repository}

    sha256sum --check --ignore-missing sha256sums    # beside the files of this release
    gh attestation verify aws-support-exporter-{version}.tgz --repo {repository}    # and likewise each of them

The chart is `{registry}/charts/aws-support-exporter:{version}`. `heads/main` signs the image's weekly rebuilds.
"""


def notes(tag: str, root: Path = ROOT) -> str:
    """Return what the changelog says of a release.

    Args:
        tag: The release's tag, such as v1.2.3.
        root: The repository.

    Raises:
        SystemExit: A version in the repository is another one, or the changelog says nothing.
    """
    version = tag.removeprefix("v")
    if tag == version:
        sys.exit(f"{tag}: a release's tag starts with v")
    for path, pattern in VERSIONS.items():
        found = re.findall(pattern, (root / path).read_text(), re.MULTILINE)
        if set(found) != {version}:
            sys.exit(f"{path}: the version is {' and '.join(sorted(set(found))) or 'missing'}, not {version} as in the tag")
    changelog = (root / "CHANGELOG.md").read_text()
    section = re.search(
        rf"^## \[?{re.escape(version)}\]?(?: [^\n]*)?\n(.*?)(?=^## |^\[[^\]]+\]: |\Z)", changelog, re.MULTILINE | re.DOTALL
    )
    if section is None or not section[1].strip():
        sys.exit(f"CHANGELOG.md: there is nothing under ## [{version}]")
    return section[1].strip()


def install(home: str, registry: str, tag: str) -> str:
    """Return how to install and verify a release, for its notes."""
    version, repository = tag.removeprefix("v"), home.partition("://")[2].partition("/")[2]
    patterns = {"home_pattern": home.replace(".", r"\."), "version_pattern": version.replace(".", r"\.")}
    return INSTALL.format(registry=registry, version=version, repository=repository, **patterns)


def write_addresses(home: str, registry: str, tag: str, root: Path = ROOT) -> None:
    """Write where the release is into the chart and the READMEs, and make their links lead to its tag.

    Args:
        home: The repository's address.
        registry: Host and owner of image and chart.
        tag: The release's tag: the documents are those of its version.
        root: The repository.

    Raises:
        SystemExit: A file does not say what a checkout says: it was changed before, or is worded otherwise.
    """
    for name, (checkout, release) in FROM_CHECKOUT.items():
        text = (root / name).read_text()
        if text.count(checkout) != 1:
            sys.exit(f"{name}: {checkout.strip()!r} is there {text.count(checkout)} times, not once")
        (root / name).write_text(
            text.replace(checkout, release.format(home=home, registry=registry, version=tag.removeprefix("v")))
        )
    for name in ("README.md", f"{CHART}/README.md"):
        (root / name).write_text(_absolute((root / name).read_text(), home, tag, posixpath.dirname(name)))
    for path in (root / CHART).rglob("*.*"):
        if path.suffix in {".json", ".yaml"} and DOCS in (text := path.read_text()):
            path.write_text(text.replace(DOCS, f"{home}/blob/{tag}/docs/"))
    metadata = root / CHART / "Chart.yaml"
    text = metadata.read_text().replace("image: aws", f"image: {registry}/aws")
    metadata.write_text(f"{text}home: {home}\nsources:\n  - {home}\n")


def _absolute(markdown: str, home: str, tag: str, folder: str) -> str:
    """Replace links within the repository: readers of a package have no files beside its README."""

    def link(match: re.Match[str]) -> str:
        kind = "raw" if match[1].startswith("!") else "blob"
        return f"{match[1]}({home}/{kind}/{tag}/{posixpath.normpath(posixpath.join(folder, match[2]))}{match[3] or ''})"

    return re.sub(r"(!?\[[^\]]*\])\((?![a-z]+:)([^)#\s]+)(#[^)\s]+)?\)", link, markdown)


def main(arguments: Sequence[str]) -> None:
    """Run the command."""
    match arguments:
        case ["notes", tag]:
            sys.stdout.write(f"{notes(tag)}\n")
        case ["install", home, registry, tag]:
            sys.stdout.write(install(home, registry, tag))
        case ["addresses", home, registry, tag]:
            write_addresses(home, registry, tag)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
