"""The guide to AWS access can be followed: its commands, files, parameters and configuration exist."""

import re
from pathlib import Path

import hcl2
import jmespath  # type: ignore[import-untyped]  # it has no types
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
CODE = "\n".join(line.strip() for line in GUIDE.splitlines() if line.startswith("    ")).replace("\\\n", " ")
COMMANDS = re.findall(r"^aws cloudformation .*$", CODE, re.MULTILINE)
DEPLOY = {"stack-name", "capabilities", "template-file", "parameter-overrides"}  # no operation of the API
OF_THE_CLI = {"profile", "query", "region"}


def block(language: str) -> str:
    (text,) = re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    return str(text)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.split()[2])
def test_commands_have_options_that_aws_knows_and_give_templates_what_they_take(command: str) -> None:
    model = Loader().load_service_model("cloudformation", "service-2")
    shapes = {xform_name(name, "-"): about["input"]["shape"] for name, about in model["operations"].items() if "input" in about}
    shape = shapes.get(command.split()[2])
    members = {xform_name(name, "-") for name in model["shapes"][shape]["members"]} if shape else DEPLOY
    assert set(re.findall(r"--([a-z-]+)", command.partition("#")[0])) <= members | OF_THE_CLI
    assert "--profile cluster" in command if "exporter-role" in command else "--profile management" in command
    if path := re.search(r"--template-(?:file |body file://)(\S+)", command):
        parameters = cfn_yaml.load(str(ROOT / path[1]))["Parameters"]
        _, _, options = command.partition("--parameter")
        given = {key or name for key, name in re.findall(r"ParameterKey=(\w+)|(?<= )(\w+)=", options)}
        required = {name for name, about in parameters.items() if "Default" not in about}
        assert required <= given <= parameters.keys()
        assert "CAPABILITY_NAMED_IAM" in command


def test_a_query_shows_the_accounts_whose_role_was_not_made() -> None:
    (query,) = re.findall(r"--query '(Summaries\[\?.*)'", CODE)
    states = (("111122223333", "SUCCEEDED"), ("444455556666", "FAILED"))
    answer = [{"Account": account, "StackInstanceStatus": {"DetailedStatus": state}} for account, state in states]
    assert jmespath.search(query, {"Summaries": answer}) == [["444455556666", "FAILED", None]]


def test_every_template_is_in_the_guide() -> None:
    used = set(re.findall(r"cloudformation/([a-z-]+\.yaml)", GUIDE))
    assert used == {path.name for path in (ROOT / "deploy/iam/cloudformation").glob("*.yaml")}


def test_modules_are_given_what_they_take() -> None:
    used = set()
    for module in hcl2.loads(block("hcl"))["module"]:
        ((_, given),) = module.items()
        (name,) = re.findall(r"/aws-support-exporter/deploy/iam/terraform/([a-z-]+)", given["source"])
        used.add(name)
        variables = {
            variable.strip('"'): about
            for each in hcl2.loads((MODULES / name / "variables.tf").read_text())["variable"]
            for variable, about in each.items()
        }
        required = {variable for variable, about in variables.items() if "default" not in about}
        own = {key for key in given if not key.startswith("__")} - {"source", "providers"}
        assert required <= own <= variables.keys()
    assert used == {path.parent.name for path in MODULES.glob("*/main.tf")}


def test_its_values_install_an_exporter_with_a_valid_configuration(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(named(Helm4().render(yaml.safe_load(block("yaml"))), "ConfigMap")["data"]["config.yaml"])
    ended = run_exporter(["--config.check", f"--config.file={path}"])
    assert (ended.returncode, ended.stderr) == (0, "")
    assert yaml.safe_load(path.read_text())["organizations"][0]["role_arn"].endswith(":role/AwsSupportExporterDiscovery")
