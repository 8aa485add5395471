"""What AWS documents of Support, and the simulator does."""

from typing import Any

import pytest

from exporter.simulator.account import Account
from exporter.simulator.fleet import Fleet
from tests.simulator.conftest import ACCOUNT_ID, NOW, Connect, Serve, code_of


def test_case_has_the_fields_that_aws_documents(account: Account, connect: Connect) -> None:
    case = account.add_case(cc_email_addresses=("alerts@example.com",), created_at=NOW + 0.25, body="SECRET-BODY")
    client = connect("support")
    (found,) = client.describe_cases()["cases"]
    (written,) = found["recentCommunications"]["communications"]
    for shape, shown in (("CaseDetails", found), ("Communication", written)):
        assert shown.keys() ^ client.meta.service_model.shape_for(shape).members.keys() <= {"attachments"}
    assert found["timeCreated"] == written["timeCreated"] == "2026-07-25T17:20:00.250Z"
    assert written["submittedBy"] == "SupportDesk (Role) <support-desk@example.com>"
    assert (found["displayId"].isdecimal(), found["status"], written["body"]) == (True, "opened", "SECRET-BODY")
    assert found["caseId"] == written["caseId"] == case.case_id
    assert case.case_id.startswith(f"case-{ACCOUNT_ID}-muen-2026-")


@pytest.mark.parametrize(("written", "pages"), [(5, [5]), (6, [5, 1]), (30, [5, 10, 10, 5])])
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
    assert [each["body"] for page in seen for each in page] == [f"{number}" for number in reversed(range(written))]


def test_documented_refusals(account: Account, connect: Connect) -> None:
    account.add_case()
    client = connect("support")
    for operation, parameters, code in (
        ("describe_cases", {"displayId": "1"}, "CaseIdNotFound"),
        ("describe_cases", {"caseIdList": ["case-1"] * 101}, "ValidationException"),
        ("describe_cases", {"maxResults": 9}, "ValidationException"),
        ("describe_cases", {"maxResults": 101}, "ValidationException"),
        ("describe_cases", {"afterTime": "yesterday"}, "InvalidParameterValueException"),
        ("describe_communications", {"caseId": "case-1"}, "CaseIdNotFound"),
        ("describe_trusted_advisor_checks", {"language": "en"}, "UnknownOperationException"),
    ):
        assert code_of(getattr(client, operation), **parameters) == code


def test_account_sees_its_own_cases_and_tokens_alone(fleet: Fleet, account: Account, connect: Connect) -> None:
    other = fleet.add_account()
    cases, mine = [account.add_case(created_at=NOW - number) for number in range(11)], other.add_case()
    client, stranger = connect("support"), connect("support", fleet.add_access_key(other))
    first = client.describe_cases()
    second = client.describe_cases(nextToken=first["nextToken"])
    assert [case["caseId"] for case in first["cases"] + second["cases"]] == [case.case_id for case in reversed(cases)]
    assert [case["caseId"] for case in stranger.describe_cases()["cases"]] == [mine.case_id]
    assert code_of(stranger.describe_cases, nextToken=first["nextToken"]) == "InvalidParameterValueException"


def test_filters_are_combined(account: Account, connect: Connect) -> None:
    client = connect("support")
    account.add_case(created_at=NOW - 1000).case_id = "old"
    account.add_case(language="ja").case_id = "japanese"
    account.add_case(status="resolved").case_id = "resolved"
    ids = ["old", "japanese", "resolved"]
    every: list[tuple[dict[str, Any], str | None, str]] = [
        ({}, None, "japanese old"),
        ({}, "en", "old"),
        ({"language": "ja"}, "en", "japanese"),
        ({"includeResolvedCases": True}, None, "resolved japanese old"),
        ({"caseIdList": ids}, None, "japanese old"),
        ({"caseIdList": ids[1:], "includeResolvedCases": True, "language": "en"}, None, "resolved"),
        ({"displayId": account.cases[0].display_id}, None, "old"),
        ({"afterTime": "2026-07-25T17:10:00Z", "beforeTime": "2026-07-25T17:20:00.000Z"}, None, "japanese"),
    ]
    for parameters, account.default_language, listed in every:
        assert [case["caseId"] for case in client.describe_cases(**parameters)["cases"]] == listed.split(), parameters
    assert "recentCommunications" not in client.describe_cases(includeCommunications=False)["cases"][0]


def test_sixth_call_within_a_second_is_throttled(serve: Serve, connect: Connect) -> None:
    seconds = [100.0]
    client = connect("support", at=serve(throttle=True, timer=lambda: seconds[0]))
    for _ in range(5):
        client.describe_cases()
    assert code_of(client.describe_cases) == "ThrottlingException"
    seconds[0] += 0.21
    client.describe_cases()
