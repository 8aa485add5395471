"""The templates of the queue and of what sends to it fit each other, the document, and what the exporter takes."""

import json
import re
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]  # it has no types

from exporter.aws.events import content_of
from exporter.cases.events import Event
from exporter.config.types import region_of_queue
from tests.support.tools import ROOT

TEMPLATES = {name: ROOT / f"deploy/events/cloudformation/{name}.yaml" for name in ("queue", "sender")}
DOCUMENT = (ROOT / "docs/events.md").read_text()


def template(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(json.dumps(cfn_yaml.load(str(TEMPLATES[name]))))
    return loaded


def test_only_the_senders_role_of_the_organization_may_send() -> None:
    queue, sender = template("queue"), template("sender")
    (statement,) = queue["Resources"]["QueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == "sqs:SendMessage"
    assert statement["Condition"]["StringEquals"] == {"aws:PrincipalOrgID": {"Ref": "OrganizationId"}}
    assert queue["Parameters"]["SenderRoleName"]["Default"] == sender["Parameters"]["RoleName"]["Default"]
    (told,) = json.loads(re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)[0])["Statement"]
    assert told["Condition"].keys() == statement["Condition"].keys()
    assert told["Condition"]["ArnLike"]["aws:PrincipalArn"].endswith(f":role/{sender['Parameters']['RoleName']['Default']}")


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
    assert properties["Targets"][0]["RoleArn"], "a queue of another account is sent to with a role"


@pytest.mark.parametrize("url", re.findall(r"https://sqs\S+/aws-support-events", DOCUMENT))
def test_the_document_names_queues_in_the_region_of_the_events(url: str) -> None:
    assert region_of_queue(url) == "us-east-1"
