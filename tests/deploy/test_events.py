"""The templates of the queue and of what sends to it fit each other, the document, and what the exporter takes."""

import json
import re
from fnmatch import fnmatch

import pytest

from exporter.aws.events import content_of
from exporter.cases.events import Event
from exporter.config.types import region_of_queue
from tests.deploy.test_iam import EVENTS, EXPORTER, POLICIES, RuleBroken, Template, named
from tests.support.tools import ROOT

TEMPLATES = {name: ROOT / f"deploy/events/cloudformation/{name}.yaml" for name in ("queue", "sender")}
MODULES = {path.parent.name: path for path in (ROOT / "deploy/events/terraform").glob("*/main.tf")}
ORGANIZATION = {"OrganizationId": "o-abcdefghij"}
SENDER = "AwsSupportEventsSender"
DOCUMENT = (ROOT / "docs/events.md").read_text()


def sender(*arns: str) -> Template:
    return Template(TEMPLATES["sender"], {"QueueArns": ",".join(arns)})


def arn(shard: int = 0) -> str:
    return f"arn:aws:sqs:us-east-1:999988887777:aws-support-events-{shard}"


def test_only_the_senders_role_of_the_organization_may_send_and_only_the_exporter_receive() -> None:
    (send,) = Template(TEMPLATES["queue"], ORGANIZATION).properties("QueuePolicy")["PolicyDocument"]["Statement"]
    assert (send["Principal"], send["Action"]) == ("*", "sqs:SendMessage")
    assert send["Condition"] == {
        "StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"},
        "ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::*:role/{SENDER}"},
    }
    assert sender(arn()).properties("Role")["RoleName"] == SENDER
    told, _ = json.loads(re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)[0])["Statement"]
    assert told["Condition"].keys() == send["Condition"].keys()
    assert told["Condition"]["ArnLike"]["aws:PrincipalArn"].endswith(f":role/{SENDER}")

    given = ORGANIZATION | {"ExporterRoleArn": EXPORTER}
    _, receive = Template(TEMPLATES["queue"], given).properties("QueuePolicy")["PolicyDocument"]["Statement"]
    (own,) = POLICIES["events"]["Statement"]
    assert receive["Principal"] == {"AWS": EXPORTER}
    assert (receive["Sid"], receive["Action"], set(own["Action"])) == (own["Sid"], own["Action"], EVENTS)
    for partition in ("aws", "aws-us-gov"):
        assert fnmatch(f"arn:{partition}:sqs:us-gov-west-1:999988887777:aws-support-events-0", own["Resource"])


def test_templates_and_modules_name_the_same_actions_roles_and_queue() -> None:
    for name, template in TEMPLATES.items():
        text, made = MODULES[name].read_text(), template.read_text()
        assert named(text) == named(made)
        for setting in ("aws:PrincipalOrgID", "aws:PrincipalArn", "Support Case Update", "900"):
            assert (setting in text) == (setting in made), setting
        defaults = MODULES[name].with_name("variables.tf").read_text()
        assert set(re.findall(rf"{SENDER}|aws-support-events\b", defaults)) <= set(re.findall(r"[\w-]+", made))
    assert named(DOCUMENT) == EVENTS | {"sqs:SendMessage"}
    assert "sender.yaml" in MODULES["sender-stack-set"].read_text()
    assert [module for module in MODULES if f"`{module}`" not in DOCUMENT] == []


def test_old_messages_are_dropped_and_all_are_encrypted() -> None:
    properties = Template(TEMPLATES["queue"], ORGANIZATION).properties("Queue")
    assert (properties["MessageRetentionPeriod"], properties["SqsManagedSseEnabled"]) == (900, True)


def test_the_rule_sends_all_events_that_the_exporter_takes_and_no_others() -> None:
    pattern = sender(arn()).properties("Rule")["EventPattern"]
    assert pattern == {"source": ["aws.support"], "detail-type": ["Support Case Update"]}, "an origin would lose most"
    assert json.dumps(pattern) in DOCUMENT
    event = {"account": "111122223333", "detail-type": pattern["detail-type"][0]}
    assert isinstance(content_of(json.dumps(event)), Event)


@pytest.mark.parametrize("shards", [1, 2, 5])
def test_each_shards_queue_is_sent_to_with_the_role(shards: int) -> None:
    arns = [arn(shard) for shard in range(shards)]
    targets = sender(*arns).properties("Rule")["Targets"]
    assert [(target["Arn"], target["RoleArn"]) for target in targets] == [(each, "Role.Arn") for each in arns]
    assert len({target["Id"] for target in targets}) == shards
    (policy,) = sender(*arns).properties("Role")["Policies"]
    assert policy["PolicyDocument"]["Statement"][0]["Resource"] == arns


def test_there_are_no_more_queues_than_a_rule_has_targets() -> None:
    with pytest.raises(RuleBroken):
        sender(*map(arn, range(6)))


def test_the_document_names_queues_in_the_region_of_the_events() -> None:
    urls = re.findall(r"https://sqs\S+/aws-support-events", DOCUMENT)
    assert {region_of_queue(url) for url in urls} == {"us-east-1", "us-gov-west-1"}
