"""The guide to AWS access can be followed: its commands, files, parameters and configuration exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import hcl2
import pytest
import yaml
from botocore import xform_name
from botocore.loaders import Loader
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]  # it has no types

from tests.support.chart import Helm4, named
from tests.support.process import run_exporter
from tests.support.tools import ROOT

GUIDE = (ROOT / "docs/iam.md").read_text()
MODULES = ROOT / "deploy/iam/terraform"
OF_THE_CLI = {"template-file", "parameter-overrides"}
"""Options of `aws cloudformation deploy`, which is no operation of the API."""


def commands() -> list[str]:
    """Return the commands of the guide, each on one line."""
    code = "\n".join(line.strip() for line in GUIDE.splitlines() if line.startswith("    "))
    return re.findall(r"^aws cloudformation .*$", code.replace("\\\n", " "), re.MULTILINE)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


def modules() -> Iterator[tuple[str, dict[str, object]]]:
    """Yield each module that the guide uses: where it is, and what it is given."""
    (text,) = blocks("hcl")
    for block in hcl2.loads(text)["module"]:
        ((_, given),) = block.items()
        path = re.search(r"//deploy/iam/terraform/([a-z-]+)\?", str(given["source"]))
        assert path
        yield path[1], {name: value for name, value in given.items() if not name.startswith("__")}


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.split()[2])
def test_commands_have_options_that_aws_knows(command: str) -> None:
    operation = command.split()[2]
    options = {option.removeprefix("--") for option in re.findall(r"--[a-z-]+", command.partition("#")[0])}
    model = Loader().load_service_model("cloudformation", "service-2")
    shapes = {xform_name(name, "-"): about.get("input", {}).get("shape") for name, about in model["operations"].items()}
    if operation == "deploy":
        known = OF_THE_CLI | {"stack-name", "capabilities"}
    else:
        known = {xform_name(name, "-") for name in model["shapes"][shapes[operation]]["members"]} | {"template-body"}
    assert options <= known


@pytest.mark.parametrize("command", [command for command in commands() if "--template" in command])
def test_commands_give_their_template_what_it_takes(command: str) -> None:
    path = re.search(r"--template-(?:file |body file://)(\S+)", command)
    assert path
    parameters = cfn_yaml.load(str(ROOT / path[1]))["Parameters"]
    given = set(
        re.findall(r"ParameterKey=(\w+)", command) or re.findall(r"(\w+)=", command.partition("--parameter-overrides")[2])
    )
    required = {name for name, about in parameters.items() if "Default" not in about}
    assert given
    assert required <= given <= parameters.keys()
    assert "CAPABILITY_NAMED_IAM" in command


def test_every_template_is_in_the_guide() -> None:
    used = set(re.findall(r"cloudformation/([a-z-]+\.yaml)", GUIDE))
    assert used == {path.name for path in (ROOT / "deploy/iam/cloudformation").glob("*.yaml")}


def test_modules_are_given_what_they_take() -> None:
    found = dict(modules())
    assert found.keys() == {path.parent.name for path in MODULES.glob("*/main.tf")}
    for name, given in found.items():
        variables = {
            next(iter(variable)).strip('"'): next(iter(variable.values()))
            for variable in hcl2.loads((MODULES / name / "variables.tf").read_text())["variable"]
        }
        required = {variable for variable, about in variables.items() if "default" not in about}
        assert required <= given.keys() - {"source", "providers"} <= variables.keys()


def test_its_values_install_an_exporter_with_a_valid_configuration(tmp_path: Path) -> None:
    (text,) = blocks("yaml")
    objects = Helm4().render(yaml.safe_load(text))
    path = tmp_path / "config.yaml"
    path.write_text(named(objects, "ConfigMap")["data"]["config.yaml"])
    ended = run_exporter(["--config.check", f"--config.file={path}"])
    assert (ended.returncode, ended.stderr) == (0, "")
    assert yaml.safe_load(path.read_text())["organizations"][0]["role_arn"].endswith(":role/AwsSupportExporterDiscovery")
