from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from exporter.simulator.fleet import Fleet
from exporter.simulator.keys import AccessKey
from tests.simulator.conftest import Connect, Serve, code_of

HUB, SPOKE = "222233334444", "444455556666"


@pytest.fixture(autouse=True)
def _members(fleet: Fleet) -> None:
    fleet.add_account(HUB)
    fleet.add_account(SPOKE, external_id="right")


def role(account_id: str = HUB, name: str = "AwsSupportExporter", **parameters: object) -> dict[str, Any]:
    return {"RoleArn": f"arn:aws:iam::{account_id}:role/{name}", "RoleSessionName": "me", **parameters}


def key_of(fleet: Fleet, answer: dict[str, Any]) -> AccessKey:
    key = fleet.keys.find(answer["Credentials"]["AccessKeyId"])
    assert key is not None
    assert key.session_token == answer["Credentials"]["SessionToken"]
    return key


def test_roles_can_be_chained_for_an_hour(fleet: Fleet, connect: Connect) -> None:
    chained = connect("sts", key_of(fleet, connect("sts").assume_role(**role())))
    key = key_of(fleet, chained.assume_role(**role(SPOKE, ExternalId="right")))
    assert connect("sts", key).get_caller_identity()["Account"] == SPOKE
    fleet.account(HUB).roles["AwsSupportExporter"].max_session_seconds = 7200
    connect("sts").assume_role(**role(DurationSeconds=7200))
    assert code_of(chained.assume_role, **role(DurationSeconds=3601)) == "ValidationError"


def test_role_is_refused(fleet: Fleet, connect: Connect) -> None:
    fleet.add_account("555566667777", state="SUSPENDED")
    fleet.add_account("777788889999", trusts=False)
    client = connect("sts")
    roles = role(SPOKE), role(SPOKE, ExternalId="wrong"), role(name="Missing"), role("555566667777"), role("777788889999")
    for refused in roles:
        assert code_of(client.assume_role, **refused) == "AccessDenied", refused
    for invalid in (role("1234"), role(DurationSeconds=899), role(DurationSeconds=3601)):
        assert code_of(client.assume_role, **invalid) == "ValidationError", invalid


def test_unknown_keys_tokens_and_signatures_are_refused(fleet: Fleet, serve: Serve, connect: Connect) -> None:
    def refusals(key: AccessKey) -> tuple[str, str]:
        return code_of(connect("support", key).describe_cases), code_of(connect("sts", key).get_caller_identity)

    forged = replace(fleet.base_key, secret_access_key=fleet.base_key.secret_access_key[::-1])
    assert refusals(forged) == ("InvalidSignatureException", "SignatureDoesNotMatch")
    connect("support", forged, at=serve(verify_signatures=False)).describe_cases()
    unknown = replace(fleet.base_key, access_key_id="AKIA0000000000000000")
    assert refusals(unknown) == ("UnrecognizedClientException", "InvalidClientTokenId")
    key = key_of(fleet, connect("sts").assume_role(**role()))
    assert refusals(replace(key, session_token=key.session_token[::-1])) == refusals(unknown)
    connect("support", path="/an%20odd~path/?a=b%2Fc&a=").describe_cases()


def test_request_that_was_changed_on_the_way_is_refused(connect: Connect) -> None:
    changes: list[Callable[[Any], None]] = [
        lambda request: setattr(request, "body", request.body.replace(b"10", b"20")),
        lambda request: setattr(request, "url", request.url + "?a=b"),
        lambda request: request.headers.update({"X-Amz-Target": "AWSSupport_20130415.DescribeCommunications"}),
        lambda request: request.headers.update({"X-Amz-Date": "20200101T000000Z"}),
    ]
    for change in changes:
        client = connect("support")
        client.meta.events.register("before-send", lambda request, change=change, **_: change(request))
        assert code_of(client.describe_cases, maxResults=10) == "InvalidSignatureException"


def test_only_the_management_account_and_delegates_list_accounts(fleet: Fleet, connect: Connect) -> None:
    client = connect("organizations", fleet.add_access_key(fleet.account(HUB)))
    assert code_of(client.list_accounts) == "AccessDeniedException"
    fleet.delegated_administrators.add(HUB)
    assert len(client.list_accounts()["Accounts"]) == 3
    assert code_of(client.list_accounts, NextToken="made-up") == "InvalidInputException"
