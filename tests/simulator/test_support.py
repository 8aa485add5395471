from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError
from mypy_boto3_support import SupportClient

from exporter.simulator import AWS_AUTHOR, Fleet, Simulator

NOW = 1_785_000_000.0

Serve = Callable[..., Simulator]
Support = Callable[..., SupportClient]
CodeOf = Callable[[Callable[[], object]], str]


@pytest.mark.parametrize("page_size", [10, 37, 100])
def test_paginator_returns_every_open_case_once(fleet: Fleet, serve: Serve, support: Support, page_size: int) -> None:
    account = fleet.add_account()
    cases = [account.add_case(created_at=NOW - number) for number in range(237)]
    paginator = support(serve(fleet)).get_paginator("describe_cases")
    pages = paginator.paginate(PaginationConfig={"PageSize": page_size})
    assert [case["caseId"] for page in pages for case in page["cases"]] == [case.case_id for case in reversed(cases)]


def test_page_without_a_size_holds_ten_cases(fleet: Fleet, serve: Serve, support: Support) -> None:
    account = fleet.add_account()
    for _ in range(11):
        account.add_case()
    assert len(support(serve(fleet)).describe_cases()["cases"]) == 10


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
def test_case_comes_with_its_five_latest_communications(
    fleet: Fleet, serve: Serve, support: Support, written: int, *, continues: bool
) -> None:
    case = fleet.add_account().add_case()
    for number in range(written):
        case.add_communication(f"{number}", created_at=NOW + number)
    recent = support(serve(fleet)).describe_cases()["cases"][0]["recentCommunications"]
    newest_first = [f"{number}" for number in range(written)][::-1]
    assert [each["body"] for each in recent["communications"]] == newest_first[:5]
    assert ("nextToken" in recent) is continues


def test_older_communications_follow_the_token_of_the_case(fleet: Fleet, serve: Serve, support: Support) -> None:
    case = fleet.add_account().add_case()
    for number in range(8):
        case.add_communication(f"{number}", created_at=NOW + number)
    client = support(serve(fleet))
    token = client.describe_cases()["cases"][0]["recentCommunications"]["nextToken"]
    older = client.describe_communications(caseId=case.case_id, nextToken=token)
    assert [each["body"] for each in older["communications"]] == ["2", "1", "0"]


def test_communications_are_paged_newest_first(fleet: Fleet, serve: Serve, support: Support) -> None:
    case = fleet.add_account().add_case()
    for number in range(25):
        case.add_communication(f"{number}", created_at=NOW + number)
    paginator = support(serve(fleet)).get_paginator("describe_communications")
    pages = [page["communications"] for page in paginator.paginate(caseId=case.case_id)]
    assert [len(page) for page in pages] == [10, 10, 5]
    assert [each["body"] for page in pages for each in page] == [f"{number}" for number in range(24, -1, -1)]


def test_filters_leave_out_what_does_not_match(fleet: Fleet, serve: Serve, support: Support) -> None:
    account = fleet.add_account()
    old = account.add_case(created_at=NOW - 1000, body="x")
    japanese = account.add_case(language="ja")
    resolved = account.add_case(status="resolved")
    client = support(serve(fleet))

    def found(**filters: object) -> set[str]:
        return {case["caseId"] for case in client.describe_cases(**filters)["cases"]}  # type: ignore[arg-type]  # a filter each

    assert found() == {old.case_id, japanese.case_id}
    assert found(includeResolvedCases=True) == {old.case_id, japanese.case_id, resolved.case_id}
    assert found(caseIdList=[old.case_id]) == {old.case_id}
    assert found(displayId=japanese.display_id) == {japanese.case_id}
    assert found(language="ja") == {japanese.case_id}
    assert found(beforeTime="2026-07-25T17:10:00Z") == {old.case_id}
    assert found(afterTime="2026-07-25T17:10:00.000Z") == {japanese.case_id}
    assert "recentCommunications" not in client.describe_cases(includeCommunications=False)["cases"][0]


def test_other_accounts_cases_are_not_shown(fleet: Fleet, serve: Serve, support: Support) -> None:
    fleet.add_account().add_case()
    other = fleet.add_account()
    mine = other.add_case()
    client = support(serve(fleet), fleet.add_access_key(other))
    assert [case["caseId"] for case in client.describe_cases()["cases"]] == [mine.case_id]


def test_documented_refusals(fleet: Fleet, serve: Serve, support: Support, code_of: CodeOf) -> None:
    account = fleet.add_account()
    account.add_case()
    client = support(serve(fleet))
    unknown = "case-111122223333-muen-2026-0000000000000000"
    assert code_of(lambda: client.describe_cases(caseIdList=[unknown])) == "CaseIdNotFound"
    assert code_of(lambda: client.describe_cases(displayId="1")) == "CaseIdNotFound"
    assert code_of(lambda: client.describe_communications(caseId=unknown)) == "CaseIdNotFound"
    assert code_of(lambda: client.describe_cases(maxResults=101)) == "ValidationException"
    assert code_of(lambda: client.describe_cases(nextToken="made-up")) == "InvalidParameterValueException"
    assert code_of(lambda: client.describe_cases(afterTime="yesterday")) == "InvalidParameterValueException"
    assert code_of(lambda: client.describe_cases(dryRun=True)) == "DryRunOperationException"
    assert code_of(lambda: client.describe_trusted_advisor_checks(language="en")) == "UnknownOperationException"
    account.supported = False
    assert code_of(client.describe_cases) == "SubscriptionRequiredException"
    assert code_of(client.describe_severity_levels) == "SubscriptionRequiredException"


def test_refusal_names_its_type_in_a_header_too(fleet: Fleet, serve: Serve, support: Support) -> None:
    fleet.add_account(supported=False)
    with pytest.raises(ClientError) as caught:
        support(serve(fleet)).describe_cases()
    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-errortype"] == "SubscriptionRequiredException"


def test_token_of_one_account_is_refused_in_another(fleet: Fleet, serve: Serve, support: Support, code_of: CodeOf) -> None:
    account, other = fleet.add_account(), fleet.add_account()
    for _ in range(11):
        account.add_case()
    simulator = serve(fleet)
    token = support(simulator).describe_cases()["nextToken"]
    stranger = support(simulator, fleet.add_access_key(other))
    assert code_of(lambda: stranger.describe_cases(nextToken=token)) == "InvalidParameterValueException"


def test_severity_levels_and_services_are_listed(fleet: Fleet, serve: Serve, support: Support) -> None:
    fleet.add_account()
    client = support(serve(fleet))
    levels = client.describe_severity_levels()["severityLevels"]
    assert [level["code"] for level in levels] == ["low", "normal", "high", "urgent", "critical"]
    assert "service-eks" in {service["code"] for service in client.describe_services()["services"]}
    assert len(client.describe_services(serviceCodeList=["service-eks"])["services"]) == 1


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
