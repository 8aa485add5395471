"""Dependabot sees all that is pinned: files by their names, images by their form."""

import re
import subprocess

import yaml

from tests.support.tools import ROOT

READS = {
    "github-actions": r"\.github/workflows/[^/]+\.ya?ml",
    "docker": r"[^/]*dockerfile[^/]*",
    "docker-compose": r"(docker-)?compose(-\w+)?(\.[\w-]+)?\.ya?ml",
    "npm": r"package(-lock)?\.json",
    "pip": r"[^/]*requirements[^/]*\.(txt|in)|pyproject\.toml",
    "terraform": r"[^/]+\.(tf|hcl)",
}
"""The names of files of an ecosystem, as dependabot-core fetches them from a directory."""
FROM = re.compile(r"^FROM (?P<image>[a-z\d][\w./-]*:[\w.-]+)(?: AS \w+)?$", re.MULTILINE)
"""An image that Dependabot can update: written out in FROM, with a tag (dependabot-core#2057: it reads no ARG)."""
LARGEST = 500_000
"""Bytes of a file of requirements; it leaves out larger ones."""


def seen() -> set[str]:
    """Return what Dependabot reads of the files that git tracks or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    tracked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    found: set[str] = set()
    for update in yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]:
        for directory in update.get("directories", [update.get("directory")]):
            below = re.escape(f"{directory.strip('/')}/".lstrip("/")).replace(r"\*", "[^/]+")
            pattern = re.compile(f"{below}(?:{READS[update['package-ecosystem']]})", re.IGNORECASE)
            matched = set(filter(pattern.fullmatch, tracked))
            assert matched, f"{update['package-ecosystem']}: nothing to update in {directory}"
            found |= matched
    return found


def test_it_reads_every_file_that_pins_a_version() -> None:
    locks = [path.name for path in ROOT.glob("requirements*")]
    assert locks
    modules = [path.relative_to(ROOT).as_posix() for path in ROOT.glob("deploy/*/terraform/*/main.tf")]
    workflows = [path.relative_to(ROOT).as_posix() for path in ROOT.glob(".github/workflows/*")]
    pinned = {*locks, *modules, *workflows, "Dockerfile", "deploy/compose.yaml", "tests/helm/package-lock.json"}
    assert pinned - seen() == set()
    assert [name for name in locks if (ROOT / name).stat().st_size > LARGEST] == []


def test_the_image_has_one_base_that_it_can_read() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "--platform" not in dockerfile
    assert len(FROM.findall(dockerfile)) == 1
    stages = re.findall(r"^FROM \S+ AS (\w+)$", dockerfile, re.MULTILINE)
    others = re.findall(r"^FROM (\S+)", FROM.sub("", dockerfile), re.MULTILINE)
    assert set(others) <= set(stages), "whatever is not the base is built on it"
