from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from botocore.awsrequest import AWSPreparedRequest
from mypy_boto3_sts import STSClient

from exporter.simulator.account import Account
from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.keys import AccessKey
from exporter.simulator.kinds import Error
from exporter.simulator.server import Simulator
from tests.simulator.conftest import NOW, CodeOf, Organizations, Serve, Sts, Support


def assume(client: STSClient, simulator: Simulator, account: Account) -> AccessKey:
    credentials = client.assume_role(RoleArn=account.role_arn(), RoleSessionName="exporter")["Credentials"]
    key = simulator.fleet.keys.find(credentials["AccessKeyId"])
    assert key is not None
    assert key.session_token == credentials["SessionToken"]
    return key


def test_assumed_role_acts_for_its_account(fleet: Fleet, serve: Serve, sts: Sts, support: Support) -> None:
    fleet.add_account()
    member = fleet.add_account("444455556666")
    case = member.add_case()
    simulator = serve(fleet)
    answer = sts(simulator).assume_role(RoleArn=member.role_arn(), RoleSessionName="me", DurationSeconds=900)
    assert answer["AssumedRoleUser"]["Arn"] == "arn:aws:sts::444455556666:assumed-role/AwsSupportExporter/me"
    assert answer["Credentials"]["Expiration"] == datetime.fromtimestamp(NOW + 900, UTC)
    key = fleet.keys.find(answer["Credentials"]["AccessKeyId"])
    assert key is not None
    assert key.access_key_id.startswith("ASIA")
    assert support(simulator, key).describe_cases()["cases"][0]["caseId"] == case.case_id
    record = simulator.log.records("DescribeCases")[0]
    assert (record.access_key_id, record.account_id) == (key.access_key_id, "444455556666")
    assert (record.region, record.service, record.is_first_page, record.status) == ("us-east-1", "support", True, 200)


def test_roles_can_be_chained_for_an_hour(fleet: Fleet, serve: Serve, sts: Sts, code_of: CodeOf) -> None:
    fleet.add_account()
    hub, spoke = fleet.add_account(), fleet.add_account()
    spoke.roles["AwsSupportExporter"].trusted_accounts = frozenset({hub.account_id})
    simulator = serve(fleet)
    base = sts(simulator)
    assert code_of(lambda: assume(base, simulator, spoke)) == "AccessDenied"
    chained = sts(simulator, assume(base, simulator, hub))
    key = assume(chained, simulator, spoke)
    assert sts(simulator, key).get_caller_identity()["Account"] == spoke.account_id
    hub.roles["AwsSupportExporter"].max_session_seconds = spoke.roles["AwsSupportExporter"].max_session_seconds = 7200

    def lasting(client: STSClient, account: Account, seconds: int) -> Callable[[], object]:
        return lambda: client.assume_role(RoleArn=account.role_arn(), RoleSessionName="me", DurationSeconds=seconds)

    lasting(base, hub, 7200)()
    assert code_of(lasting(base, hub, 7201)) == "ValidationError"
    assert code_of(lasting(base, hub, 899)) == "ValidationError"
    assert code_of(lasting(chained, spoke, 3601)) == "ValidationError"


def test_external_id_is_checked_where_the_role_asks_for_one(fleet: Fleet, serve: Serve, sts: Sts, code_of: CodeOf) -> None:
    fleet.add_account()
    member = fleet.add_account(external_id="right")
    arn = member.role_arn()
    client = sts(serve(fleet))
    client.assume_role(RoleArn=arn, RoleSessionName="me", ExternalId="right")
    assert code_of(lambda: client.assume_role(RoleArn=arn, RoleSessionName="me")) == "AccessDenied"
    wrong = {"RoleArn": arn, "RoleSessionName": "me", "ExternalId": "wrong"}
    assert code_of(lambda: client.assume_role(**wrong)) == "AccessDenied"  # type: ignore[arg-type]  # the stubs want each by name


def test_role_is_denied_when_it_is_missing_or_does_not_trust(fleet: Fleet, serve: Serve, sts: Sts, code_of: CodeOf) -> None:
    fleet.add_account()
    member = fleet.add_account()
    suspended = fleet.add_account(state="SUSPENDED")
    client = sts(serve(fleet))

    def outcome(arn: str) -> str:
        return code_of(lambda: client.assume_role(RoleArn=arn, RoleSessionName="me"))

    assert outcome(member.role_arn("Missing")) == "AccessDenied"
    assert outcome(suspended.role_arn()) == "AccessDenied"
    assert outcome("arn:aws:iam::999999999999:role/AwsSupportExporter") == "AccessDenied"
    assert outcome("arn:aws:iam::1234:role/AwsSupportExporter") == "ValidationError"
    client.assume_role(RoleArn=member.role_arn(), RoleSessionName="me")
    member.trusts = False
    assert outcome(member.role_arn()) == "AccessDenied"


def test_temporary_key_expires_by_the_fleets_clock_or_at_once(
    serve: Serve, sts: Sts, support: Support, code_of: CodeOf
) -> None:
    moment = [NOW]
    fleet = Fleet.empty(lambda: moment[0])
    account = fleet.add_account()
    simulator = serve(fleet)
    key = assume(sts(simulator), simulator, account)
    cases, identity = support(simulator, key), sts(simulator, key)
    moment[0] = NOW + 3599
    cases.describe_cases()
    moment[0] = NOW + 3600
    assert code_of(cases.describe_cases) == "ExpiredTokenException"
    assert code_of(identity.get_caller_identity) == "ExpiredToken"
    key = assume(sts(simulator), simulator, account)
    support(simulator, key).describe_cases()
    simulator.expire_sessions()
    assert code_of(support(simulator, key).describe_cases) == "ExpiredTokenException"
    support(simulator).describe_cases()


def test_signatures_are_verified(fleet: Fleet, serve: Serve, sts: Sts, support: Support, code_of: CodeOf) -> None:
    fleet.add_account()
    forged = replace(fleet.base_key, secret_access_key=fleet.base_key.secret_access_key[::-1])
    simulator = serve(fleet)
    assert code_of(support(simulator, forged).describe_cases) == "InvalidSignatureException"
    assert code_of(sts(simulator, forged).get_caller_identity) == "SignatureDoesNotMatch"
    support(serve(fleet, verify_signatures=False), forged).describe_cases()
    support(simulator, path="/an%20odd~path/?a=b%2Fc&a=").describe_cases()


@pytest.mark.parametrize(
    "tamper",
    [
        lambda request: setattr(request, "body", request.body.replace(b"10", b"20")),
        lambda request: setattr(request, "url", request.url + "?a=b"),
        lambda request: request.headers.update({"X-Amz-Target": "AWSSupport_20130415.DescribeCommunications"}),
        lambda request: request.headers.update({"X-Amz-Date": "20200101T000000Z"}),
    ],
    ids=["body", "query", "target", "date"],
)
def test_request_that_was_changed_on_the_way_is_refused(
    fleet: Fleet, serve: Serve, support: Support, code_of: CodeOf, tamper: Callable[[AWSPreparedRequest], None]
) -> None:
    fleet.add_account()
    client = support(serve(fleet))
    client.meta.events.register("before-send", lambda request, **_: tamper(request))
    assert code_of(lambda: client.describe_cases(maxResults=10)) == "InvalidSignatureException"


def test_unknown_keys_and_tokens_are_refused(fleet: Fleet, serve: Serve, sts: Sts, support: Support, code_of: CodeOf) -> None:
    account = fleet.add_account()
    simulator = serve(fleet)
    unknown = replace(fleet.base_key, access_key_id="AKIA0000000000000000")
    assert code_of(support(simulator, unknown).describe_cases) == "UnrecognizedClientException"
    assert code_of(sts(simulator, unknown).get_caller_identity) == "InvalidClientTokenId"
    key = assume(sts(simulator), simulator, account)
    other_token = replace(key, session_token=key.session_token[::-1])
    assert code_of(support(simulator, other_token).describe_cases) == "UnrecognizedClientException"


@pytest.mark.parametrize("empty_pages", [True, False])
def test_accounts_are_listed_once_whatever_the_pages(
    fleet: Fleet, serve: Serve, organizations: Organizations, *, empty_pages: bool
) -> None:
    for _ in range(45):
        fleet.add_account()
    fleet.empty_pages = empty_pages
    pages = list(organizations(serve(fleet)).get_paginator("list_accounts").paginate())
    assert [len(page["Accounts"]) for page in pages] == ([20, 0, 20, 0, 5] if empty_pages else [20, 20, 5])
    listed = [account["Id"] for page in pages for account in page["Accounts"]]
    assert listed == [account.account_id for account in fleet.accounts]


def test_listed_account_has_the_fields_that_aws_documents(fleet: Fleet, serve: Serve, organizations: Organizations) -> None:
    fleet.add_account("111122223333", "management")
    fleet.add_account("444455556666", "retired", state="CLOSED")
    management, closed = organizations(serve(fleet)).list_accounts()["Accounts"]
    assert management["JoinedMethod"] == "INVITED"
    assert closed["Arn"] == f"arn:aws:organizations::111122223333:account/{fleet.organization_id}/444455556666"
    assert (closed["Name"], closed["Email"]) == ("retired", "aws-retired@example.com")
    assert (closed["Status"], closed["State"], closed["JoinedMethod"]) == ("SUSPENDED", "CLOSED", "CREATED")
    assert closed["JoinedTimestamp"].timestamp() == NOW - 400 * 86400


def test_only_the_management_account_and_delegates_list_accounts(
    fleet: Fleet, serve: Serve, organizations: Organizations, code_of: CodeOf
) -> None:
    fleet.add_account()
    member = fleet.add_account()
    simulator = serve(fleet)
    client = organizations(simulator, fleet.add_access_key(member))
    assert code_of(client.list_accounts) == "AccessDeniedException"
    fleet.delegated_administrators.add(member.account_id)
    assert len(client.list_accounts()["Accounts"]) == 2
    assert code_of(lambda: client.list_accounts(NextToken="made-up")) == "InvalidInputException"
    assert code_of(client.list_roots) == "UnknownOperationException"
    fleet.has_organization = False
    assert code_of(client.list_accounts) == "AWSOrganizationsNotInUseException"


def test_faults_use_the_query_protocols_own_codes(fleet: Fleet, serve: Serve, sts: Sts, code_of: CodeOf) -> None:
    fleet.add_account()
    simulator = serve(fleet)
    simulator.faults.add(Fault(Error(403, "AccessDeniedException", "no <way>"), operation="GetCallerIdentity"))
    assert code_of(sts(simulator).get_caller_identity) == "AccessDenied"
