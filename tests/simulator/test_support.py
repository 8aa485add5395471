import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from exporter.simulator.account import Account
from exporter.simulator.case import AWS_AUTHOR
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.simulator.conftest import ACCOUNT_ID, NOW, Connect, Serve, code_of


@pytest.mark.parametrize("page_size", [10, 37, 100])
def test_paginator_returns_every_open_case_once(account: Account, connect: Connect, page_size: int) -> None:
    cases = [account.add_case(created_at=NOW - number) for number in range(237)]
    size = {"PageSize": page_size} if page_size > 10 else {}  # which is the default
    pages = list(connect("support").get_paginator("describe_cases").paginate(PaginationConfig=size))
    assert {len(page["cases"]) for page in pages[:-1]} == {page_size}
    assert [case["caseId"] for page in pages for case in page["cases"]] == [case.case_id for case in reversed(cases)]


def test_case_opened_or_resolved_while_paging_does_not_shift_the_pages(account: Account, connect: Connect) -> None:
    cases = [account.add_case() for _ in range(25)]
    client = connect("support")
    first = client.describe_cases(maxResults=10)
    account.add_case()
    cases[24].resolve()
    second = client.describe_cases(maxResults=10, nextToken=first["nextToken"])
    assert [case["caseId"] for case in second["cases"]] == [case.case_id for case in cases[14:4:-1]]


def test_case_has_the_fields_that_aws_documents(account: Account, connect: Connect) -> None:
    case = account.add_case(
        subject="SECRET-SUBJECT",
        status="work-in-progress",
        severity_code="urgent",
        service_code="service-eks",
        category_code="node-groups",
        language="ja",
        submitted_by="service-desk@example.com",
        cc_email_addresses=("alerts@example.com",),
        created_at=NOW + 0.25,
        body="SECRET-BODY",
    )
    communication = {
        "caseId": case.case_id,
        "body": "SECRET-BODY",
        "submittedBy": "SupportDesk (Role) <support-desk@example.com>",
        "timeCreated": "2026-07-25T17:20:00.250Z",
        "attachmentSet": [],
    }
    assert connect("support").describe_cases()["cases"] == [
        {
            "caseId": case.case_id,
            "displayId": case.display_id,
            "subject": "SECRET-SUBJECT",
            "status": "work-in-progress",
            "serviceCode": "service-eks",
            "categoryCode": "node-groups",
            "severityCode": "urgent",
            "submittedBy": "service-desk@example.com",
            "timeCreated": "2026-07-25T17:20:00.250Z",
            "ccEmailAddresses": ["alerts@example.com"],
            "language": "ja",
            "recentCommunications": {"communications": [communication]},
        }
    ]
    assert case.case_id.startswith(f"case-{ACCOUNT_ID}-muen-2026-")
    assert case.display_id.isdecimal()


@pytest.mark.parametrize(("written", "pages"), [(0, [0]), (5, [5]), (6, [5, 1]), (30, [5, 10, 10, 5])])
def test_case_comes_with_its_five_latest_communications_and_a_token_for_the_rest(
    account: Account, connect: Connect, written: int, pages: list[int]
) -> None:
    case = account.add_case()
    for number in (*range(0, written, 2), *range(1, written, 2)):
        case.add_communication(f"{number}", created_at=NOW + number)
    client = connect("support")
    page = client.describe_cases()["cases"][0]["recentCommunications"]
    seen = [page["communications"]]
    while "nextToken" in page:
        page = client.describe_communications(caseId=case.case_id, nextToken=page["nextToken"])
        seen.append(page["communications"])
    assert [len(each) for each in seen] == pages
    newest_first = [f"{number}" for number in range(written)][::-1]
    assert [each["body"] for page in seen for each in page] == newest_first
    assert [each["body"] for each in client.describe_communications(caseId=case.case_id)["communications"]] == newest_first[:10]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, "old japanese"),
        ({"includeResolvedCases": True}, "old japanese resolved"),
        ({"includeResolvedCases": True, "language": "ja"}, "japanese resolved"),
        ({"caseIdList": ["old", "resolved"]}, "old"),
        ({"caseIdList": ["old", "resolved"], "includeResolvedCases": True}, "old resolved"),
        ({"displayId": "japanese"}, "japanese"),
        ({"displayId": "resolved"}, ""),
        ({"caseIdList": ["old"], "language": "ja"}, ""),
        ({"beforeTime": "2026-07-25T17:10:00Z"}, "old"),
        ({"beforeTime": "2026-07-25T17:20:00Z"}, "old japanese"),
        ({"afterTime": "2026-07-25T17:10:00.000Z"}, "japanese"),
        ({"afterTime": "2026-07-25T19:20:00+02:00"}, "japanese"),
        ({"afterTime": "2026-07-25T17:03:20", "beforeTime": "2026-07-25T17:20"}, "old japanese"),
        ({"afterTime": "2026-07-25", "beforeTime": "2026-07-25"}, ""),
    ],
)
def test_filters_leave_out_what_does_not_match(account: Account, connect: Connect, filters: dict[str, Any], found: str) -> None:
    cases = {
        "old": account.add_case(created_at=NOW - 1000),
        "japanese": account.add_case(language="ja"),
        "resolved": account.add_case(language="ja", status="resolved", created_at=NOW + 1),
    }
    if "caseIdList" in filters:
        filters = filters | {"caseIdList": [cases[name].case_id for name in filters["caseIdList"]]}
    if "displayId" in filters:
        filters = filters | {"displayId": cases[filters["displayId"]].display_id}
    page = connect("support").describe_cases(**filters, includeCommunications=False)["cases"]
    assert {case["caseId"] for case in page} == {cases[name].case_id for name in found.split()}
    assert not any("recentCommunications" in case for case in page)


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        ("describe_cases", {"caseIdList": ["case-111122223333-muen-2026-0000000000000000"]}, "CaseIdNotFound"),
        ("describe_cases", {"displayId": "1"}, "CaseIdNotFound"),
        ("describe_cases", {"caseIdList": ["case-1"] * 101}, "ValidationException"),
        ("describe_cases", {"maxResults": 9}, "ValidationException"),
        ("describe_cases", {"maxResults": 101}, "ValidationException"),
        ("describe_cases", {"nextToken": "made-up"}, "InvalidParameterValueException"),
        ("describe_cases", {"afterTime": "yesterday"}, "InvalidParameterValueException"),
        ("describe_cases", {"dryRun": True}, "DryRunOperationException"),
        ("describe_communications", {"caseId": "case-1"}, "CaseIdNotFound"),
        ("describe_trusted_advisor_checks", {"language": "en"}, "UnknownOperationException"),
    ],
)
def test_documented_refusals(account: Account, connect: Connect, operation: str, parameters: dict[str, Any], code: str) -> None:
    account.add_case()
    with pytest.raises(ClientError) as caught:
        getattr(connect("support"), operation)(**parameters)
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-errortype"] == code


def test_account_sees_its_own_cases_and_tokens_alone(fleet: Fleet, account: Account, connect: Connect) -> None:
    other = fleet.add_account()
    for _ in range(11):
        account.add_case()
    mine = other.add_case()
    token = connect("support").describe_cases()["nextToken"]
    stranger = connect("support", fleet.add_access_key(other))
    assert [case["caseId"] for case in stranger.describe_cases()["cases"]] == [mine.case_id]
    assert code_of(stranger.describe_cases, nextToken=token) == "InvalidParameterValueException"


def test_changes_are_seen_by_the_next_request(account: Account, connect: Connect) -> None:
    case = account.add_case()
    client = connect("support")
    assert client.describe_cases()["cases"][0]["status"] == "opened"
    case.status = "some-new-status"
    case.severity_code = "critical"
    case.add_communication("On it.")
    found = client.describe_cases()["cases"][0]
    assert (found["status"], found["severityCode"]) == ("some-new-status", "critical")
    assert found["recentCommunications"]["communications"][0]["submittedBy"] == AWS_AUTHOR
    case.resolve()
    assert client.describe_cases()["cases"] == []
    case.reopen()
    assert client.describe_cases()["cases"][0]["status"] == "reopened"
    account.supported = False
    assert code_of(client.describe_cases) == "SubscriptionRequiredException"


def test_fleet_can_change_while_it_is_served(fleet: Fleet, account: Account, connect: Connect) -> None:
    def write() -> None:
        for _ in range(100):
            account.add_case(body="x").add_communication()

    client, thread = connect("support"), threading.Thread(target=write)
    thread.start()
    while thread.is_alive():
        client.describe_cases(maxResults=100)
    assert len(client.describe_cases(maxResults=100)["cases"]) == fleet.counts().open_cases == 100
    assert fleet.counts().communications == 200


def test_sixth_call_within_a_second_is_throttled_until_the_quota_fills_up(fleet: Fleet, serve: Serve, connect: Connect) -> None:
    seconds = [100.0]
    simulator = serve(throttle=True, timer=lambda: seconds[0])
    client = connect("support", at=simulator)
    for _ in range(5):
        client.describe_cases()
    with pytest.raises(ClientError) as caught:
        client.describe_cases()
    assert caught.value.response["Error"] == {"Code": "ThrottlingException", "Message": "Throttle limit exceeded."}
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    connect("support", fleet.add_access_key(fleet.add_account()), at=simulator).describe_cases()
    seconds[0] += 0.21
    client.describe_cases()


def test_account_under_contention_is_throttled_now_and_then(account: Account, simulator: Simulator, connect: Connect) -> None:
    account.contention = 0.5
    client = connect("support")
    for _ in range(40):
        try:
            client.describe_cases()
        except client.exceptions.ClientError as error:
            assert error.response["Error"].get("Code") == "ThrottlingException"  # noqa: PT017 - some calls pass
    statuses = [record.status for record in simulator.log.records()]
    assert 5 < statuses.count(400) < 35
