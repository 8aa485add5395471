"""The flow of credentials on a wire that is not ours: moto's server."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.e2e.conftest import StartExporter
from tests.support.page import Page
from tests.support.waiting import wait_until

A, B, C = "111111111111", "222222222222", "444444444444"
"""What moto holds outlives its server: the last one is of the test with events."""
OWN = {"aws_access_key_id": "own", "aws_secret_access_key": "own"}
EVENT = {
    "detail-type": "Support Case Update",
    "source": "aws.support",
    "account": C,
    "time": "2026-02-21T15:51:19Z",
    "detail": {"case-id": f"case-{C}-muen-2026-7118885805350839", "event-name": "CreateCase", "origin": ""},
}


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()


def client(service: str, url: str, keys: dict[str, str] = OWN) -> Any:  # noqa: ANN401 - boto3's clients have no types
    return boto3.client(service, region_name="us-east-1", endpoint_url=url, **keys)  # type: ignore[call-overload]  # as above


def environment(url: str) -> dict[str, str]:
    return {"AWS_ENDPOINT_URL": url, **{name.upper(): value for name, value in OWN.items()}}


def configuration(*account_ids: str, rest: str = "") -> str:
    accounts = (f'{{id: "{each}", role_arn: "arn:aws:iam::{each}:role/AwsSupportExporter"}}' for each in account_ids)
    return f"accounts: [{', '.join(accounts)}]\n{rest}"


def open_cases(url: str, account_id: str, count: int) -> None:
    role = f"arn:aws:iam::{account_id}:role/Seed"
    issued = client("sts", url).assume_role(RoleArn=role, RoleSessionName="seed")["Credentials"]
    names = {
        "aws_access_key_id": "AccessKeyId",
        "aws_secret_access_key": "SecretAccessKey",
        "aws_session_token": "SessionToken",
    }
    support = client("support", url, {name: issued[key] for name, key in names.items()})
    for number in range(count):
        support.create_case(subject=f"case {number}", communicationBody="text", severityCode="low", serviceCode="general-info")


def test_accounts_and_tags_come_from_an_organization_that_tells_no_units(url: str, start: StartExporter) -> None:
    organizations = client("organizations", url)
    organizations.create_organization(FeatureSet="ALL")
    made = organizations.create_account(Email="a@example.com", AccountName="payments")["CreateAccountStatus"]["AccountId"]
    organizations.tag_resource(ResourceId=made, Tags=[{"Key": "CostCenter", "Value": "17"}, {"Key": "x", "Value": "y"}])
    exporter = start("aws: {role_name: R}\norganizations: [{name: acme, tags: [CostCenter]}]", environment(url))
    tagged = {"account_id": made, "account_name": "payments", "organizational_unit": "", "label_cost_center": "17"}
    exporter.wait_for(lambda text: Page(text).values("aws_support_account_info", **tagged) == [1])


def test_each_accounts_cases_are_read_with_its_own_credentials(url: str, start: StartExporter) -> None:
    open_cases(url, A, 3)
    open_cases(url, B, 5)
    page = start(configuration(A, B), environment(url)).first_page()
    # moto moves a case on with every reading, so that only a first reading can be counted.
    assert page.by_account("aws_support_open_cases") == {A: 3, B: 5}


def test_an_event_has_its_account_read_at_once_and_is_deleted(url: str, start: StartExporter) -> None:
    sqs = client("sqs", url)
    queue = sqs.create_queue(QueueName="aws-support-events")["QueueUrl"]
    open_cases(url, C, 3)
    rest = f"poll: {{interval: 1h, max_staleness: 2h}}\nevents: {{queue_url: '{queue}'}}\n"
    exporter = start(configuration(C, rest=rest), environment(url))
    exporter.wait_for(lambda page: "aws_support_event_queue_up 1.0" in page)
    open_cases(url, C, 4)
    for message in (EVENT, {"foreign": True}, EVENT | {"account": "333333333333"}, EVENT | {"detail-type": "other"}):
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(message))
    page = Page(exporter.wait_for(lambda page: Page(page).total("aws_support_changes_seen_total") >= 4))
    assert page.total("aws_support_cases_opened_total", account_id=C) == 4
    # moto answers only after it has waited in vain for more; and what is ignored shows on the next page.
    exporter.wait_for(lambda text: Page(text).total("aws_support_events_ignored_total") == 3)
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def is_empty() -> bool | None:
        attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        return all(attributes[name] == "0" for name in names) or None

    wait_until(is_empty, 20, lambda: "not deleted")
