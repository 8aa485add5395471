"""The configurations of docs/install.md, read by what they are for; tests/docs/test_documents.py reads those in YAML."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from tests.docs.test_documents import parts
from tests.support.fetch import free_port
from tests.support.process import ExporterProcess, environment
from tests.support.tools import ROOT, need_tool

DOCUMENT = ROOT / "docs/install.md"
TASK = json.loads(*parts(DOCUMENT, "json"))
(CONTAINER,) = TASK["containerDefinitions"]
(UNIT,) = parts(DOCUMENT, "ini")
CONFIG = next(text for text in parts(DOCUMENT, "yaml") if text.startswith("# config.yaml"))
MOST_EXPOSED = "20"
"""Of 100, as systemd-analyze judges: below it is what it calls OK."""


@pytest.mark.parametrize("wrong", [{}, {"memory": 512}, {"memoryMiB": "512"}], ids=["documented", "type", "name"])
def test_ecs_takes_the_task_definition_and_would_refuse_a_wrong_one(wrong: dict[str, object]) -> None:
    model = ServiceModel(Loader().load_service_model("ecs", "service-2"))
    shape = model.shape_for("RegisterTaskDefinitionRequest")
    assert ParamValidator().validate({**TASK, **wrong}, shape).has_errors() is bool(wrong)


def test_the_task_starts_the_exporter_with_the_parameter_as_its_configuration(tmp_path: Path) -> None:
    shell, option, script = CONTAINER["entryPoint"]
    exporter = f"{shlex.quote(sys.executable)} -m exporter --config.check "
    here = script.replace("/tmp/", f"{tmp_path}/").replace("exec aws-support-exporter ", f"exec {exporter}")  # noqa: S108 - the container's
    env = environment({"CONFIG": CONFIG})
    ended = subprocess.run([shell, option, here], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (tmp_path / "config.yaml").read_text().strip() == CONFIG.strip()
    (secret,) = CONTAINER["secrets"]
    assert secret["name"] == "CONFIG"


def test_the_tasks_health_check_finds_the_exporter_well_and_finds_it_gone(demo: ExporterProcess) -> None:
    kind, _, *arguments = CONTAINER["healthCheck"]["command"]
    assert kind == "CMD"
    for url, code in ((demo.url, 0), (f"http://127.0.0.1:{free_port()}", 1)):
        command = [sys.executable, *(word.replace("http://127.0.0.1:10047", url) for word in arguments)]
        assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == code


def test_systemd_takes_the_unit_and_finds_little_to_harden(tmp_path: Path) -> None:
    analyze = need_tool("systemd-analyze")
    unit = tmp_path / "aws-support-exporter.service"
    unit.write_text(UNIT.replace("/opt/aws-support-exporter/bin/aws-support-exporter", "/bin/true"))
    for command in (["verify"], ["security", "--offline=true", f"--threshold={MOST_EXPOSED}"]):
        ended = subprocess.run([analyze, *command, unit], capture_output=True, text=True, timeout=60, check=False)
        assert (ended.returncode, unit.name in ended.stderr) == (0, False), ended.stdout + ended.stderr
