"""The status page and the JSON: what people and programs read there."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from exporter.cases.model import SEVERITY_CODES, Author, Case, Communication, Reason, pack
from exporter.cases.policy import Policy
from exporter.cases.report import EventQueueStatus, OrganizationStatus, finding
from exporter.cases.status import AccountStatus
from exporter.cases.targets import SupportPlan, targets
from tests.support.serving import Serving
from tests.support.site import NOW, POLICY, report_of
from tests.web.conftest import CASE, Serve, status

DAY = 86400.0
HOSTILE = "<script>alert(1)</script>"
BROKEN = status("broken", "222222222222", Reason.ASSUME_ROLE_DENIED, "denied")
WITH_CASES = replace(POLICY, case_limit=100)
WITH_SUBJECTS = replace(WITH_CASES, subjects=True)


def row(client: Serving, name: str) -> str:
    """Return the page's rows of one account."""
    rows = re.findall(r"<tbody.*?</tbody>", client.get("/").text, re.DOTALL)
    (found,) = [text for text in rows if f"<b>{name}</b>" in text]
    return str(found)


def cell(client: Serving, name: str, kind: str) -> str:
    """Return the text of one cell in an account's row."""
    found = re.search(rf'<td class="{kind}".*?</td>', row(client, name), re.DOTALL)
    assert found is not None
    return re.sub(r"<[^>]*>", " ", found[0]).strip()


def figure(client: Serving, title: str) -> str:
    """Return the large number of a tile."""
    found = re.search(rf'<h3>{title}</h3><p class="figure">(.*?)</p>', client.get("/").text)
    assert found is not None
    return found[1]


def document(client: Serving) -> dict[str, Any]:
    """Return the JSON."""
    found: dict[str, Any] = json.loads(client.get("/api/v1/status").body)
    return found


def test_each_field_that_may_hold_markup_is_shown_as_text(serve: Serve) -> None:
    def shown(**options: Any) -> str:  # noqa: ANN401 - whatever a site takes
        text = serve(options.pop("account", BROKEN), **options).get("/").text
        assert HOSTILE not in text
        return text

    escaped = "&lt;script&gt;alert(1)&lt;/script&gt;"
    case = replace(CASE, subject=HOSTILE, status=HOSTILE, severity_code=HOSTILE, service_code=HOSTILE, display_id=HOSTILE)
    organization = OrganizationStatus(HOSTILE, 3, None, Reason.ACCESS_DENIED, HOSTILE)
    for policy in (WITH_CASES, WITH_SUBJECTS):  # the service, or the subject
        text = shown(account=status(HOSTILE, cases=(case,)), policy=policy)
        assert f"<b>{escaped}</b>" in text
        assert text.count(f"<td>{escaped}</td>") == len(("display id", "status", "service or subject"))
        assert f"<i></i>{escaped}</td>" in text
        assert f'<li class="other"><i></i>1 {escaped}</li>' in text
    known = status("a")
    text = shown(account=replace(known, account=replace(known.account, organization=HOSTILE)))
    assert text.count(escaped) == len(("its organization", "words that find it"))
    text = shown(organizations=[organization])
    assert f"<b>Listing accounts of {escaped} failed</b>" in text
    assert f"<br>{escaped}</p>" in text
    assert f"{escaped}: 3 accounts" in text
    assert f"<small>{escaped}</small>" in shown(account=status("a", reason=Reason.ACCESS_DENIED, detail=HOSTILE))
    assert f"<br>{escaped}</p>" in shown(problems=[HOSTILE])


def test_the_status_is_there_for_programs(serve: Serve) -> None:
    organization = OrganizationStatus("acme", 3, NOW - 5, Reason.ACCESS_DENIED, "ListAccounts: no")
    overdue = replace(CASE, created=NOW - 2 * DAY)
    client = serve(status("well", cases=(overdue,)), BROKEN, organizations=[organization])
    assert client.get("/api/v1/status").headers["content-type"] == "application/json; charset=utf-8"
    shown = document(client)
    assert shown["version"] == "1.2.3"
    assert shown["fleet"] == {
        "accounts": {"pending": 0, "ok": 1, "failing": 1, "stale": 0, "unsupported": 0},
        "open_cases": 1,
        "open_cases_by_severity": dict.fromkeys(SEVERITY_CODES, 0) | {"low": 1},
        "open_cases_waiting_on": {"aws": 1, "customer": 0},
        "first_response_overdue": 1,
    }
    assert [account["account_name"] for account in shown["accounts"]] == ["broken", "well"], "the worst comes first"
    assert [account["plan"] for account in shown["accounts"]] == ["enterprise"] * 2
    assert "trust policy" in shown["accounts"][0]["advice"]
    assert shown["accounts"][1]["open_cases_by_severity"]["low"] == 1
    assert shown["accounts"][1]["first_response_overdue"] == 1
    assert "cases" not in shown["accounts"][1]
    assert "ListAccounts" in shown["organizations"][0]["advice"]


def owned(name: str, account_id: str, unit: str, **tags: str) -> AccountStatus:
    known = status(name, account_id)
    labels: dict[str, Any] = {"labels": (("a", "1"),), "tags": tuple(tags.items())}
    return replace(known, account=replace(known.account, organizational_unit=unit, **labels))


def test_accounts_are_found_by_unit_and_label_on_the_page_and_in_json(serve: Serve) -> None:
    core = owned("one", "111111111111", "Root/Work loads/Prod", team="core")
    client = serve(core, owned("two", "222222222222", "Root/Test", team="core", a="2"))

    def found(wanted: str) -> list[str]:
        shown = json.loads(client.get(f"/api/v1/status?filter={wanted}").body)
        assert shown["fleet"]["accounts"]["ok"] == 2, "the fleet is shown whole"
        return [account["account_name"] for account in shown["accounts"]]

    assert found("root/work%20loads") == ["one"]
    assert found("TEAM=core+root/test") == ["two"]
    both = ["one", "two"]
    assert [found(wanted) for wanted in ("team=core", "label_team=core", "team=none", "")] == [both, both, [], both]
    first, second = document(client)["accounts"]
    assert (first["organizational_unit"], first["labels"]) == ("Root/Work loads/Prod", {"a": "1", "team": "core"})
    assert second["labels"] == {"a": "1", "team": "core"}, "configured labels win"
    assert "<small> · Root/Work loads/Prod</small><small> · a=1</small><small> · team=core</small>" in row(client, "one")
    page = client.get("/").text
    assert 'data-words="one 111111111111 us-east-1  root/work loads/prod state:ok  label_a=1 label_team=core' in page


def test_units_and_tags_that_cannot_be_read_are_told_with_what_to_do(serve: Serve) -> None:
    denied = finding("acme", {}, Reason.ACCESS_DENIED, "ListTagsForResource: AccessDeniedException")
    client = serve(status("well"), organizations=[OrganizationStatus("acme", 3, NOW - 5, warnings=(denied,))])
    page = client.get("/").text
    assert "<b>Reading units or tags of accounts of acme failed</b> (access_denied)." in page
    assert "<br>allow organizations:ListTagsForResource" in page
    assert "All accounts polled" in page
    assert document(client)["organizations"][0]["warnings"] == ["ListTagsForResource: AccessDeniedException"]


def test_what_is_not_known_of_an_account_is_neither_zero_nor_a_count(serve: Serve) -> None:
    client = serve(status("well", cases=()), BROKEN)
    unread, read = document(client)["accounts"]
    for name in ("open_cases", "open_cases_by_severity", "first_response_overdue", "last_success"):
        assert unread[name] is None
        assert read[name] is not None
    assert (cell(client, "broken", "open"), cell(client, "well", "open")) == ("unknown", "0")
    assert (figure(client, "Open cases"), figure(client, "First response overdue")) == ("0", "0")


def test_nothing_is_zero_where_no_account_could_be_read(serve: Serve) -> None:
    client = serve(BROKEN)
    fleet = document(client)["fleet"]
    assert {name for name, value in fleet.items() if value is None} == fleet.keys() - {"accounts"}
    for title in ("Open cases", "Waiting on you", "First response overdue"):
        assert figure(client, title) == "\N{EN DASH}"
    assert client.get("/").text.count("no successful poll yet") == 3


def test_a_stale_fleet_says_when_it_was_polled_last(serve: Serve) -> None:
    read = replace(status("a"), last_success=NOW - DAY)
    page = serve(read, replace(read, account=replace(read.account, account_id="2"), last_success=NOW - 2 * DAY)).get("/").text
    assert page.count('<p class="told">last polled 1 d ago</p>') == 3
    assert "<h2>Polling failed for 2 of 2 accounts</h2>" in page


def test_when_the_next_poll_is_due_is_told(serve: Serve) -> None:
    client = serve(replace(status("soon"), next_poll=NOW + 90), replace(status("late", "222222222222"), next_poll=NOW - 1))
    assert {account["account_name"]: account["next_poll"] for account in document(client)["accounts"]} == {
        "soon": NOW + 90,
        "late": NOW - 1,
    }
    assert (row(client, "soon").count(">in 1 min</td>"), row(client, "late").count(">now</td>")) == (1, 1)


def test_whose_turn_it_is_is_told(serve: Serve) -> None:
    asked, answer = Communication(NOW - 60, Author.CUSTOMER), Communication(NOW - 30, Author.AWS)
    written = {
        ("pending-customer-action", answer): ("customer", NOW - 30, "you, 30 s"),
        ("work-in-progress", answer): ("aws", NOW - 60, "AWS, 1 min"),  # an interim update
        ("opened", asked): ("aws", NOW - 60, "AWS, 1 min"),
    }
    cases = tuple(
        replace(CASE, case_id=f"case-{n}", display_id=str(n), status=state, latest=last, packed=pack((asked, last)[: n + 1]))
        for n, (state, last) in enumerate(reversed(written))
    )
    client = serve(status("a", cases=cases), policy=WITH_CASES)
    assert document(client)["fleet"]["open_cases_waiting_on"] == {"aws": 2, "customer": 1}
    listed = {case["display_id"]: case for case in document(client)["accounts"][0]["cases"]}
    turns = dict(re.findall(r"displayId=(\d).*?<td>((?:AWS|you), [^<]*)", row(client, "a")))
    told = [(each["waiting_on"], each["waiting_since"], turns[name]) for name, each in sorted(listed.items(), reverse=True)]
    assert told == [*written.values()]
    assert figure(client, "Waiting on you") == "1"


@pytest.mark.parametrize(
    ("partition", "console"),
    [
        ("aws", "https://support.console.aws.amazon.com/support/home"),
        ("aws-cn", "https://console.amazonaws.cn/support/home"),
        ("aws-us-gov", "https://console.amazonaws-us-gov.com/support/home"),
        ("aws-iso", None),
    ],
)
def test_a_case_leads_to_the_console_of_its_partition(serve: Serve, partition: str, console: str | None) -> None:
    client = serve(status("a", partition=partition), policy=WITH_CASES)
    url = None if console is None else f"{console}#/case/?displayId=1"
    assert document(client)["accounts"][0]["cases"][0]["url"] == url
    assert re.findall(r'<a href="([^"]*)" rel="noreferrer" target="_blank">1</a>', row(client, "a")) == ([url] if url else [])


def test_an_own_account_that_cannot_be_found_is_told_with_what_to_do(serve: Serve) -> None:
    page = serve(organizations=[OrganizationStatus("", 0, None, Reason.CREDENTIALS, "none found")]).get("/").text
    assert "<title>Looking up own account failed - AWS Support</title>" in page
    assert "give the exporter valid AWS credentials" in page
    assert "none found" in page
    assert "<h3>Organizations</h3>" not in page


def test_what_several_accounts_fail_for_is_told_once_and_their_rows_keep_the_state(serve: Serve) -> None:
    why = Reason.CREDENTIALS, "the default credential chain: <none>"
    failing = [replace(status(f"a{n}", f"{n:012}", *why), next_poll=NOW + 40 + n) for n in range(3)]
    odd = status("odd", "222222222222", Reason.TIMEOUT, "slow")
    client = serve(*failing, odd, organizations=[OrganizationStatus("acme", 3, NOW - 90, *why)])
    text = client.get("/").text
    linked = '<a href="#filter=credentials" data-filter="credentials">3 accounts</a>'
    what = (
        f"<b>Listing accounts of acme failed</b>, last success 1 min ago; <b>Polling failed for {linked}</b>, retries in 40 s"
    )
    assert re.findall(r'<p class="alert bad">(.*?)<br>', text) == [
        f"{what} (credentials). SIGHUP or POST /-/reload retries now."
    ]
    assert (
        text.count("give the exporter valid AWS credentials") == text.count("the default credential chain: &lt;none&gt;") == 1
    )
    assert cell(client, "a1", "at").split() == ["failing", "credentials"]
    assert 'class="why"' not in row(client, "a1")
    assert "<small>slow</small>" in row(client, "odd")


def overdue(number: int, severity_code: str) -> Case:
    return replace(CASE, case_id=f"case-{number}", display_id=str(number), severity_code=severity_code, created=NOW - 2 * DAY)


EMPTY = OrganizationStatus("acme", 0, NOW, Reason.NO_ACCOUNTS, "ListAccounts: 3 accounts, none matches include and exclude")
SEVERE = (overdue(1, "critical"), overdue(2, "urgent"), overdue(3, "urgent"), overdue(4, "low"))


@pytest.mark.parametrize(
    ("statuses", "organizations", "mood", "headline", "more"),
    [
        (
            (BROKEN, status("a", cases=SEVERE)),
            [EMPTY],
            "bad",
            "First response overdue: 1 critical and 2 urgent",
            "Polling failed for 1 of 2 accounts. Listing accounts of 1 organization failed. 1 other first response overdue.",
        ),
        ((BROKEN, status("a")), [], "bad", "Polling failed for 1 of 2 accounts", ""),
        ((status("a", cases=(overdue(1, "high"),)),), [], "warn", "1 first response overdue", "All accounts polled."),
        ((status("a"),), [EMPTY], "bad", "Listing accounts of 1 organization failed", "All accounts polled."),
        ((), [EMPTY], "bad", "Listing accounts of 1 organization failed", ""),
        ((), [], "warn", "Discovering accounts", ""),
        ((AccountStatus(BROKEN.account), status("a")), [], "warn", "1 of 2 accounts not polled yet", ""),
        ((status("a"),), [], "good", "All accounts polled", ""),
    ],
)
def test_what_matters_most_is_the_headline(
    statuses: tuple[AccountStatus, ...],
    organizations: list[OrganizationStatus],
    mood: str,
    headline: str,
    more: str,
    serve: Serve,
) -> None:
    page = serve(*statuses, organizations=organizations).get("/").text
    assert f'<section class="verdict {mood}"><h2>{headline}</h2><p>{more}</p></section>' in page
    assert f"<title>{headline} - AWS Support</title>" in page


def test_an_organization_without_accounts_is_told_with_what_to_do(serve: Serve) -> None:
    page = serve(organizations=[EMPTY]).get("/").text
    assert '<p class="alert bad"><b>Listing accounts of acme failed</b>, last success 0 s ago (no_accounts).' in page
    assert "<br>fix include and exclude" in page
    assert f"<br>{EMPTY.detail}</p>" in page
    assert "POST /-/reload retries now." in page
    alone = serve(organizations=[EMPTY], lifecycle=False).get("/").text
    assert "(no_accounts). SIGHUP retries now.<br>" in alone, "requests may not reload"


def test_accounts_that_left_at_once_are_a_warning_and_a_demo_has_a_notice(serve: Serve) -> None:
    left = finding("acme", {})._replace(detail="25 of 31 accounts left at once: <a>", advice="check the organization")
    organization = OrganizationStatus("acme", 6, NOW, warnings=(left,))
    page = serve(status("a"), organizations=[organization], notice="Demo: <b>").get("/").text
    told = "<b>Many accounts of acme left</b><br>check the organization<br>25 of 31 accounts left at once: &lt;a&gt;"
    notice = '<p class="alert note">Demo: &lt;b&gt;</p>'
    assert re.findall(r'<p class="alert .*', page) == [notice, f'<p class="alert warn">{told}</p>']


def test_columns_that_are_the_same_for_all_are_hidden_and_bars_have_one_scale(serve: Serve) -> None:
    def hidden(*statuses: AccountStatus) -> str:
        return str(re.findall(r'<table id="accounts" class="(.*?)">', serve(*statuses).get("/").text)[0])

    few, many = (status(name, name, cases=cases(count)) for name, count in (("1", 2), ("2", 8)))
    assert hidden(few, many) == "same-2 same-3 same-5 same-6 same-7"
    elsewhere = replace(many, account=replace(many.account, region="eu-west-1"), next_poll=NOW)
    assert hidden(few, elsewhere) == "same-3 same-5 same-6"
    assert hidden(few) == ""
    client = serve(few, many)
    assert [re.findall(r'class="low".*?width="(.*?)"', row(client, name)) for name in "12"] == [["25.00"], ["100.00"]]


@pytest.mark.parametrize(
    ("changed", "age", "target"),
    [
        ({"created": NOW - 60}, "1 min", "<td>1 d, due in 23 h</td>"),
        ({"created": NOW - DAY - 7200}, "1 d", '<td class="late">1 d, overdue for 2 h</td>'),
        ({"first_aws": NOW - 30}, "1 min", "<td>1 d</td>"),
        ({"service_code": "billing"}, "1 min", "<td>-</td>"),
    ],
)
def test_a_case_shows_its_age_silence_wait_and_target(changed: dict[str, Any], age: str, target: str, serve: Serve) -> None:
    case = replace(CASE, **{"latest": Communication(NOW - 30, Author.CUSTOMER), **changed})
    known = status("a", cases=(case,))
    known = replace(known, account=replace(known.account, targets=targets(SupportPlan.ENTERPRISE)))
    assert f"<td>{age}</td><td>30 s</td><td>AWS, {age}</td>{target}" in row(serve(known, policy=WITH_CASES), "a")


def cases(count: int) -> tuple[Case, ...]:
    return tuple(replace(CASE, case_id=f"case-{number}", display_id=str(number)) for number in range(count))


@pytest.mark.parametrize(
    ("policy", "on_page", "in_json"),
    [(POLICY, 0, None), (replace(POLICY, case_limit=0), 0, 0), (replace(POLICY, case_limit=7), 7, 7), (WITH_CASES, 50, 60)],
)
def test_single_cases_are_told_where_their_series_are_on(
    serve: Serve, policy: Policy, on_page: int, in_json: int | None
) -> None:
    client = serve(status("a", cases=cases(60)), policy=policy)
    assert row(client, "a").count("displayId=") == on_page
    assert (f"<summary>{on_page} cases of 60</summary>" in row(client, "a")) == bool(on_page)
    listed = document(client)["accounts"][0].get("cases")
    assert (None if listed is None else len(listed)) == in_json


def test_subjects_are_told_where_they_are_on(serve: Serve) -> None:
    for policy, is_told in ((WITH_CASES, False), (WITH_SUBJECTS, True)):
        client = serve(status("payments"), policy=policy)
        assert (document(client)["accounts"][0]["cases"][0].get("subject") == "Secret plans") == is_told
        assert ("Secret plans" in client.get("/").text + client.get("/api/v1/status").text) == is_told


def test_problems_of_the_configuration_file_are_told_and_which_shard_this_is(serve: Serve) -> None:
    problems = [f"config.yaml:{line}: odd" for line in range(1, 8)]
    page = serve(problems=problems, shard=lambda: "This is shard 1 of 3.").get("/").text
    assert "<br>".join(problems[:5]) + "<br>and 2 more" in page
    assert "This is shard 1 of 3." in page


def test_events_are_on_the_page_where_there_is_a_queue(serve: Serve) -> None:
    assert "<h3>Events</h3>" not in serve().get("/").text
    assert "events" not in document(serve())

    def serve_with(queue: EventQueueStatus) -> Serving:
        return serve(report=lambda: replace(report_of([]), events=queue))

    queue = EventQueueStatus("https://queue", up=True, last_receive=NOW - 3, last_event=NOW - 7, count=5, delay=1.4)
    client = serve_with(queue)
    assert figure(client, "Events") == "5"
    assert "last one 7 s ago, shown after 1 s" in client.get("/").text
    assert document(client)["events"] == {
        "url": "https://queue",
        "up": True,
        "last_receive": NOW - 3,
        "last_event": NOW - 7,
        "delay": 1.4,
        "reason": None,
        "detail": "",
        "advice": "",
    }
    detail = f"ReceiveMessage: QueueDoesNotExist {HOSTILE}"
    client = serve_with(replace(queue, up=False, reason=Reason.ACCESS_DENIED, detail=detail))
    assert "<b>Receiving events failed</b>, last success 3 s ago (access_denied)." in client.get("/").text
    assert "create the queue, or fix events.queue_url" in client.get("/").text
    assert HOSTILE not in client.get("/").text
    assert document(client)["events"]["advice"]
