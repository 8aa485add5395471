"""Policies, templates, modules, documents and code name the same actions; the templates trust whom they are told to."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml
from botocore.loaders import Loader

from exporter.cases.advice import advice
from exporter.cases.model import Reason
from tests.support.tools import ROOT

IAM = ROOT / "deploy/iam"
TEMPLATES = {path.stem: path for path in sorted((IAM / "cloudformation").glob("*.yaml"))}
POLICIES = {path.stem: json.loads(path.read_text()) for path in (IAM / "policies").glob("*.json")}
MODULES = {"member-role": "member", "exporter-role": "exporter", "organization-reader": "organization-reader"}  # Terraform's
TAG = "sts:TagSession"  # called by nobody: what AWS asks for when a session has tags
WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"  # what the pod's service account does to get the exporter's own role
QUOTED = set(re.findall(r'"(\w+)"', "".join(path.read_text() for path in (ROOT / "exporter/aws").glob("*.py"))))
NEEDED = {
    f"{service}:{name.removesuffix('Batch')}"  # in IAM a batch of messages is what one is
    for service in ("support", "sts", "organizations", "sqs")
    for name in QUOTED & Loader().load_service_model(service, "service-2")["operations"].keys() - {"GetCallerIdentity"}
}
EVENTS = {"sqs:ReceiveMessage", "sqs:DeleteMessage"}

EXPORTER = "arn:aws:iam::111122223333:role/aws-support-exporter"
ISSUER = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
CLUSTER = "arn:aws:eks:eu-west-1:111122223333:cluster/main"
PARAMETERS = {
    "member-role": {"TrustedPrincipalArn": EXPORTER},
    "organization-reader": {"TrustedPrincipalArn": EXPORTER},
    "exporter-role-irsa": {"OidcIssuer": ISSUER},
    "exporter-role-pod-identity": {"ClusterArn": CLUSTER},
}
POLICY_OF = {name: "exporter" if name.startswith("exporter") else name.removesuffix("-role") for name in PARAMETERS}

_NOTHING = object()


class LongForms(yaml.SafeLoader):
    """Reads a template with `!Ref x` as `{Ref: x}`, and `!Sub x` as `{Fn::Sub: x}`."""


def long_form(loader: LongForms, name: str, node: yaml.ScalarNode | yaml.SequenceNode) -> dict[str, Any]:
    argument = node.value if isinstance(node, yaml.ScalarNode) else loader.construct_sequence(node, deep=True)
    return {name if name == "Ref" else f"Fn::{name}": argument}


LongForms.add_multi_constructor("!", long_form)


def template(path: Path) -> Any:  # noqa: ANN401 - whatever it has
    return yaml.load(path.read_text(), LongForms)  # noqa: S506 - it is a safe one


class RuleBroken(Exception):  # noqa: N818 - it is CloudFormation's word
    """A rule of the template refuses the parameters."""


class Template:
    """What a template makes of its parameters, with CloudFormation's functions as far as it uses them."""

    def __init__(self, path: Path, parameters: Mapping[str, str], partition: str = "aws") -> None:
        self._template = template(path)
        declared = self._template["Parameters"]
        given = {name: about["Default"] for name, about in declared.items() if "Default" in about} | dict(parameters)
        assert given.keys() == declared.keys()
        for name, value in given.items():
            if not re.fullmatch(declared[name].get("AllowedPattern", ".*"), value):
                raise RuleBroken(f"{name}: {value!r} does not match")
        self._values = given | {"AWS::AccountId": "111122223333", "AWS::Partition": partition, "AWS::NoValue": _NOTHING}
        for rule in self._template.get("Rules", {}).values():
            for assertion in rule["Assertions"]:
                if not self._resolve(assertion["Assert"]):
                    raise RuleBroken(assertion["AssertDescription"])

    def properties(self, resource: str) -> Any:  # noqa: ANN401 - a dictionary, but for what is in it
        return self._resolve(self._template["Resources"][resource]["Properties"])

    def _resolve(self, node: Any) -> Any:  # noqa: ANN401, C901, PLR0911 - any part; one return a function
        if isinstance(node, list):
            return [value for value in map(self._resolve, node) if value is not _NOTHING]
        if not isinstance(node, dict):
            return node
        match list(node.items()):
            case [("Ref", name)]:
                return self._values.get(name, name)
            case [("Fn::Sub", text)]:
                return re.sub(r"\$\{([\w:]+)\}", lambda name: str(self._values[name[1]]), text)
            case [("Fn::If", [condition, yes, no])]:
                return self._resolve(yes if self._resolve(self._template["Conditions"][condition]) else no)
            case [("Fn::Equals", [one, other])]:
                return self._resolve(one) == self._resolve(other)
            case [("Fn::Not", [condition])]:
                return not self._resolve(condition)
            case [("Fn::Or", conditions)]:
                return any(map(self._resolve, conditions))
            case [("Fn::GetAtt", path)]:
                return path
            case [("Fn::Split", [separator, text])]:
                return self._resolve(text).split(separator)
            case [("Fn::Select", [index, items])]:
                return self._resolve(items)[index]
        resolved = {key: self._resolve(value) for key, value in node.items()}
        return {key: value for key, value in resolved.items() if value is not _NOTHING}


def actions(document: dict[str, Any]) -> set[str]:
    """Return the actions that a policy allows."""
    assert {statement["Effect"] for statement in document["Statement"]} == {"Allow"}
    each = (statement["Action"] for statement in document["Statement"])
    return {action for given in each for action in ([given] if isinstance(given, str) else given)}


def named(text: str) -> set[str]:
    """Return the actions that a text names."""
    return set(re.findall(r"\b((?:iam|organizations|sqs|sts|support):[A-Z]\w*)", text)) - {"sts:ExternalId"}


def role(template: str, parameters: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the properties of a template's role, with its trust read."""
    properties = Template(TEMPLATES[template], parameters or PARAMETERS[template]).properties("Role")
    trust = properties["AssumeRolePolicyDocument"]
    return {**properties, "Trust": json.loads(trust) if isinstance(trust, str) else trust}


def test_policies_and_templates_allow_exactly_what_the_code_calls() -> None:
    granted = [action for policy in POLICIES.values() for action in actions(policy)]
    assert sorted(granted) == sorted(NEEDED | {TAG}), "an action is in one policy alone"
    assert TEMPLATES.keys() == PARAMETERS.keys()
    for name, policy in POLICY_OF.items():
        assert [each["PolicyDocument"] for each in role(name)["Policies"]] == [POLICIES[policy]]


@pytest.mark.parametrize(("module", "name"), MODULES.items())
def test_terraform_allows_and_trusts_by_exactly_the_actions_that_policies_and_templates_do(module: str, name: str) -> None:
    texts = {path.parent.name: path.read_text() for path in IAM.glob("terraform/*/main.tf")}
    assert {name for name, text in texts.items() if '"aws_iam_role" ' in text} == MODULES.keys()
    text = texts[module]
    (found,) = [each['"aws_iam_role_policy"'] for each in hcl2.loads(text)["resource"] if '"aws_iam_role_policy"' in each]
    (attributes,) = found.values()
    assert named(str(attributes["policy"])) == actions(POLICIES[name])
    sids = [statement["Sid"] for statement in POLICIES[name]["Statement"]]
    assert re.findall(r'Sid = "(\w+)"', str(attributes["policy"])) == sids
    trusted = set().union(*(actions(role(template)["Trust"]) for template, policy in POLICY_OF.items() if policy == name))
    assert TAG in trusted, "session tags are let in"
    assert named(text) == trusted | actions(POLICIES[name])


def test_documents_name_the_same_actions() -> None:
    assert named((ROOT / "docs/iam.md").read_text()) == NEEDED | {TAG, WEB_IDENTITY}
    assert named("".join(advice(reason, "") for reason in Reason)) <= NEEDED


@pytest.mark.parametrize("external_id", ["", "example"])
@pytest.mark.parametrize(
    ("template", "parameters", "principal", "condition"),
    [
        ("organization-reader", {"TrustedPrincipalArn": EXPORTER}, EXPORTER, {}),
        ("member-role", {"TrustedPrincipalArn": EXPORTER}, EXPORTER, {"ArnLike": {"aws:PrincipalArn": EXPORTER}}),
        (
            "member-role",
            {"TrustedAccountId": "111122223333", "TrustedRoleName": "x/Own", "OrganizationId": "o-abcdefghij"},
            "111122223333",
            {
                "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/x/Own"},
                "StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"},
            },
        ),
    ],
)
def test_a_role_trusts_whom_it_is_told_to(
    template: str, parameters: dict[str, str], principal: str, condition: dict[str, dict[str, str]], external_id: str
) -> None:
    given = parameters | ({"ExternalId": external_id} if external_id else {})
    assume, tag = role(template, given)["Trust"]["Statement"]
    with_id = {**condition, "StringEquals": {**condition.get("StringEquals", {}), "sts:ExternalId": external_id}}
    for statement, action, wanted in ((assume, "sts:AssumeRole", with_id if external_id else condition), (tag, TAG, condition)):
        assert (statement["Principal"], statement["Action"]) == ({"AWS": principal}, action)
        assert statement.get("Condition", {}) == wanted


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"TrustedAccountId": "111122223333", "OrganizationId": "r-abcd"},
        {"TrustedPrincipalArn": "*"},
        {"TrustedAccountId": "*"},
        {"TrustedPrincipalArn": EXPORTER, "TrustedAccountId": "111122223333"},
    ],
)
def test_the_member_role_is_not_made_where_nobody_or_everybody_would_be_trusted(parameters: dict[str, str]) -> None:
    with pytest.raises(RuleBroken):
        Template(TEMPLATES["member-role"], parameters)


@pytest.mark.parametrize(
    ("issuer", "audience"),
    [
        (ISSUER, "sts.amazonaws.com"),
        ("rh-oidc.s3.us-east-1.amazonaws.com/2a3b4c5d6e7f", "openshift"),  # ROSA
        ("kubernetes.example.com:6443", "https://kubernetes.default.svc"),  # self-managed
    ],
)
def test_irsa_trusts_one_service_account_of_any_clusters_issuer(issuer: str, audience: str) -> None:
    (trust,) = role("exporter-role-irsa", {"OidcIssuer": issuer, "Audience": audience})["Trust"]["Statement"]
    assert trust["Action"] == WEB_IDENTITY
    assert trust["Principal"] == {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{issuer}"}
    subject = "system:serviceaccount:monitoring:aws-support-exporter"
    assert trust["Condition"] == {"StringEquals": {f"{issuer}:aud": audience, f"{issuer}:sub": subject}}
    with pytest.raises(RuleBroken):
        role("exporter-role-irsa", {"OidcIssuer": f"https://{issuer}"})


def test_pod_identity_trusts_one_service_account() -> None:
    (trust,) = role("exporter-role-pod-identity")["Trust"]["Statement"]
    assert (trust["Principal"], trust["Action"]) == ({"Service": "pods.eks.amazonaws.com"}, ["sts:AssumeRole", TAG])
    association = Template(TEMPLATES["exporter-role-pod-identity"], {"ClusterArn": CLUSTER}).properties("Association")
    asked = {key.removeprefix("aws:RequestTag/"): value for key, value in trust["Condition"]["StringEquals"].items()}
    assert asked["kubernetes-service-account"] == association["ServiceAccount"] == "aws-support-exporter"
    assert asked["kubernetes-namespace"] == association["Namespace"] == "monitoring"
    assert (asked["eks-cluster-arn"], association["ClusterName"]) == (CLUSTER, "main")


def test_the_exporter_may_leave_its_organization_and_communications_are_left_out_only_if_told_so() -> None:
    (policy,) = role("exporter-role-irsa", {"OidcIssuer": ISSUER, "OnlyOwnOrganization": "false"})["Policies"]
    (source,) = POLICIES["exporter"]["Statement"]
    assert source["Condition"] == {"StringEquals": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}}
    assert policy["PolicyDocument"]["Statement"] == [{key: value for key, value in source.items() if key != "Condition"}]
    (policy,) = role("member-role", {"TrustedPrincipalArn": EXPORTER, "ReadCommunications": "false"})["Policies"]
    assert actions(policy["PolicyDocument"]) == {"support:DescribeCases"}


def test_in_other_partitions_the_policy_names_roles_of_these() -> None:
    for partition in ("aws-us-gov", "aws-cn"):
        wanted = json.loads(json.dumps(POLICIES["exporter"]).replace("arn:aws:", f"arn:{partition}:"))
        for name in ("exporter-role-irsa", "exporter-role-pod-identity"):
            parameters = {key: value.replace("arn:aws:", f"arn:{partition}:") for key, value in PARAMETERS[name].items()}
            (policy,) = Template(TEMPLATES[name], parameters, partition).properties("Role")["Policies"]
            assert policy["PolicyDocument"] == wanted
        assert f"arn:{partition}:" in (ROOT / "docs/iam.md").read_text(), "which says so for the policy alone"


def test_every_role_takes_a_boundary_and_a_path() -> None:
    boundary = "arn:aws:iam::111122223333:policy/boundary"
    for name, parameters in PARAMETERS.items():
        assert "PermissionsBoundary" not in role(name)
        limited = role(name, parameters | {"PermissionsBoundaryArn": boundary, "RolePath": "/monitoring/"})
        assert (limited["PermissionsBoundary"], limited["Path"]) == (boundary, "/monitoring/")
