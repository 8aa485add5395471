"""Cases as JSON, and an account that is polled on request: what programs get."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from exporter.cases.model import Author, Case, Communication, Reason, pack
from exporter.cases.report import AccountReport, OrganizationStatus
from exporter.cases.status import AccountStatus
from exporter.web.handlers import Paths
from tests.support.serving import Serving
from tests.support.site import NOW, POLICY, report_of
from tests.web.conftest import CASE, Serve, status

WITH_CASES = replace(POLICY, case_limit=1)
ACCOUNT_ID = "111111111111"
REFRESH = f"/api/v1/accounts/{ACCOUNT_ID}/refresh"


def asked(client: Serving, path: str, expected: int = 200, method: str = "GET") -> dict[str, Any]:
    response = client.get(path, method=method)
    assert (response.status, response.headers["content-type"]) == (expected, "application/json; charset=utf-8"), response.text
    assert len(response.text.splitlines()) == 1
    found: dict[str, Any] = json.loads(response.body)
    return found


def cases(count: int) -> tuple[Case, ...]:
    return tuple(replace(CASE, case_id=f"case-{n}", display_id=str(n), created=NOW - 100 + n) for n in range(count))


def owned(*shown: Case) -> AccountStatus:
    known = status("payments", ACCOUNT_ID, cases=shown)
    owner: dict[str, Any] = {"organization": "acme", "organizational_unit": "Root/Prod", "tags": (("team", "core"),)}
    return replace(known, account=replace(known.account, **owner))


def test_a_case_is_there_with_whose_it_is_and_what_is_due(serve: Serve) -> None:
    written = Communication(NOW - 50, Author.CUSTOMER)
    waiting = replace(CASE, severity_code="critical", created=NOW - 60, latest=written, packed=pack((written,)))
    answered = replace(
        CASE, case_id="case-2", display_id="2", status="pending-customer-action", first_aws=NOW - 50, packed=pack((written,))
    )
    found = asked(serve(owned(answered, waiting), policy=WITH_CASES), "/api/v1/cases")
    first, second = found.pop("cases")
    assert found == {
        "time": NOW,
        "total": 2,
        "missing_accounts": 0,
        "missing_organizations": 0,
        "missing_url": "/api/v1/status",
        "next": None,
    }
    assert first == {
        "account_id": ACCOUNT_ID,
        "account_name": "payments",
        "region": "us-east-1",
        "organization": "acme",
        "organizational_unit": "Root/Prod",
        "plan": "enterprise",
        "labels": {"team": "core"},
        "display_id": "1",
        "url": "https://support.console.aws.amazon.com/support/home#/case/?displayId=1",
        "status": "opened",
        "severity_code": "critical",
        "service_code": "ec2",
        "category_code": "other",
        "created": NOW - 60,
        "latest_communication": NOW - 50,
        "last_author": "customer",
        "waiting_on": "aws",
        "waiting_since": NOW - 50,
        "first_response_target": 900.0,
        "first_response_due": NOW + 840,
        "first_response_overdue": False,
    }
    told = ("waiting_on", "first_response_target", "first_response_due", "first_response_overdue")
    assert [second[key] for key in told] == ["customer", None, None, False]


def test_cases_and_owners_are_as_the_status_has_them(serve: Serve) -> None:
    client = serve(owned(CASE), policy=WITH_CASES)
    (account,) = asked(client, "/api/v1/status")["accounts"]
    (case,) = asked(client, "/api/v1/cases")["cases"]
    (listed,) = account["cases"]
    assert case == {key: {**account, **listed}[key] for key in case}
    assert listed.keys() < case.keys()


def test_without_the_key_no_case_is_shown_and_the_key_is_named(serve: Serve) -> None:
    told = {"error": "Per-case data is disabled: set metrics.cases.enabled to true."}
    assert asked(serve(owned(CASE)), "/api/v1/cases?limit=0", 403) == told


def test_subjects_are_there_with_their_own_switch(serve: Serve) -> None:
    for policy, subject in ((WITH_CASES, None), (replace(WITH_CASES, subjects=True), "Secret plans")):
        client = serve(owned(CASE), policy=policy)
        assert asked(client, "/api/v1/cases")["cases"][0].get("subject") == subject
        assert ("Secret plans" in client.get("/api/v1/cases?severity=low").text) == bool(subject)


def test_the_limit_of_series_leaves_no_case_out(serve: Serve) -> None:
    client = serve(owned(*cases(7)), policy=replace(WITH_CASES, case_limit=0))
    assert len(asked(client, "/api/v1/cases")["cases"]) == 7


def test_who_follows_next_gets_each_case_once(serve: Serve) -> None:
    odd = replace(CASE, case_id="case &+%# \u20ac\ud800", display_id="odd", created=NOW - 98.5)
    client = serve(owned(*cases(5), odd), policy=WITH_CASES, paths=Paths("/metrics", "/prefix", "/prefix"))
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
    client = serve(owned(*cases(101)), policy=WITH_CASES)
    assert [len(asked(client, f"/api/v1/cases{query}")["cases"]) for query in ("", "?limit=1000", "?limit=1")] == [100, 101, 1]


def test_filter_finds_the_accounts_that_it_finds_in_the_status(serve: Serve) -> None:
    client = serve(owned(CASE), status("other", "222222222222"), policy=WITH_CASES)
    for wanted in ("team=core+root/prod", "PAYMENTS", "other", "state:ok", "state:stale", ""):
        listed = {each["account_id"] for each in asked(client, f"/api/v1/status?filter={wanted}")["accounts"]}
        assert {each["account_id"] for each in asked(client, f"/api/v1/cases?filter={wanted}")["cases"]} == listed, wanted


def test_what_cannot_be_asked_for_is_told_in_one_line(serve: Serve) -> None:
    client = serve(owned(replace(CASE, severity_code="two\nlines")), policy=WITH_CASES)
    assert asked(client, "/api/v1/cases?severity=none", 400) == {
        "error": "severity: write low, normal, high, urgent, critical, two lines"
    }
    assert asked(client, "/api/v1/cases?a%0D%0Ab", 400)["error"].startswith("unknown parameter 'a\\r\\nb': write account")
    assert asked(client, f"/api/v1/cases?severity={quote('two' + chr(10) + 'lines')}")["total"] == 1


def test_accounts_that_are_missing_are_counted(serve: Serve) -> None:
    broken = status("broken", "222222222222", Reason.ACCESS_DENIED, "no")
    client = serve(owned(CASE), broken, policy=WITH_CASES, organizations=[OrganizationStatus("new", 0)])
    found = asked(client, "/api/v1/cases")
    assert (found["total"], found["missing_accounts"], found["missing_organizations"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("method", "path", "expected", "allowed"),
    [
        ("POST", "/api/v1/cases", 405, "GET,HEAD"),
        ("GET", REFRESH, 405, "POST"),
        ("POST", "/api/v1/accounts//refresh", 404, None),
        ("GET", "/api/v1/nothing", 404, None),
    ],
)
def test_errors_are_json_too(serve: Serve, method: str, path: str, expected: int, allowed: str | None) -> None:
    client = serve(policy=WITH_CASES)
    assert asked(client, path, expected, method)["error"]
    assert client.get(path, method=method).headers["allow"] == allowed


def refreshing(known: AccountStatus, *, is_read: bool = True, **options: Any) -> Mapping[str, Any]:  # noqa: ANN401
    async def refresh(account_id: str) -> tuple[AccountReport, bool] | None:
        return (report_of([known]).accounts[0], is_read) if account_id == ACCOUNT_ID else None

    return {"refresh": refresh, **options}


def test_a_refresh_is_answered_with_how_the_account_is_doing(serve: Serve) -> None:
    found = asked(serve(**refreshing(owned(CASE), policy=WITH_CASES)), REFRESH, method="POST")
    assert (found["account_id"], found["state"], found["reason"], found["open_cases"]) == (ACCOUNT_ID, "ok", None, 1)
    assert found["cases"][0]["display_id"] == "1"
    found = asked(serve(**refreshing(owned(CASE))), REFRESH, method="POST")
    assert "cases" not in found
    broken = status("broken", ACCOUNT_ID, Reason.ACCESS_DENIED, "DescribeCases: AccessDeniedException")
    found = asked(serve(**refreshing(broken)), REFRESH, method="POST")
    assert (found["state"], found["reason"], found["open_cases"]) == ("failing", "access_denied", None)
    assert found["advice"]


def test_a_refresh_that_takes_longer_is_accepted(serve: Serve) -> None:
    assert asked(serve(**refreshing(owned(CASE), is_read=False)), REFRESH, 202, "POST")["account_id"] == ACCOUNT_ID


def test_an_account_that_is_not_polled_here_cannot_be_refreshed(serve: Serve) -> None:
    told = "Not refreshed: the account is not polled here."
    for account_id in ("222222222222", "x", "%0A"):
        path = f"/api/v1/accounts/{account_id}/refresh"
        assert asked(serve(**refreshing(owned(CASE))), path, 404, "POST") == {"error": told}
    sharded = serve(**refreshing(owned(CASE), shard=lambda: "This is shard 0 of 3."))
    assert asked(sharded, path, 404, "POST") == {"error": f"{told} This is shard 0 of 3."}


def test_without_lifecycle_nothing_is_done_on_request(serve: Serve) -> None:
    client = serve(lifecycle=False)
    why = "the exporter was started without --web.enable-lifecycle."
    assert asked(client, REFRESH, 403, "POST") == {"error": f"Not refreshed: {why}"}
    response = client.get("/-/reload", method="POST")
    assert (response.status, response.text) == (403, f"Not reloaded: {why}\n")


def test_another_sites_page_cannot_refresh(serve: Serve) -> None:
    client = serve(**refreshing(owned(CASE)))
    for headers, expected in (({"Sec-Fetch-Site": "cross-site"}, 403), ({"Origin": "http://evil.example"}, 403), ({}, 200)):
        assert client.get(REFRESH, headers, method="POST").status == expected, headers
