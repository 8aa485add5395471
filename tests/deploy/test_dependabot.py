"""Dependabot sees all that is pinned: it looks into folders for files by their names, and for images by their form."""

import re
from fnmatch import fnmatch

import yaml

from tests.support.tools import ROOT

FROM = re.compile(r"^FROM (?P<image>[a-z\d][\w./-]*:[\w.-]+)(?: AS \w+)?$", re.MULTILINE)
"""An image that Dependabot can update: written out in FROM, with a tag (dependabot-core#2057: it reads no ARG)."""
LARGEST = 500_000
"""Bytes of a file of requirements; it leaves out larger ones."""


PINS = {
    "docker": "Dockerfile",
    "docker-compose": "*/compose.yaml",
    "github-actions": ".github",  # it finds the workflows in it
    "npm": "tests/*/package-lock.json",
    "pip": "requirements*.txt",
    "terraform": "deploy/*/terraform/*/main.tf",
}


def test_it_looks_into_every_folder_with_a_file_that_pins_a_version() -> None:
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]
    seen = {update["package-ecosystem"]: update.get("directories") or [update["directory"]] for update in updates}
    assert seen.keys() == PINS.keys()
    for ecosystem, files in PINS.items():
        folders = {f"/{path.parent.relative_to(ROOT)}".removesuffix(".") for path in ROOT.glob(files)}
        assert folders
        assert [each for each in folders if not any(fnmatch(each, pattern) for pattern in seen[ecosystem])] == []
    assert [path.name for path in ROOT.glob("requirements*") if path.stat().st_size > LARGEST] == []


def test_the_image_has_one_base_that_it_can_read() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "--platform" not in dockerfile
    assert len(FROM.findall(dockerfile)) == 1
    stages = re.findall(r"^FROM \S+ AS (\w+)$", dockerfile, re.MULTILINE)
    others = re.findall(r"^FROM (\S+)", FROM.sub("", dockerfile), re.MULTILINE)
    assert set(others) <= set(stages), "whatever is not the base is built on it"
