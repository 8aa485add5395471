"""What a release needs of the repository: notes from the changelog, and a chart that names where it and the image come from.

    python3 deploy/release.py notes v1.2.3          checks that all versions are this one, and prints what changed
    python3 deploy/release.py registry ghcr.io/x    writes the registry into the chart's values and metadata
    python3 deploy/release.py home https://github.com/x/y v1.2.3
                                                    writes the repository into the chart, and into its links to documents

Runs without the exporter's dependencies.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSIONS = {
    "exporter/__init__.py": r'^__version__ = "(.+)"$',
    "helm/aws-support-exporter/Chart.yaml": r'^(?:version|appVersion|      image): "?(?:aws-support-exporter:)?([^"\n]+)"?$',
}
"""Where the version stands, and how."""
DOCS = "https://github.com/aws-support-exporter/aws-support-exporter/blob/main/docs/"
"""What links to documents begin with until a release knows better."""


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


def set_registry(registry: str, root: Path = ROOT) -> None:
    """Write the registry of the image into the chart's values, and into its metadata for Artifact Hub.

    Args:
        registry: Host and owner.
        root: The repository.

    Raises:
        SystemExit: The values have no empty image.registry.
    """
    path = root / "helm/aws-support-exporter/values.yaml"
    pattern = r'(^image:\n(?:[ #].*\n|\n)*?  registry: )""$'
    text, count = re.subn(pattern, lambda match: f"{match[1]}{registry}", path.read_text(), flags=re.MULTILINE)
    if count != 1:
        sys.exit(f"{path}: there is no empty image.registry")
    path.write_text(text)
    metadata = path.with_name("Chart.yaml")
    metadata.write_text(metadata.read_text().replace("image: aws", f"image: {registry}/aws"))


def set_home(home: str, tag: str, root: Path = ROOT) -> None:
    """Write where the repository is into the chart's metadata, and into the links of its alerts.

    Args:
        home: The repository's address.
        tag: The release's tag: the runbooks are those of its version.
        root: The repository.

    Raises:
        SystemExit: The chart has a home, or no alert a link that can be changed.
    """
    chart = root / "helm/aws-support-exporter"
    metadata = (chart / "Chart.yaml").read_text()
    if re.search("^home:", metadata, re.MULTILINE):
        sys.exit(f"{chart / 'Chart.yaml'}: there is a home")
    linked = [path for path in sorted(chart.glob("files/rules/*.yaml")) if DOCS in path.read_text()]
    if not linked:
        sys.exit(f"{chart}/files/rules: there is no link that begins with {DOCS}")
    (chart / "Chart.yaml").write_text(f"{metadata}home: {home}\nsources:\n  - {home}\n")
    for path in [*linked, chart / "Chart.yaml"]:
        path.write_text(path.read_text().replace(DOCS, f"{home}/blob/{tag}/docs/"))


def main(arguments: Sequence[str]) -> None:
    """Run the command."""
    match arguments:
        case ["notes", tag]:
            sys.stdout.write(f"{notes(tag)}\n")
        case ["registry", registry]:
            set_registry(registry)
        case ["home", home, tag]:
            set_home(home, tag)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
