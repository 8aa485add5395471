"""Linters of what is not Python; and workflows on GitHub that may do no more than they need."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.tools import ROOT

Jobs = dict[tuple[str, str], dict[str, Any]]
WORKFLOWS = {path.stem: path for path in sorted((ROOT / ".github/workflows").glob("*.yml"))}
FORMS = sorted(path for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
BIN = Path(sys.executable).parent
FILES = [path for directory in (".ci", ".github", "deploy") for path in sorted((ROOT / directory).rglob("*")) if path.is_file()]
SCRIPTS = [path for path in FILES if path.read_bytes().startswith(b"#!/usr/bin/env bash\n")]
SIGNS = {"attestations", "id-token", "packages"}
BUILDS_NOTHING = {
    *("actions/attest-build-provenance", "actions/checkout", "actions/download-artifact", "docker/login-action"),
    *("pypa/gh-action-pypi-publish", "sigstore/cosign-installer"),
}
"""Actions, pinned by commit, that run no image which its tag names; but for that of PyPI, which runs its own."""


SCHEMA = ("check-jsonschema", "--builtin-schema")


@pytest.mark.parametrize(
    "command",
    [
        ("actionlint", "-no-color", "-shellcheck", BIN / "shellcheck", *WORKFLOWS.values()),
        ("zizmor", "--offline", "--no-progress", "--quiet", "--color=never", ".github"),
        ("shellcheck", *SCRIPTS),
        ("hadolint", "Dockerfile"),
        pytest.param(("cfn-lint", *(ROOT / "deploy").glob("*/cloudformation/*.yaml")), marks=pytest.mark.slow),
        pytest.param((*SCHEMA, "vendor.github-workflows", *WORKFLOWS.values()), marks=pytest.mark.slow),
        pytest.param((*SCHEMA, "vendor.dependabot", ".github/dependabot.yml"), marks=pytest.mark.slow),
        pytest.param((*SCHEMA, "vendor.github-issue-forms", *FORMS), marks=pytest.mark.slow),
        pytest.param((*SCHEMA, "vendor.github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"), marks=pytest.mark.slow),
        pytest.param((*SCHEMA, "vendor.compose-spec", "deploy/compose.yaml"), marks=pytest.mark.slow),
    ],
    ids=lambda command: " ".join(map(str, command[::2]))[:40],
)
def test_linters_find_nothing(command: tuple[str | Path, ...]) -> None:
    ended = subprocess.run((BIN / command[0], *command[1:]), cwd=ROOT, capture_output=True, text=True, check=False)
    told = ended.stdout + ended.stderr
    assert ended.returncode == 0, told
    assert told.partition(" ")[0] in {"", "ok", "No"}, told


@pytest.fixture(scope="module")
def workflows() -> dict[str, dict[Any, Any]]:
    return {name: yaml.safe_load(path.read_text()) for name, path in WORKFLOWS.items()}


@pytest.fixture(scope="module")
def jobs(workflows: dict[str, dict[Any, Any]]) -> Jobs:
    return {(name, job): about for name, workflow in workflows.items() for job, about in workflow["jobs"].items()}


def test_no_job_may_write_but_those_that_release(workflows: dict[str, dict[Any, Any]], jobs: Jobs) -> None:
    assert all(workflow["permissions"] == {} for workflow in workflows.values())
    asked = [(name, *scope) for (name, _), about in jobs.items() for scope in about["permissions"].items()]
    assert {access for *_, access in asked} == {"read", "write"}
    publish = {name for name, _, access in asked if access == "write"}
    assert publish == {"image", "release", "sign", "weekly"}
    assert {(name, scope) for name, scope, access in asked if access == "write" and scope not in SIGNS} == {
        ("release", "contents")
    }


def test_a_job_that_signs_builds_nothing_and_signs_by_digest_and_for_this_repository_alone(jobs: Jobs) -> None:
    signing = [about for about in jobs.values() if "id-token" in about["permissions"]]
    for steps in (about["steps"] for about in signing if "steps" in about):
        assert {step["uses"].partition("@")[0] for step in steps if "uses" in step} <= BUILDS_NOTHING
        ran = "\n".join(step["run"] for step in steps if "run" in step)
        assert not re.search(r"\b(docker|podman|buildah|helm|make|pip|npm)\b", ran)
    (sign,) = (step for about in signing for step in about.get("steps", ()) if "cosign sign" in step.get("run", ""))
    assert sign["env"] == {"SUBJECT": "${{ inputs.name }}@${{ inputs.digest }}"}
    refusal, *_ = jobs["sign", "sign"]["steps"]
    assert (refusal["if"], refusal["run"]) == ("job.workflow_repository != github.repository", "exit 1")


def test_a_release_runs_all_tests_signs_image_and_chart_and_only_then_publishes_for_good(jobs: Jobs) -> None:
    release = {job: about for (name, job), about in jobs.items() if name == "release"}
    called = {job: about["uses"].rpartition("/")[2] for job, about in release.items() if "uses" in about}
    assert called == {"test": "ci.yml", "test-chart": "chart.yml", "image": "image.yml", "sign-chart": "sign.yml"}
    assert {"test", "test-chart"} <= set(release["image"]["needs"])
    assert release["sign-chart"]["with"]["digest"] == "${{ needs.chart.outputs.digest }}"
    assert jobs["image", "sign"]["uses"].endswith("/sign.yml")
    assert jobs["image", "sign"]["with"]["digest"] == "${{ needs.build.outputs.digest }}"
    assert {"image", "sign-chart", "python"} <= set(release["pypi"]["needs"])
    assert "pypi" in release["release"]["needs"]


def test_each_week_the_image_is_built_anew_and_all_locks_are_audited_and_failures_show(
    workflows: dict[str, dict[Any, Any]],
) -> None:
    weekly = workflows["weekly"]
    assert weekly[True]["schedule"], "yaml reads `on` as true"
    assert weekly["jobs"]["image"]["uses"].endswith("/image.yml")
    assert "make audit" in str(weekly["jobs"]["audit"]["steps"])
    assert "continue-on-error" not in str(weekly)
    command = ["make", "--dry-run", f"PYTHON={sys.executable}", "audit"]
    audit = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "pip-audit --strict " in audit, "or what is not found counts as without vulnerabilities"
    locks = {path.name for path in ROOT.glob("requirements*.txt")}
    assert locks <= set(re.findall(r"requirements[\w-]*\.txt", audit.partition("for lock in ")[2].partition(";")[0]))
