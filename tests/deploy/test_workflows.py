"""The workflows on GitHub: linted, pinned, and allowed no more than they need."""

import subprocess
import sys
from pathlib import Path
from typing import Any

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


def jobs() -> list[tuple[str, str, dict[str, Any]]]:
    """Return every job with the names of its workflow and its own."""
    return [
        (workflow, name, job)
        for workflow, path in WORKFLOWS.items()
        for name, job in yaml.safe_load(path.read_text())["jobs"].items()
    ]


def run(*command: str | Path) -> tuple[int, str]:
    """Return exit code and output of a linter."""
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def test_actionlint_finds_nothing() -> None:
    assert run(BIN / "actionlint", "-no-color", "-shellcheck", BIN / "shellcheck", *WORKFLOWS.values()) == (0, "")


def test_zizmor_finds_nothing() -> None:
    code, told = run(BIN / "zizmor", "--offline", "--no-progress", "--quiet", "--color=never", ".github")
    assert (code, told.startswith("No findings to report.")) == (0, True), told


def test_scripts_are_found() -> None:
    assert {".ci/run", "deploy/image/build"} <= set(SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_shellcheck_finds_nothing(script: str) -> None:
    assert run(BIN / "shellcheck", script) == (0, "")


@pytest.mark.parametrize(
    ("schema", "files"),
    [("vendor.github-workflows", list(WORKFLOWS.values())), ("vendor.dependabot", [ROOT / ".github/dependabot.yml"])],
)
def test_they_have_the_form_that_github_takes(schema: str, files: list[Path]) -> None:
    assert run(BIN / "check-jsonschema", "--builtin-schema", schema, *files) == (0, "ok -- validation done\n")


def test_no_job_may_write_but_those_that_release() -> None:
    for workflow in WORKFLOWS.values():
        assert yaml.safe_load(workflow.read_text())["permissions"] == {}
    granted = {
        (workflow, name): {scope for scope, access in job["permissions"].items() if access == "write"}
        for workflow, name, job in jobs()
    }
    assert {job: scopes for job, scopes in granted.items() if scopes} == MAY_WRITE
    assert all(access in {"read", "write"} for *_, job in jobs() for access in job["permissions"].values())


def test_every_supported_python_is_tested() -> None:
    matrix = yaml.safe_load(WORKFLOWS["ci"].read_text())["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert matrix == ["3.11", "3.12", "3.13", "3.14"]
    assert f'requires-python = ">={matrix[0]}"' in (ROOT / "pyproject.toml").read_text()


def test_a_release_runs_all_the_tests_there_are() -> None:
    release = yaml.safe_load(WORKFLOWS["release"].read_text())["jobs"]
    tested = {job["uses"].rpartition("/")[2].removesuffix(".yml"): name for name, job in release.items() if "uses" in job}
    assert tested.keys() == WORKFLOWS.keys() - {"release"}
    assert set(tested.values()) <= set(release["image"]["needs"])


def used(job: dict[str, Any], action: str) -> dict[str, Any]:
    """Return what a job gives to an action."""
    (given,) = (step["with"] for step in job["steps"] if step.get("uses", "").startswith(f"{action}@"))
    return dict(given)


def commands(job: dict[str, Any]) -> str:
    """Return what a job runs."""
    return "\n".join(step["run"] for step in job["steps"] if "run" in step)


def test_a_release_has_an_image_for_both_machines_with_all_that_is_said_of_it() -> None:
    image = yaml.safe_load(WORKFLOWS["release"].read_text())["jobs"]["image"]
    built = used(image, "docker/build-push-action")
    assert built["platforms"] == "linux/amd64,linux/arm64"
    assert (built["push"], built["sbom"], built["provenance"]) == (True, True, "mode=max")
    assert {"VERSION", "REVISION"} == {line.partition("=")[0] for line in built["build-args"].splitlines()}
    assert 'cosign sign --yes --recursive "$IMAGE@$DIGEST"' in commands(image)
    attested = used(image, "actions/attest-build-provenance")
    assert attested["subject-digest"] == "${{ steps.build.outputs.digest }}"


def test_a_release_has_a_signed_chart_and_the_notes_of_the_changelog() -> None:
    jobs_of_release = yaml.safe_load(WORKFLOWS["release"].read_text())["jobs"]
    chart = jobs_of_release["chart"]
    order = ["release.py registry", "release.py home", "helm package", "helm push", "cosign sign --yes"]
    places = [commands(chart).index(step) for step in order]
    assert places == sorted(places)
    assert used(chart, "actions/attest-build-provenance")["subject-digest"] == "${{ steps.push.outputs.digest }}"
    released = jobs_of_release["release"]
    assert set(released["needs"]) == {"check", "image", "chart"}
    assert "release.py notes" in commands(released)
    assert "gh release create" in commands(released)


def test_both_helms_are_official_ones() -> None:
    matrix = yaml.safe_load(WORKFLOWS["chart"].read_text())["jobs"]["render"]["strategy"]["matrix"]["helm"]
    assert [version.partition(".")[0] for version in matrix] == ["v3", "v4"]
