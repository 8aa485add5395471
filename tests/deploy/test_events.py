"""The templates of the queue and of what sends to it fit each other, the document, and what the exporter takes."""

import json
import re
from fnmatch import fnmatch
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]  # it has no types

from exporter.aws.events import content_of
from exporter.cases.events import Event
from exporter.config.types import region_of_queue
from tests.deploy.test_iam import EVENTS, EXPORTER, POLICIES, RuleBroken, Template, actions, named
from tests.support.tools import ROOT

TEMPLATES = {name: ROOT / f"deploy/events/cloudformation/{name}.yaml" for name in ("queue", "sender")}
MODULES = {path.parent.name: path for path in (ROOT / "deploy/events/terraform").glob("*/main.tf")}
SEND = "sqs:SendMessage"
DOCUMENT = (ROOT / "docs/events.md").read_text()


def template(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(json.dumps(cfn_yaml.load(str(TEMPLATES[name]))))
    return loaded


def test_only_the_senders_role_of_the_organization_may_send() -> None:
    queue, sender = template("queue"), template("sender")
    statement, _ = queue["Resources"]["QueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == "sqs:SendMessage"
    assert statement["Condition"]["StringEquals"] == {"aws:PrincipalOrgID": {"Ref": "OrganizationId"}}
    assert queue["Parameters"]["SenderRoleName"]["Default"] == sender["Parameters"]["RoleName"]["Default"]
    told, _ = json.loads(re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)[0])["Statement"]
    assert told["Condition"].keys() == statement["Condition"].keys()
    assert told["Condition"]["ArnLike"]["aws:PrincipalArn"].endswith(f":role/{sender['Parameters']['RoleName']['Default']}")


def test_the_exporter_may_receive_where_it_is_named_and_only_what_its_policy_says() -> None:
    given = {"OrganizationId": "o-abcdefghij"}
    policy = Template(TEMPLATES["queue"], given).properties("QueuePolicy")["PolicyDocument"]
    assert actions(policy) == {SEND}
    policy = Template(TEMPLATES["queue"], given | {"ExporterRoleArn": EXPORTER}).properties("QueuePolicy")["PolicyDocument"]
    _, receive = policy["Statement"]
    (own,) = POLICIES["events"]["Statement"]
    assert receive["Principal"] == {"AWS": EXPORTER}
    assert (receive["Sid"], receive["Action"], set(own["Action"])) == (own["Sid"], own["Action"], EVENTS)


def test_templates_and_modules_name_the_same_actions_roles_and_queue() -> None:
    for name, module in (("queue", "queue"), ("sender", "sender")):
        text, made = MODULES[module].read_text(), TEMPLATES[name].read_text()
        assert named(text) == named(made)
        for setting in ("aws:PrincipalOrgID", "aws:PrincipalArn", "Support Case Update", "900"):
            assert (setting in text) == (setting in made), setting
        assert set(
            re.findall(r"AwsSupportEventsSender|aws-support-events\b", MODULES[module].with_name("variables.tf").read_text())
        ) <= set(re.findall(r"AwsSupportEventsSender|aws-support-events\b", made))
    assert named(DOCUMENT) == EVENTS | {SEND}
    assert "sender.yaml" in MODULES["sender-stack-set"].read_text()
    for module in MODULES:
        assert f"`{module}`" in DOCUMENT


def test_old_messages_are_dropped_and_all_are_encrypted() -> None:
    properties = template("queue")["Resources"]["Queue"]["Properties"]
    assert (properties["MessageRetentionPeriod"], properties["SqsManagedSseEnabled"]) == (900, True)


def test_the_rule_sends_all_events_that_the_exporter_takes_and_no_others() -> None:
    properties = template("sender")["Resources"]["Rule"]["Properties"]
    pattern = properties["EventPattern"]
    assert pattern == {"source": ["aws.support"], "detail-type": ["Support Case Update"]}, "an origin would lose most"
    assert json.dumps(pattern) in DOCUMENT
    event = {"account": "111122223333", "detail-type": pattern["detail-type"][0]}
    assert isinstance(content_of(json.dumps(event)), Event)


@pytest.mark.parametrize("shards", [1, 2, 5])
def test_each_shards_queue_is_sent_to_with_the_role(shards: int) -> None:
    arns = [f"arn:aws:sqs:us-east-1:999988887777:aws-support-events-{shard}" for shard in range(shards)]
    sender = Template(TEMPLATES["sender"], {"QueueArns": ",".join(arns)})
    targets = sender.properties("Rule")["Targets"]
    assert [(target["Arn"], target["RoleArn"]) for target in targets] == [(arn, "Role.Arn") for arn in arns]
    assert len({target["Id"] for target in targets}) == shards
    (policy,) = sender.properties("Role")["Policies"]
    assert policy["PolicyDocument"]["Statement"][0]["Resource"] == arns


def test_there_are_no_more_queues_than_a_rule_has_targets() -> None:
    arns = ["arn:aws:sqs:us-east-1:999988887777:aws-support-events"] * 6
    with pytest.raises(RuleBroken):
        Template(TEMPLATES["sender"], {"QueueArns": ",".join(arns)})


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov"])
def test_the_policy_covers_the_queues_of_each_partition(partition: str) -> None:
    (statement,) = POLICIES["events"]["Statement"]
    assert fnmatch(f"arn:{partition}:sqs:us-gov-west-1:999988887777:aws-support-events-0", statement["Resource"])


@pytest.mark.parametrize("url", re.findall(r"https://sqs\S+/aws-support-events", DOCUMENT))
def test_the_document_names_queues_in_the_region_of_the_events(url: str) -> None:
    assert region_of_queue(url) in {"us-east-1", "us-gov-west-1"}
