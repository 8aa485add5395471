"""The status page and the JSON: what people and programs read there."""

import json
import re
from dataclasses import replace
from typing import Any

from exporter.cases.model import Reason
from exporter.cases.report import EventQueueStatus, OrganizationStatus
from exporter.cases.status import AccountStatus
from tests.support.serving import Serving
from tests.support.site import NOW, POLICY, report_of
from tests.web.conftest import CASE, DAY, HOSTILE, WITH_CASES, WITH_SUBJECTS, Golden, Serve, cases, everything, status

BROKEN = status("broken", "222222222222", Reason.ASSUME_ROLE_DENIED, "denied")
OK = status("a")
EMPTY = OrganizationStatus("acme", 0, NOW, Reason.NO_ACCOUNTS, "ListAccounts: 3 accounts, none matches")


def document(client: Serving, query: str = "") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(client.get(f"/api/v1/status{query}").body)
    return found


def figure(client: Serving, title: str) -> str:
    """Return the large number of a tile."""
    found = re.search(rf'<h3>{title}</h3><p class="figure">(.*?)</p>', client.get("/").text)
    assert found is not None
    return found[1]


def test_everything_is_told_and_markup_is_text(golden: Golden) -> None:
    with Serving(everything()) as client:
        page = re.sub(r"\?[0-9a-f]{12}\b", "?KEY", client.get("/").text)
        assert HOSTILE not in page
        golden("status.html", re.sub(r"(?<!\n)(?=<(?:tr|td|p|li|details|table|svg|ul|div|h3)\b)", "\n", page))
        golden("status.json", json.dumps(document(client), indent=1) + "\n")


def test_accounts_are_found_by_unit_and_label(serve: Serve) -> None:
    core: dict[str, Any] = {"organizational_unit": "Root/Work loads", "tags": (("team", "core"),)}
    client = serve(status("one", **core), status("two", "222222222222", labels=(("team", "core"),)))
    for wanted, found in {
        "root/work%20loads": "one",
        "TEAM=core+1111": "one",
        "label_team=core": "one two",
        "team=no": "",
    }.items():
        shown = document(client, f"?filter={wanted}")
        assert [account["account_name"] for account in shown["accounts"]] == found.split()
        assert shown["fleet"]["accounts"]["ok"] == 2, "the fleet is shown whole"


def test_nothing_is_zero_where_no_account_could_be_read(serve: Serve) -> None:
    client = serve(BROKEN)
    fleet = document(client)["fleet"]
    assert {name for name, value in fleet.items() if value is None} == fleet.keys() - {"accounts"}
    for title in ("Open cases", "Waiting on you", "First response overdue"):
        assert figure(client, title) == "\N{EN DASH}"
    assert client.get("/").text.count("no successful poll yet") == 3


def test_a_stale_fleet_says_when_it_was_polled_last(serve: Serve) -> None:
    stale = (replace(status("a", f"{days}"), last_success=NOW - days * DAY) for days in (1, 2))
    assert serve(*stale).get("/").text.count('<p class="told">last polled 1 d ago</p>') == 3


def late(severity_code: str, count: int = 1) -> AccountStatus:
    return status(severity_code, severity_code, cases=cases(count, NOW - 2 * DAY, severity_code=severity_code))


def test_what_matters_most_is_the_headline(serve: Serve) -> None:
    late_ones, stale, pending = (
        (late("critical"), late("urgent", 2), late("low")),
        replace(OK, last_success=0.0),
        AccountStatus(BROKEN.account),
    )
    others = "Polling failed for 1 of 4 accounts. Listing accounts of 1 organization failed. 1 other first response overdue."
    rows: list[tuple[tuple[AccountStatus, ...], list[OrganizationStatus], str, str, str]] = [
        ((BROKEN, *late_ones), [EMPTY], "bad", "First response overdue: 1 critical and 2 urgent", others),
        ((BROKEN, stale), [], "bad", "Polling failed for 2 of 2 accounts", ""),
        ((late("high"),), [], "warn", "1 first response overdue", "All accounts polled."),
        ((OK,), [EMPTY], "bad", "Listing accounts of 1 organization failed", "All accounts polled."),
        ((), [replace(EMPTY, name="")], "bad", "Looking up own account failed", ""),
        ((), [], "warn", "Discovering accounts", ""),
        ((pending, OK), [], "warn", "1 of 2 accounts not polled yet", ""),
        ((OK,), [], "good", "All accounts polled", ""),
    ]
    for statuses, organizations, mood, headline, more in rows:
        page = serve(*statuses, organizations=organizations).get("/").text
        assert f'<section class="verdict {mood}"><h2>{headline}</h2><p>{more}</p></section>' in page
        assert f"<title>{headline} - AWS Support</title>" in page
        assert ("<h3>Organizations</h3>" in page) == any(each.name for each in organizations)


def test_columns_that_are_the_same_for_all_are_hidden_and_bars_have_one_scale(serve: Serve) -> None:
    few, many = (status(f"{count}", f"{count}", cases=(replace(CASE, created=NOW),) * count) for count in (2, 8))
    elsewhere = replace(many, account=replace(many.account, region="eu-west-1"), next_poll=NOW)
    for statuses, same in (
        ((few, many), "same-2 same-3 same-5 same-6 same-7"),
        ((few, elsewhere), "same-3 same-5 same-6"),
        ((few,), ""),
    ):
        page = serve(*statuses).get("/").text
        assert f'<table id="accounts" class="{same}">' in page
    assert re.findall(r'class="low".*?width="(.*?)"', serve(few, many).get("/").text)[-2:] == ["100.00", "25.00"]


def test_single_cases_are_told_where_their_series_are_on(serve: Serve) -> None:
    for limit, on_page, in_json in ((None, 0, None), (0, 0, 0), (9, 9, 9), (100, 50, 60)):
        client = serve(status("a", cases=cases(60)), policy=replace(POLICY, case_limit=limit))
        page = client.get("/").text
        assert page.count("displayId=") == on_page
        assert (f"<summary>{on_page} cases of 60</summary>" in page) == bool(on_page)
        listed = document(client)["accounts"][0].get("cases")
        assert (None if listed is None else len(listed)) == in_json


def test_subjects_are_told_where_they_are_on_in_place_of_services(serve: Serve) -> None:
    for policy, is_told in ((WITH_CASES, False), (WITH_SUBJECTS, True)):
        client = serve(status("payments", cases=(replace(CASE, service_code=HOSTILE),)), policy=policy)
        page = client.get("/").text
        assert ("Secret plans" in page) == ("Secret plans" in client.get("/api/v1/status").text) == is_told
        assert ("&lt;script&gt;" in page) == (not is_told)
        assert HOSTILE not in page


def test_an_empty_queue_of_events_is_told_and_only_where_there_is_one(serve: Serve) -> None:
    for queue, is_told in ((EventQueueStatus(), False), (EventQueueStatus("https://queue", up=True), True)):
        report = replace(report_of([]), events=queue)
        client = serve(report=lambda report=report: report)
        assert ("<h3>Events</h3>" in client.get("/").text) == ("events" in document(client)) == is_told
    assert figure(client, "Events") == "0"
    assert '<p class="told">last one never</p>' in client.get("/").text


def test_who_may_not_reload_by_request_is_told_the_signal(serve: Serve) -> None:
    assert "(no_accounts). SIGHUP retries now.<br>" in serve(organizations=[EMPTY], lifecycle=False).get("/").text
