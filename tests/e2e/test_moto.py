"""The flow of credentials on a wire that is not ours: moto's server."""

import asyncio
import os
from collections.abc import Iterator

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

A, B = "111111111111", "222222222222"
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
    directory.members = {member.account_id: member}
    assert (await directory.look_up(lambda _: True))[1] == []
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
