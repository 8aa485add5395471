from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from exporter.simulator.case import AWS_AUTHOR
from exporter.simulator.fleet import Fleet
from tests.simulator.conftest import NOW, CodeOf, Serve, Support


@pytest.mark.parametrize("page_size", [None, 37, 100])
def test_paginator_returns_every_open_case_once(fleet: Fleet, serve: Serve, support: Support, page_size: int | None) -> None:
    account = fleet.add_account()
    cases = [account.add_case(created_at=NOW - number) for number in range(237)]
    paginator = support(serve(fleet)).get_paginator("describe_cases")
    pages = list(paginator.paginate(PaginationConfig={"PageSize": page_size} if page_size else {}))
    assert {len(page["cases"]) for page in pages[:-1]} == {page_size or 10}
    assert [case["caseId"] for page in pages for case in page["cases"]] == [case.case_id for case in reversed(cases)]


def test_case_opened_or_resolved_while_paging_does_not_shift_the_pages(fleet: Fleet, serve: Serve, support: Support) -> None:
    account = fleet.add_account()
    cases = [account.add_case() for _ in range(25)]
    client = support(serve(fleet))
    first = client.describe_cases(maxResults=10)
    account.add_case()
    cases[24].resolve()
    second = client.describe_cases(maxResults=10, nextToken=first["nextToken"])
    assert [case["caseId"] for case in second["cases"]] == [case.case_id for case in cases[14:4:-1]]


def test_case_has_the_fields_that_aws_documents(fleet: Fleet, serve: Serve, support: Support) -> None:
    account = fleet.add_account("111122223333")
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
    found = support(serve(fleet)).describe_cases()["cases"][0]
    assert found == {
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
        "recentCommunications": {
            "communications": [
                {
                    "caseId": case.case_id,
                    "body": "SECRET-BODY",
                    "submittedBy": "SupportDesk (Role) <support-desk@example.com>",
                    "timeCreated": "2026-07-25T17:20:00.250Z",
                    "attachmentSet": [],
                }
            ]
        },
    }
    assert case.case_id.startswith("case-111122223333-muen-2026-")
    assert case.display_id.isdecimal()


@pytest.mark.parametrize(("written", "continues"), [(0, False), (5, False), (6, True), (30, True)])
def test_case_comes_with_its_five_latest_communications_and_a_token_for_the_rest(
    fleet: Fleet, serve: Serve, support: Support, written: int, *, continues: bool
) -> None:
    case = fleet.add_account().add_case()
    for number in range(written):
        case.add_communication(f"{number}", created_at=NOW + number)
    client = support(serve(fleet))
    recent = client.describe_cases()["cases"][0]["recentCommunications"]
    newest_first = [f"{number}" for number in range(written)][::-1]
    assert [each["body"] for each in recent["communications"]] == newest_first[:5]
    assert ("nextToken" in recent) is continues
    if continues:
        older = client.describe_communications(caseId=case.case_id, nextToken=recent["nextToken"])
        assert [each["body"] for each in older["communications"]] == newest_first[5:15]


def test_communications_are_paged_newest_first(fleet: Fleet, serve: Serve, support: Support) -> None:
    case = fleet.add_account().add_case()
    for number in range(25):
        case.add_communication(f"{number}", created_at=NOW + number)
    paginator = support(serve(fleet)).get_paginator("describe_communications")
    pages = [page["communications"] for page in paginator.paginate(caseId=case.case_id)]
    assert [len(page) for page in pages] == [10, 10, 5]
    assert [each["body"] for page in pages for each in page] == [f"{number}" for number in range(24, -1, -1)]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, {"old", "japanese"}),
        ({"includeResolvedCases": True}, {"old", "japanese", "resolved"}),
        ({"includeResolvedCases": True, "language": "ja"}, {"japanese", "resolved"}),
        ({"caseIdList": ["old", "resolved"]}, {"old"}),
        ({"caseIdList": ["old", "resolved"], "includeResolvedCases": True}, {"old", "resolved"}),
        ({"displayId": "japanese"}, {"japanese"}),
        ({"displayId": "resolved"}, set()),
        ({"caseIdList": ["old"], "language": "ja"}, set()),
        ({"beforeTime": "2026-07-25T17:10:00Z"}, {"old"}),
        ({"beforeTime": "2026-07-25T17:20:00Z"}, {"old", "japanese"}),
        ({"afterTime": "2026-07-25T17:10:00.000Z"}, {"japanese"}),
        ({"afterTime": "2026-07-25T19:20:00+02:00"}, {"japanese"}),
        ({"afterTime": "2026-07-25T17:03:20", "beforeTime": "2026-07-25T17:20"}, {"old", "japanese"}),
        ({"afterTime": "2026-07-25", "beforeTime": "2026-07-25"}, set()),
    ],
)
def test_filters_leave_out_what_does_not_match(
    fleet: Fleet, serve: Serve, support: Support, filters: dict[str, Any], found: set[str]
) -> None:
    account = fleet.add_account()
    cases = {
        "old": account.add_case(created_at=NOW - 1000),
        "japanese": account.add_case(language="ja"),
        "resolved": account.add_case(language="ja", status="resolved", created_at=NOW + 1),
    }
    names = {case.case_id: name for name, case in cases.items()}
    if "caseIdList" in filters:
        filters = filters | {"caseIdList": [cases[name].case_id for name in filters["caseIdList"]]}
    if "displayId" in filters:
        filters = filters | {"displayId": cases[filters["displayId"]].display_id}
    page = support(serve(fleet)).describe_cases(**filters, includeCommunications=False)
    assert {names[case["caseId"]] for case in page["cases"]} == found
    assert not any("recentCommunications" in case for case in page["cases"])


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"caseIdList": ["case-111122223333-muen-2026-0000000000000000"]}, "CaseIdNotFound"),
        ({"displayId": "1"}, "CaseIdNotFound"),
        ({"caseIdList": ["case-1"] * 101}, "ValidationException"),
        ({"maxResults": 9}, "ValidationException"),
        ({"maxResults": 101}, "ValidationException"),
        ({"nextToken": "made-up"}, "InvalidParameterValueException"),
        ({"afterTime": "yesterday"}, "InvalidParameterValueException"),
        ({"dryRun": True}, "DryRunOperationException"),
    ],
    ids=str,
)
def test_documented_refusals(
    fleet: Fleet, serve: Serve, support: Support, code_of: CodeOf, parameters: dict[str, Any], code: str
) -> None:
    fleet.add_account().add_case()
    client = support(serve(fleet))
    assert code_of(lambda: client.describe_cases(**parameters)) == code


def test_refusals_of_other_operations_and_plans(fleet: Fleet, serve: Serve, support: Support) -> None:
    account = fleet.add_account()
    client = support(serve(fleet))

    def refused(call: Callable[[], object]) -> str:
        with pytest.raises(ClientError) as caught:
            call()
        code = str(caught.value.response["Error"]["Code"])
        assert caught.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-errortype"] == code
        return code

    assert refused(lambda: client.describe_communications(caseId="case-1")) == "CaseIdNotFound"
    assert refused(lambda: client.describe_trusted_advisor_checks(language="en")) == "UnknownOperationException"
    account.supported = False
    assert refused(client.describe_cases) == "SubscriptionRequiredException"


def test_account_sees_its_own_cases_and_tokens_alone(fleet: Fleet, serve: Serve, support: Support, code_of: CodeOf) -> None:
    account, other = fleet.add_account(), fleet.add_account()
    for _ in range(11):
        account.add_case()
    mine = other.add_case()
    simulator = serve(fleet)
    token = support(simulator).describe_cases()["nextToken"]
    stranger = support(simulator, fleet.add_access_key(other))
    assert [case["caseId"] for case in stranger.describe_cases()["cases"]] == [mine.case_id]
    assert code_of(lambda: stranger.describe_cases(nextToken=token)) == "InvalidParameterValueException"


def test_changes_are_seen_by_the_next_request(fleet: Fleet, serve: Serve, support: Support) -> None:
    account = fleet.add_account()
    case = account.add_case()
    client = support(serve(fleet))
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


def test_sixth_call_within_a_second_is_throttled_until_the_quota_fills_up(fleet: Fleet, serve: Serve, support: Support) -> None:
    account, other = fleet.add_account(), fleet.add_account()
    seconds = [100.0]
    simulator = serve(fleet, throttle=True, timer=lambda: seconds[0])
    client = support(simulator)
    for _ in range(5):
        client.describe_cases()
    with pytest.raises(ClientError) as caught:
        client.describe_cases()
    assert caught.value.response["Error"] == {"Code": "ThrottlingException", "Message": "Throttle limit exceeded."}
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    support(simulator, fleet.add_access_key(other)).describe_cases()
    seconds[0] += 0.21
    client.describe_cases()
    assert {record.account_id for record in simulator.log.records()} == {account.account_id, other.account_id}


def test_account_under_contention_is_throttled_now_and_then(fleet: Fleet, serve: Serve, support: Support) -> None:
    fleet.add_account().contention = 0.5
    simulator = serve(fleet)
    client = support(simulator)
    for _ in range(40):
        try:
            client.describe_cases()
        except client.exceptions.ClientError as error:
            assert error.response["Error"].get("Code") == "ThrottlingException"  # noqa: PT017 - some calls pass
    statuses = [record.status for record in simulator.log.records()]
    assert 5 < statuses.count(400) < 35
