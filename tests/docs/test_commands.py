"""Every command of the documents runs, or is read by the program that it is for; `SYNTAX` only by a shell."""

import os
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from promql_parser import parse as parse_query

from exporter.options import parse as parse_flags
from tests.docs.test_documents import DOCUMENTS, commands, parts
from tests.support.chart import need_helm3
from tests.support.process import environment
from tests.support.tools import ROOT, need_tool

NOWHERE = "http://127.0.0.1:1"
OFFLINE = {"HTTPS_PROXY": NOWHERE, "AWS_CONFIG_FILE": "profiles", "AWS_DEFAULT_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1"}
PROFILE = "[{}]\naws_access_key_id = x\naws_secret_access_key = x\n"
SYNTAX = r"chown |echo |helm test |oras |pipx |python3 -m venv|registry=|sudo |for |\.venv/bin/python -m bench\."
ELSEWHERE = r"make|docker compose --file deploy/compose\.yaml |\./(prometheus|alertmanager) |curl -sS|page="
"""In test_documents, test_tutorial, test_api, and tests/deploy/test_compose.py."""


def shell(script: str, place: Path, *programs: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([*(str(program.parent) for program in programs), os.environ["PATH"]])
    env = environment({**OFFLINE, "PATH": path})
    return subprocess.run(
        ["/bin/sh", "-uc", script], cwd=place, env=env, capture_output=True, text=True, timeout=60, check=False
    )


def runs(command: str, place: Path, *programs: Path) -> None:
    ended = shell(f"set -e\n{command}", place, *programs)
    assert ended.returncode == 0, ended.stderr


def syntax(command: str, place: Path) -> None:
    runs(f"sh -n <<'SCRIPT'\n{command}\nSCRIPT", place)


def exporter(command: str, _: Path) -> None:
    parse_flags(shlex.split(command, comments=True)[1:])


def aws(command: str, place: Path) -> None:
    """The CLI checks options, files and the shape of the request before it finds nobody to send it to."""
    assert f'Failed to connect to proxy URL: "{NOWHERE}' in shell(command, place, need_tool("aws")).stderr


def helm(command: str, place: Path) -> None:
    runs(re.sub(r"^helm (install|template)", "helm template --set skipApiCheck=true", command), place, need_helm3())
    for rules in place.glob("alerts.yaml"):
        assert yaml.safe_load(rules.read_text())["groups"]


def kubectl(command: str, place: Path) -> None:
    outer, _, inner = command.partition(" -- ")
    assert re.fullmatch(r"kubectl exec --namespace [\w-]+ deployment/[\w-]+", outer)
    exporter(inner.strip(), place)


def container(command: str, place: Path) -> None:
    """Podman takes Docker's arguments; it misses the image, the container or the Dockerfile only after it has read them."""
    podman = need_tool("podman")
    _, verb, *_ = shlex.split(command)
    options = {"build": "--file=none", "run": "--pull=never"}.get(verb, "")
    local = command.replace(f"docker {verb}", f"podman {verb} {options}")
    missing = {"build": "none: no such file", "run": "image not known"}.get(verb, "no container with name or ID")
    assert missing in shell(local, place, podman).stderr
    if verb == "run":
        parse_flags(re.split(r"aws-support-exporter(?::[\d.]+)? (?=--)", command)[-1].split())


RULES: dict[str, Callable[[str, Path], object]] = {
    r"aws ": aws,
    r"aws-support-exporter\b": exporter,
    r"helm (install|template) ": helm,
    r"kubectl ": kubectl,
    r"docker ": container,
    r"min\(": lambda command, _: parse_query(command),
    r"sed ": runs,
    SYNTAX: syntax,
}
INLINE = re.compile(r"`((?:aws|docker) [a-z-]+ [^`]* --[^`]*)`")
FOUND = [(path, command) for path in DOCUMENTS for command in (*commands(path), *INLINE.findall(path.read_text()))]
OWN = [(document, command) for document, command in FOUND if not re.match(ELSEWHERE, command)]


def rule(command: str) -> Callable[[str, Path], object] | None:
    return next((rule for pattern, rule in RULES.items() if re.match(pattern, command)), None)


@pytest.mark.parametrize(
    ("document", "command"),
    [pytest.param(*found, marks=[pytest.mark.slow] if rule(found[1]) in {aws, helm} else []) for found in OWN],
    ids=lambda value: value.stem if isinstance(value, Path) else " ".join(value.split()[:3]),
)
def test_a_command_is_one_that_its_program_takes(document: Path, command: str, tmp_path: Path) -> None:
    for name in ("deploy", "helm"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "values.yaml").write_text("{}")
    (tmp_path / "profiles").write_text("".join(map(PROFILE.format, ("default", "profile management", "profile cluster"))))
    for text in parts(document, "yaml"):
        if found := re.match(r"# ([\w-]+\.yaml)", text):
            (tmp_path / found[1]).write_text(text)
    for text in parts(document, "json"):
        (tmp_path / "task-definition.json").write_text(text)
    run = rule(command)
    assert run, "no test says how to run or read this: add it to RULES"
    run(command, tmp_path)
