"""The guide to AWS access can be followed: its templates, modules and parameters exist. tests/docs runs its commands."""

import re

import hcl2
import jmespath  # type: ignore[import-untyped]  # it has no types

from tests.deploy.test_iam import template
from tests.docs.test_documents import commands, parts
from tests.support.tools import ROOT

GUIDE = ROOT / "docs/iam.md"
IAM = ROOT / "deploy/iam"
COMMANDS = [command for command in commands(GUIDE) if command.startswith("aws cloudformation")]


def test_commands_give_templates_what_they_take_and_every_template_is_in_the_guide() -> None:
    used = set()
    for command in COMMANDS:
        if path := re.search(r"--template-(?:file |body file://)(\S+)", command):
            used.add(ROOT / path[1])
            assert ("--profile cluster" in command) is ("exporter-role" in command), "the others are for the management account"
            parameters = template(ROOT / path[1])["Parameters"]
            _, _, options = command.partition("--parameter")
            given = {key or name for key, name in re.findall(r"ParameterKey=(\w+)|(?<= )(\w+)=", options)}
            required = {name for name, about in parameters.items() if "Default" not in about}
            assert required <= given <= parameters.keys()
            assert "CAPABILITY_NAMED_IAM" in command
    assert used == set((IAM / "cloudformation").glob("*.yaml"))


def test_a_query_shows_the_accounts_whose_role_was_not_made() -> None:
    (query,) = re.findall(r"--query '(Summaries\[\?.*)'", "\n".join(COMMANDS))
    states = (("111122223333", "SUCCEEDED"), ("444455556666", "FAILED"))
    answer = [{"Account": account, "StackInstanceStatus": {"DetailedStatus": state}} for account, state in states]
    assert jmespath.search(query, {"Summaries": answer}) == [["444455556666", "FAILED", None]]


def test_modules_are_given_what_they_take() -> None:
    used = set()
    (text,) = parts(GUIDE, "hcl")
    for module in hcl2.loads(text)["module"]:
        ((_, given),) = module.items()
        (name,) = re.findall(r"/aws-support-exporter/deploy/iam/terraform/([a-z-]+)", given["source"])
        used.add(name)
        declared = hcl2.loads((IAM / f"terraform/{name}/variables.tf").read_text())["variable"]
        variables = {variable.strip('"'): about for each in declared for variable, about in each.items()}
        required = {variable for variable, about in variables.items() if "default" not in about}
        own = {key for key in given if not key.startswith("__")} - {"source", "providers"}
        assert required <= own <= variables.keys()
    assert used == {path.parent.name for path in IAM.glob("terraform/*/main.tf")}
