"""Policies, templates, modules, documents and code name the same actions; the templates trust whom they are told to."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import hcl2
import pytest
from botocore.loaders import Loader

from exporter.cases.advice import advice
from exporter.cases.model import Reason
from tests.support.cloudformation import RuleBroken, Template
from tests.support.tools import ROOT

IAM = ROOT / "deploy/iam"
TEMPLATES = {path.stem: path for path in sorted((IAM / "cloudformation").glob("*.yaml"))}
MODULES = {"member-role": "member", "exporter-role": "exporter", "organization-reader": "organization-reader"}
"""The Terraform modules that make a role, with the policy that it has."""

NEEDS_NO_PERMISSION = {"sts:GetCallerIdentity"}
CALLED_BY_NOBODY = {"sts:TagSession"}
"""What AWS asks for when a session has tags."""
OF_THE_CLUSTER = {"sts:AssumeRoleWithWebIdentity"}
"""What the pod's service account does to get the exporter's own role."""
_ACTION = re.compile(r"\b((?:iam|organizations|sts|support):[A-Z]\w*)")
_CONDITION_KEYS = {"sts:ExternalId"}

EXPORTER = "arn:aws:iam::111122223333:role/aws-support-exporter"
ISSUER = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
PARAMETERS = {
    "member-role": {"TrustedPrincipalArn": EXPORTER},
    "organization-reader": {"TrustedPrincipalArn": EXPORTER},
    "exporter-role-irsa": {"OidcIssuer": ISSUER},
    "exporter-role-pod-identity": {"ClusterName": "main"},
}
POLICY_OF = {name: "exporter" if name.startswith("exporter") else name.removesuffix("-role") for name in PARAMETERS}


def policy(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((IAM / f"policies/{name}.json").read_text())
    return document


def actions(document: dict[str, Any]) -> set[str]:
    """Return the actions that a policy allows."""
    granted: set[str] = set()
    for statement in document["Statement"]:
        assert statement["Effect"] == "Allow"
        granted |= {statement["Action"]} if isinstance(statement["Action"], str) else set(statement["Action"])
    return granted


def named(text: str) -> set[str]:
    """Return the actions that a text names."""
    return set(_ACTION.findall(text)) - _CONDITION_KEYS


def called(paths: Iterable[Path]) -> Iterator[str]:
    """Yield the AWS operations that modules name, as actions."""
    loader = Loader()
    services = {
        operation: service
        for service in ("support", "sts", "organizations")
        for operation in loader.load_service_model(service, "service-2")["operations"]
    }
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in services:
                yield f"{services[node.value]}:{node.value}"


NEEDED = set(called((ROOT / "exporter/aws").glob("*.py"))) - NEEDS_NO_PERMISSION


def module_policy(module: str) -> str:
    """Return the expression of the permissions that a Terraform module gives its role."""
    with (IAM / f"terraform/{module}/main.tf").open() as file:
        resources = hcl2.load(file)["resource"]
    (found,) = [each['"aws_iam_role_policy"'] for each in resources if '"aws_iam_role_policy"' in each]
    (attributes,) = found.values()
    return str(attributes["policy"])


def test_the_code_calls_what_is_known() -> None:
    assert {
        "support:DescribeCases",
        "support:DescribeCommunications",
        "sts:AssumeRole",
        "organizations:ListAccounts",
    } == NEEDED


def test_policies_allow_exactly_what_the_code_calls() -> None:
    granted = [actions(policy(path.stem)) for path in (IAM / "policies").glob("*.json")]
    assert set.union(*granted) == NEEDED | CALLED_BY_NOBODY
    assert sum(map(len, granted)) == len(set.union(*granted)), "an action is in one policy alone"


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_allow_exactly_what_the_policies_do(name: str) -> None:
    properties = Template(TEMPLATES[name], PARAMETERS[name]).properties("Role")
    assert [each["PolicyDocument"] for each in properties["Policies"]] == [policy(POLICY_OF[name])]


@pytest.mark.parametrize(("module", "name"), MODULES.items())
def test_terraform_allows_exactly_what_the_policies_do(module: str, name: str) -> None:
    assert named(module_policy(module)) == actions(policy(name))
    sids = [statement["Sid"] for statement in policy(name)["Statement"]]
    assert re.findall(r'Sid = "(\w+)"', module_policy(module)) == sids


@pytest.mark.parametrize(("module", "name"), MODULES.items())
def test_terraform_trusts_by_the_actions_that_the_templates_do(module: str, name: str) -> None:
    trusted: set[str] = set()
    for template in (template for template, its_policy in POLICY_OF.items() if its_policy == name):
        trust = Template(TEMPLATES[template], PARAMETERS[template]).properties("Role")["AssumeRolePolicyDocument"]
        trusted |= actions(json.loads(trust) if isinstance(trust, str) else trust)
    assert trusted & CALLED_BY_NOBODY, "session tags are let in"
    assert named((IAM / f"terraform/{module}/main.tf").read_text()) == trusted | actions(policy(name))


@pytest.mark.parametrize("external_id", [None, "example"])
def test_the_organization_reader_trusts_the_exporter_alone(external_id: str | None) -> None:
    parameters = {"TrustedPrincipalArn": EXPORTER} | ({"ExternalId": external_id} if external_id else {})
    trust = Template(TEMPLATES["organization-reader"], parameters).properties("Role")["AssumeRolePolicyDocument"]
    assume, tag = trust["Statement"]
    assert assume["Principal"] == tag["Principal"] == {"AWS": EXPORTER}
    asked = {"StringEquals": {"sts:ExternalId": external_id}} if external_id else None
    assert (assume.get("Condition"), tag.get("Condition")) == (asked, None)


def test_every_module_is_read() -> None:
    makes_roles = {path.parent.name for path in IAM.glob("terraform/*/main.tf") if '"aws_iam_role" ' in path.read_text()}
    assert makes_roles == MODULES.keys()
    assert TEMPLATES.keys() == PARAMETERS.keys()


def test_documents_name_the_same_actions() -> None:
    assert named((ROOT / "docs/iam.md").read_text()) == NEEDED | CALLED_BY_NOBODY | OF_THE_CLUSTER
    assert named((ROOT / "README.md").read_text()) == NEEDED
    assert named("".join(advice(reason, "") for reason in Reason)) <= NEEDED


def test_cfn_lint_finds_nothing() -> None:
    linter = Path(sys.executable).with_name("cfn-lint")
    found = subprocess.run([linter, *TEMPLATES.values()], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("parameters", "principal", "conditions"),
    [
        ({"TrustedPrincipalArn": EXPORTER}, EXPORTER, {"ArnLike": {"aws:PrincipalArn": EXPORTER}}),
        (
            {"TrustedPrincipalArn": EXPORTER, "ExternalId": "example"},
            EXPORTER,
            {"ArnLike": {"aws:PrincipalArn": EXPORTER}, "StringEquals": {"sts:ExternalId": "example"}},
        ),
        (
            {"OrganizationId": "o-abcdefghij", "ExternalId": "example"},
            "*",
            {
                "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/aws-support-exporter"},
                "StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij", "sts:ExternalId": "example"},
            },
        ),
        (
            {"TrustedPrincipalArn": EXPORTER, "OrganizationId": "o-abcdefghij"},
            EXPORTER,
            {"ArnLike": {"aws:PrincipalArn": EXPORTER}, "StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}},
        ),
    ],
    ids=["principal", "principal and external id", "organization and external id", "principal in organization"],
)
def test_the_member_role_trusts_whom_it_is_told_to(
    parameters: dict[str, str], principal: str, conditions: dict[str, dict[str, str]]
) -> None:
    trust = Template(TEMPLATES["member-role"], parameters).properties("Role")["AssumeRolePolicyDocument"]
    assume, tag = trust["Statement"]
    assert (assume["Principal"], assume["Action"], assume["Condition"]) == ({"AWS": principal}, "sts:AssumeRole", conditions)
    without_external_id = {
        operator: {key: value for key, value in keys.items() if key != "sts:ExternalId"}
        for operator, keys in conditions.items()
    }
    kept = {operator: keys for operator, keys in without_external_id.items() if keys}
    assert (tag["Principal"], tag["Action"], tag["Condition"]) == ({"AWS": principal}, "sts:TagSession", kept)


@pytest.mark.parametrize(
    "parameters",
    [{}, {"ExternalId": "example"}, {"OrganizationId": "r-abcd"}, {"TrustedPrincipalArn": "*"}],
    ids=["nobody", "anybody with an external id", "a unit", "everybody"],
)
def test_the_member_role_is_not_made_where_nobody_or_everybody_would_be_trusted(parameters: dict[str, str]) -> None:
    with pytest.raises(RuleBroken):
        Template(TEMPLATES["member-role"], parameters)


def test_irsa_trusts_one_service_account() -> None:
    properties = Template(TEMPLATES["exporter-role-irsa"], PARAMETERS["exporter-role-irsa"]).properties("Role")
    (statement,) = json.loads(properties["AssumeRolePolicyDocument"])["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Principal"] == {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{ISSUER}"}
    subject = "system:serviceaccount:monitoring:aws-support-exporter"
    assert statement["Condition"] == {"StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": subject}}


def test_pod_identity_trusts_one_service_account_and_is_associated_with_it() -> None:
    template = Template(TEMPLATES["exporter-role-pod-identity"], PARAMETERS["exporter-role-pod-identity"])
    (statement,) = template.properties("Role")["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert statement["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    association = template.properties("Association")
    asked = statement["Condition"]["StringEquals"]
    assert asked["aws:RequestTag/kubernetes-service-account"] == association["ServiceAccount"] == "aws-support-exporter"
    assert asked["aws:RequestTag/kubernetes-namespace"] == association["Namespace"] == "monitoring"
    assert asked["aws:RequestTag/eks-cluster-name"] == association["ClusterName"] == "main"
