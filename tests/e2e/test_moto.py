"""The flow of credentials on a wire that is not ours: moto's server."""

import asyncio
import json
import os
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from exporter.aws.directory import Directory
from exporter.aws.endpoints import Endpoints
from exporter.aws.readers import ReaderOptions, Readers
from exporter.cases.model import Access, Member
from exporter.clock import SystemClock
from tests.e2e.conftest import StartExporter
from tests.support.log import Log
from tests.support.page import Page
from tests.support.waiting import wait_until

A, B, C = "111111111111", "222222222222", "444444444444"
CONFIG = f"""
accounts:
  - {{id: "{A}", role_arn: "arn:aws:iam::{A}:role/AwsSupportExporter"}}
  - {{id: "{B}", role_arn: "arn:aws:iam::{B}:role/AwsSupportExporter"}}
"""


@pytest.fixture
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def open_cases(url: str, account_id: str, count: int) -> None:
    own = {"aws_access_key_id": "own", "aws_secret_access_key": "own", "region_name": "us-east-1", "endpoint_url": url}
    sts = boto3.client("sts", **own)  # type: ignore[call-overload]  # the overloads want each argument by itself
    issued = sts.assume_role(RoleArn=f"arn:aws:iam::{account_id}:role/Seed", RoleSessionName="seed")["Credentials"]
    support = boto3.client(
        "support",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id=issued["AccessKeyId"],
        aws_secret_access_key=issued["SecretAccessKey"],
        aws_session_token=issued["SessionToken"],
    )
    for number in range(count):
        support.create_case(subject=f"case {number}", communicationBody="text", severityCode="low", serviceCode="general-info")


def test_tags_come_from_an_organization_that_tells_no_units(
    moto_url: str, start: StartExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {"aws_access_key_id": "own", "aws_secret_access_key": "own", "region_name": "us-east-1", "endpoint_url": moto_url}
    organizations = boto3.client("organizations", **own)  # type: ignore[call-overload]  # as below
    organizations.create_organization(FeatureSet="ALL")
    root = organizations.list_roots()["Roots"][0]["Id"]
    unit = organizations.create_organizational_unit(ParentId=root, Name="Prod")["OrganizationalUnit"]["Id"]
    made = organizations.create_account(Email="a@example.com", AccountName="payments")["CreateAccountStatus"]["AccountId"]
    organizations.move_account(AccountId=made, SourceParentId=root, DestinationParentId=unit)
    organizations.tag_resource(ResourceId=made, Tags=[{"Key": "CostCenter", "Value": "17"}, {"Key": "x", "Value": "y"}])
    env = {"AWS_ENDPOINT_URL": moto_url, "AWS_ACCESS_KEY_ID": "own", "AWS_SECRET_ACCESS_KEY": "own"}
    config = "aws: {role_name: R}\norganizations: [{name: acme, tags: [CostCenter]}]"
    tagged = {"account_id": made, "account_name": "payments", "organizational_unit": "", "label_cost_center": "17"}
    start(config, env).wait_for(lambda text: Page(text).values("aws_support_account_info", **tagged) == [1])
    for name, value in {**env, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}.items():
        monkeypatch.setenv(name, value)
    assert asyncio.run(path_of(Member(made, "payments", (root, unit)))) == "Root/Prod", "as if the list told the units"


async def path_of(member: Member) -> str:
    readers = Readers(Endpoints(), lambda *_: None, clock=SystemClock(), random=lambda: 0.0, log=Log().logger)
    reader = readers.organization_reader("acme", Access(), ("us-east-1",), ReaderOptions("test", 3600))
    directory = Directory(reader, (60, 60), frozenset(), None)
    await directory.names.some(member.units[1:], 1)
    assert not directory.names.failed
    await readers.close()
    return directory.described([member])[0].path


def test_each_accounts_cases_are_read_with_its_own_credentials(moto_url: str, start: StartExporter) -> None:
    open_cases(moto_url, A, 3)
    open_cases(moto_url, B, 5)
    env = {"AWS_ENDPOINT_URL": moto_url, "AWS_ACCESS_KEY_ID": "own", "AWS_SECRET_ACCESS_KEY": "own"}
    page = start(CONFIG, env).first_page()
    # moto moves a case on with every reading, so that only a first reading can be counted.
    assert page.total("aws_support_open_cases", account_id=A) == 3
    assert page.total("aws_support_open_cases", account_id=B) == 5


OTHER_CONFIG = f"""
accounts:
  - {{id: "{C}", role_arn: "arn:aws:iam::{C}:role/AwsSupportExporter"}}
"""
"""Of an account of its own: what moto holds outlives its server."""
EVENT = {
    "version": "0",
    "id": "3433df00-9285-55a3-f6d1-536944be45d7",
    "detail-type": "Support Case Update",
    "source": "aws.support",
    "account": C,
    "time": "2026-02-21T15:51:19Z",
    "region": "us-east-1",
    "resources": [],
    "detail": {
        "case-id": f"case-{C}-muen-2026-7118885805350839",
        "display-id": "1234563851",
        "communication-id": "",
        "event-name": "CreateCase",
        "origin": "",
    },
}


def test_an_event_has_its_account_read_at_once_and_is_deleted(moto_url: str, start: StartExporter) -> None:
    own = {"aws_access_key_id": "own", "aws_secret_access_key": "own", "region_name": "us-east-1", "endpoint_url": moto_url}
    sqs = boto3.client("sqs", **own)  # type: ignore[call-overload]  # as above
    url = sqs.create_queue(QueueName="aws-support-events")["QueueUrl"]
    open_cases(moto_url, C, 3)
    env = {"AWS_ENDPOINT_URL": moto_url, "AWS_ACCESS_KEY_ID": "own", "AWS_SECRET_ACCESS_KEY": "own"}
    config = f"poll: {{interval: 1h, max_staleness: 2h}}\nevents: {{queue_url: '{url}'}}\n{OTHER_CONFIG}"
    exporter = start(config, env)
    exporter.wait_for(lambda page: "aws_support_event_queue_up 1.0" in page)
    open_cases(moto_url, C, 4)
    for message in (EVENT, {"foreign": True}, EVENT | {"account": "333333333333"}, EVENT | {"detail-type": "other"}):
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(message))
    text = exporter.wait_for(lambda page: Page(page).total("aws_support_changes_seen_total") >= 4)
    page = Page(text)
    assert page.total("aws_support_cases_opened_total", account_id=C) == 4
    # moto answers only after it has waited in vain for more; and what is ignored shows on the next page.
    exporter.wait_for(lambda text: Page(text).total("aws_support_events_ignored_total") == 3)
    wait_until(lambda: is_empty(sqs, url) or None, 20, lambda: "not deleted")


def is_empty(sqs: Any, url: str) -> bool:  # noqa: ANN401 - a boto3 client
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return all(attributes[name] == "0" for name in names)
