"""Dependabot sees all that is pinned: it looks into folders for files by their names."""

from fnmatch import fnmatch

import yaml

from tests.support.tools import ROOT

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
    assert [path.name for path in ROOT.glob("requirements*") if path.stat().st_size > 500_000] == [], "which it leaves out"
