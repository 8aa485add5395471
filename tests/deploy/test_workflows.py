"""Linters of what is not Python; and workflows on GitHub that may do no more than they need."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.tools import ROOT

WORKFLOWS = {path.stem: path for path in sorted((ROOT / ".github/workflows").glob("*.yml"))}
BIN = Path(sys.executable).parent
SCRIPTS = sorted(
    str(path.relative_to(ROOT))
    for directory in (".ci", ".github", "deploy")
    for path in (ROOT / directory).rglob("*")
    if path.is_file() and path.read_bytes().startswith(b"#!/usr/bin/env bash\n")
)
MAY_WRITE = {
    ("release", "image"): {"attestations", "id-token", "packages"},
    ("release", "chart"): {"attestations", "id-token", "packages"},
    ("release", "release"): {"contents"},
}


@pytest.mark.parametrize(
    "command",
    [
        ("actionlint", "-no-color", "-shellcheck", BIN / "shellcheck", *WORKFLOWS.values()),
        ("zizmor", "--offline", "--no-progress", "--quiet", "--color=never", ".github"),
        ("shellcheck", *SCRIPTS),
        ("hadolint", "Dockerfile"),
        ("cfn-lint", *(ROOT / "deploy").glob("*/cloudformation/*.yaml")),
        ("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS.values()),
        ("check-jsonschema", "--builtin-schema", "vendor.dependabot", ".github/dependabot.yml"),
        ("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "deploy/compose.yaml"),
    ],
    ids=lambda command: " ".join(map(str, command[::2]))[:40],
)
def test_linters_find_nothing(command: tuple[str | Path, ...]) -> None:
    ended = subprocess.run((BIN / command[0], *command[1:]), cwd=ROOT, capture_output=True, text=True, check=False)
    told = ended.stdout + ended.stderr
    assert ended.returncode == 0, told
    assert told.partition(" ")[0] in {"", "ok", "No"}, told


def test_no_job_may_write_but_those_that_release() -> None:
    may_write: dict[tuple[str, str], set[str]] = {}
    for name, path in WORKFLOWS.items():
        workflow = yaml.safe_load(path.read_text())
        assert workflow["permissions"] == {}
        for job, about in workflow["jobs"].items():
            assert set(about["permissions"].values()) <= {"read", "write"}
            may_write[name, job] = {scope for scope, access in about["permissions"].items() if access == "write"}
    assert {job: scopes for job, scopes in may_write.items() if scopes} == MAY_WRITE


def test_a_release_runs_all_the_tests_there_are_and_signs_image_and_chart() -> None:
    release = yaml.safe_load(WORKFLOWS["release"].read_text())["jobs"]
    tested = {job["uses"].rpartition("/")[2].removesuffix(".yml"): name for name, job in release.items() if "uses" in job}
    assert tested.keys() == WORKFLOWS.keys() - {"release"}
    assert set(tested.values()) <= set(release["image"]["needs"])
    for name in ("image", "chart"):
        assert "cosign sign --yes" in str(release[name]["steps"])
        assert "actions/attest-build-provenance@" in str(release[name]["steps"])
