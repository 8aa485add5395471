"""Cases as JSON, and an account that is polled on request: what programs get."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from exporter.cases.model import Reason
from exporter.cases.report import AccountReport
from exporter.cases.status import AccountStatus
from exporter.web.handlers import Paths
from tests.support.serving import Serving
from tests.support.site import NOW, POLICY, report_of
from tests.web.conftest import CASE, WITH_CASES, WITH_SUBJECTS, Serve, cases, everything, status

ACCOUNT_ID = "111111111111"
REFRESH = f"/api/v1/accounts/{ACCOUNT_ID}/refresh"


def asked(client: Serving, path: str, expected: int = 200, method: str = "GET") -> dict[str, Any]:
    response = client.get(path, method=method)
    assert (response.status, response.headers["content-type"]) == (expected, "application/json; charset=utf-8"), response.text
    assert len(response.text.splitlines()) == 1
    found: dict[str, Any] = json.loads(response.body)
    return found


def test_cases_are_there_with_their_owners_as_the_status_has_them() -> None:
    with Serving(everything()) as client:
        found = asked(client, "/api/v1/cases")
        accounts = {account["account_name"]: account for account in asked(client, "/api/v1/status")["accounts"]}
    shown = found.pop("cases")
    numbers = {"time": NOW, "total": 9, "missing_accounts": 6, "missing_organizations": 0}
    assert found == numbers | {"missing_url": "/api/v1/status", "next": None}
    owner = {"account_id", "account_name", "region", "organization", "organizational_unit", "plan", "labels"}
    assert len(shown) == 9
    for case in shown:
        account = accounts[case["account_name"]]
        (listed,) = [each for each in account["cases"] if each["display_id"] == case["display_id"]]
        assert case == {key: account[key] for key in owner} | listed


def test_cases_and_subjects_are_shown_with_the_keys_that_enable_them(serve: Serve) -> None:
    told = {"error": "Per-case data is disabled: set metrics.cases.enabled to true."}
    assert asked(serve(status("payments")), "/api/v1/cases?limit=0", 403) == told
    for policy, subject in ((WITH_CASES, None), (WITH_SUBJECTS, "Secret plans")):
        client = serve(status("payments"), policy=policy)
        assert asked(client, "/api/v1/cases")["cases"][0].get("subject") == subject
        assert ("Secret plans" in client.get("/api/v1/cases?severity=low").text) == bool(subject)


def test_who_follows_next_gets_each_case_once(serve: Serve) -> None:
    odd = replace(CASE, case_id="case &+%# \u20ac\ud800", display_id="odd", created=NOW - 98.5)
    client = serve(status("a", cases=(*cases(5), odd)), policy=WITH_CASES, paths=Paths("/metrics", "/prefix", "/prefix"))
    path, found = "/prefix/api/v1/cases?limit=2&severity=low&severity=high", list[str]()
    while path:
        page = asked(client, path)
        assert page["total"] == 6
        assert len(page["cases"]) == 2
        found += [each["display_id"] for each in page["cases"]]
        path = page["next"]
        assert path is None or path.startswith("/prefix/api/v1/cases?limit=2&severity=low&severity=high&page_token=")
    assert found == ["0", "1", "odd", "2", "3", "4"]


def test_a_hundred_are_on_a_page_unless_asked_otherwise(serve: Serve) -> None:
    client = serve(status("a", cases=cases(101)), policy=WITH_CASES)
    assert [len(asked(client, f"/api/v1/cases{query}")["cases"]) for query in ("", "?limit=1000", "?limit=1")] == [100, 101, 1]


def test_what_cannot_be_asked_for_is_told_in_one_line(serve: Serve) -> None:
    client = serve(status("a", cases=cases(1, severity_code="two\nlines")), policy=WITH_CASES)
    told = {"error": "severity: write low, normal, high, urgent, critical, two lines"}
    assert asked(client, "/api/v1/cases?severity=none", 400) == told
    assert asked(client, "/api/v1/cases?a%0D%0Ab", 400)["error"].startswith("unknown parameter 'a\\r\\nb': write account")
    assert asked(client, f"/api/v1/cases?severity={quote('two' + chr(10) + 'lines')}")["total"] == 1


@pytest.mark.parametrize(
    ("known", "expected"),
    [(status("a"), 200), (status("a", ACCOUNT_ID, Reason.ACCESS_DENIED, "no"), 200), (status("takes longer"), 202)],
)
def test_a_refresh_is_answered_with_what_the_status_has(serve: Serve, known: AccountStatus, expected: int) -> None:
    async def refresh(_: str) -> tuple[AccountReport, bool]:
        return report_of([known]).accounts[0], expected == 200

    for policy in (POLICY, WITH_CASES):
        client = serve(known, refresh=refresh, policy=policy)
        assert asked(client, "/api/v1/status")["accounts"] == [asked(client, REFRESH, expected, "POST")]
