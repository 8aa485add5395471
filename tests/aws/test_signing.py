"""What is signed here carries the signature that botocore computes by itself."""

from datetime import UTC, datetime
from typing import Any

import boto3
import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.client import BaseClient
from botocore.credentials import Credentials
from botocore.exceptions import ParamValidationError
from hypothesis import given
from hypothesis import strategies as st

from exporter.aws.signing import never_send, unsigned_request

NOW = 1_790_000_000.0
LASTING = Credentials("AKIAEXAMPLE", "secret")
TEMPORARY = Credentials("ASIAEXAMPLE", "secret", "a/token+with=odd {time} characters")

SUPPORT = ("support", "us-east-1", "DescribeCases", {"includeCommunications": True, "maxResults": 100})
STS = ("sts", "eu-west-1", "AssumeRole", {"RoleArn": "arn:aws:iam::111122223333:role/R+é", "RoleSessionName": "test"})
ORGANIZATIONS = ("organizations", "us-east-1", "ListAccounts", {"NextToken": "a b/c"})


def client_of(service: str, region: str, url: str | None = None) -> BaseClient:
    session: Any = boto3.session.Session("none", "none")
    client: BaseClient = session.client(service, region_name=region, endpoint_url=url)
    never_send(client, service)
    return client


def signed_by_botocore(request: AWSPreparedRequest, credentials: Credentials, service: str, region: str) -> dict[str, str]:
    """Sign what was sent once more, from nothing."""
    added = {"Authorization", "X-Amz-Date", "X-Amz-Security-Token", "Host"}
    headers = {name: value for name, value in request.headers.items() if name not in added}
    again = AWSRequest("POST", request.url, headers=headers, data=request.body)
    SigV4Auth(credentials, service, region).add_auth(again)
    return dict(again.headers.items())


@pytest.mark.parametrize("credentials", [LASTING, TEMPORARY], ids=["lasting", "temporary"])
@pytest.mark.parametrize("url", [None, "http://127.0.0.1:4566", "https://aws.example:443/proxy//to aws/", "http://[::1]:8080"])
@pytest.mark.parametrize("call", [SUPPORT, STS, ORGANIZATIONS], ids=lambda call: call[0])
def test_a_request_carries_the_signature_that_botocore_computes(
    call: tuple[str, str, str, dict[str, object]], url: str | None, credentials: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, region, operation, parameters = call
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: datetime.fromtimestamp(NOW, UTC))
    unsigned = unsigned_request(client_of(service, region, url), operation, parameters, temporary=bool(credentials.token))
    request = unsigned.signed(credentials, NOW, 20.0)

    expected = signed_by_botocore(request, credentials, service, region)

    assert request.headers["Authorization"] == expected["Authorization"]
    assert request.headers["X-Amz-Date"] == expected["X-Amz-Date"]
    assert request.headers.get("X-Amz-Security-Token") == credentials.token
    assert "/us-east-1/" in expected["Authorization"] if service != "sts" else f"/{region}/" in expected["Authorization"]


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1), st.floats(0, 4e9))
def test_one_request_serves_every_credential_and_moment(token: str, now: float) -> None:
    unsigned = REQUEST
    credentials = Credentials("ASIAEXAMPLE", "secret", token)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.auth, "get_current_datetime", lambda: datetime.fromtimestamp(now, UTC))
        request = unsigned.signed(credentials, now, 20.0)
        expected = signed_by_botocore(request, credentials, "support", "us-east-1")

    assert request.headers["Authorization"] == expected["Authorization"]
    assert request.body == unsigned.body


REQUEST = unsigned_request(client_of("support", "us-east-1"), "DescribeCases", {"maxResults": 100}, temporary=True)


def test_a_client_sends_nothing_by_itself() -> None:
    # To a port at which nobody listens: were it sent, it would fail.
    client: Any = client_of("support", "us-east-1", "http://127.0.0.1:1")

    assert "Captured" in client.describe_cases()


def test_the_host_is_signed_as_it_is_sent() -> None:
    unsigned = unsigned_request(
        client_of("support", "us-east-1", "https://aws.example:443"), "DescribeCases", {}, temporary=False
    )

    assert unsigned.headers["Host"] == "aws.example"
    assert "\nhost:aws.example\n" in unsigned.canonical


def test_parameters_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ParamValidationError):
        unsigned_request(client_of("support", "us-east-1"), "DescribeCases", {"maxResults": "many"}, temporary=True)
