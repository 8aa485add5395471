"""The flow of credentials on a wire that is not ours: moto's server."""

from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.e2e.conftest import StartExporter

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


def test_each_accounts_cases_are_read_with_its_own_credentials(moto_url: str, start: StartExporter) -> None:
    open_cases(moto_url, A, 3)
    open_cases(moto_url, B, 5)
    env = {"AWS_ENDPOINT_URL": moto_url, "AWS_ACCESS_KEY_ID": "own", "AWS_SECRET_ACCESS_KEY": "own"}
    page = start(CONFIG, env).first_page()
    # moto moves a case on with every reading, so that only a first reading can be counted.
    assert page.total("aws_support_open_cases", account_id=A) == 3
    assert page.total("aws_support_open_cases", account_id=B) == 5
