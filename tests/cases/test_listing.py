"""Which cases a query finds, in which order, page by page."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.cases.changes import Changes
from exporter.cases.listing import Query, page, problem
from exporter.cases.model import Account, Case, Reading, Reason
from exporter.cases.policy import Policy
from exporter.cases.report import FleetReport, OrganizationStatus, fleet_report
from exporter.cases.status import AccountStatus, Poll
from tests.support.cases import NOW, case, fleets

PARAMETERS = "account, organization, severity, service, status, waiting_on, overdue, filter, limit, page_token"
OPEN = "opened, pending-amazon-action, pending-customer-action, reopened, unassigned, work-in-progress"
POLICY = Policy(1800.0, case_limit=0)
A, B, C = "111111111111", "222222222222", "333333333333"


def read(account_id: str, *cases: Case, organization: str = "", at: float = NOW) -> AccountStatus:
    account = Account(account_id, f"name of {account_id[0]}", "us-east-1", "aws", organization)
    return AccountStatus(account).after_success(Reading(at, cases), Poll(at, 0.5), Changes())


def report(*statuses: AccountStatus, organizations: tuple[OrganizationStatus, ...] = ()) -> FleetReport:
    return fleet_report(statuses, organizations, POLICY, NOW)


def query(text: str) -> Query:
    return [(name, value) for pair in text.split() for name, _, value in [pair.partition("=")]]


def ids(found: FleetReport, text: str) -> list[str]:
    return [one.case_id for _, one in page(found, query(text))[0]]


FLEET = report(
    read(
        A,
        case("late", severity_code="critical", created=NOW - 901),
        case("soon", severity_code="critical", created=NOW - 900),
        replace(case("ours", status="pending-customer-action", severity_code="low"), service_code="service-eks"),
        organization="acme",
    ),
    read(B, case("odd", status="odd", severity_code="odd", created=None)),
    organizations=(OrganizationStatus("acme", 1, NOW),),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "late soon ours odd"),
        (f"account={A}", "late soon ours"),
        (f"account={A} account={B}", "late soon ours odd"),
        ("organization=acme", "late soon ours"),
        ("severity=critical", "late soon"),
        ("severity=low severity=odd", "ours odd"),
        ("service=service-eks", "ours"),
        ("service=none", ""),
        ("status=opened", "late soon"),
        ("status=odd status=reopened", "odd"),
        ("waiting_on=customer", "ours"),
        ("overdue=true", "late"),
        ("overdue=false", "soon ours odd"),
        ("overdue=true overdue=false", "late soon ours odd"),
        ("filter=NAME", "late soon ours odd"),
        ("filter=2222", "odd"),
        (f"severity=critical overdue=false account={A} filter=acme", "soon"),
        (f"severity=critical account={B}", ""),
        ("limit=1", "late"),
    ],
)
def test_a_case_is_found_that_has_one_value_of_each_parameter(text: str, expected: str) -> None:
    assert problem(FLEET, query(text)) == ""
    assert ids(FLEET, text) == expected.split()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("severity=crit", "severity: write low, normal, high, urgent, critical, odd"),
        ("status=resolved", f"status: write customer-action-completed, odd, {OPEN}"),
        ("organization=acne", "organization: write acme"),
        ("waiting_on=us", "waiting_on: write aws, customer"),
        ("overdue=1", "overdue: write true, false"),
        ("limit=0", "limit: write 1 to 1000"),
        ("limit=1001", "limit: write 1 to 1000"),
        ("limit=", "limit: write 1 to 1000"),
        ("limit=5 limit=6", "limit: write it once"),
        ("filter=a filter=b", "filter: write it once"),
        ("severity=low Severity=low", f"unknown parameter 'Severity': write {PARAMETERS}"),
    ],
)
def test_what_cannot_be_asked_for_is_told_with_what_can(text: str, said: str) -> None:
    assert problem(FLEET, query(text)) == said


def test_the_most_severe_come_first_then_the_longest_quiet_of_all_accounts() -> None:
    ages = {"critical": (5, 7), "normal": (1, 9), "low": (3, 100)}
    names = {severity: [f"{severity} {age}" for age in sorted(found, reverse=True)] for severity, found in ages.items()}
    cases = [
        case(f"{severity} {age}", severity_code=severity, created=NOW - age)
        for severity, found in ages.items()
        for age in found
    ]
    found = report(read(A, *cases[::2]), read(B, *cases[1::2], case("odd", severity_code="odd", created=0.0)))
    assert ids(found, "") == [*names["critical"], *names["normal"], *names["low"], "odd"]


@given(fleets, fleets, st.integers(1, 5), st.data())
def test_page_by_page_each_case_comes_once_though_others_go_meanwhile(
    first: list[Case], second: list[Case], limit: int, data: st.DataObject
) -> None:
    left = {A: {one.case_id: one for one in first}, B: {one.case_id: one for one in second}}
    every = [*left[A], *left[B]]
    seen: list[str] = []
    token: str | None = ""
    while token is not None:
        found = report(*(read(account_id, *cases.values()) for account_id, cases in left.items()))
        shown, numbers = page(found, [("limit", str(limit)), ("page_token", token or "")])
        assert numbers["total"] == sum(map(len, left.values()))
        assert len(shown) == limit or numbers["next"] is None
        seen += [one.case_id for _, one in shown]
        token = numbers["next"]
        for account_id, cases in left.items():
            gone = data.draw(st.sets(st.sampled_from(sorted(cases)))) if cases else ()
            left[account_id] = {case_id: one for case_id, one in cases.items() if case_id not in gone}
    assert len(seen) == len(set(seen))
    assert {*left[A], *left[B]} <= {*seen} <= {*every}


def test_cases_with_one_id_in_several_accounts_come_on_a_page_each() -> None:
    fleet, found = report(*(read(each, case("same")) for each in (A, B, C))), list[str]()
    token: str | None = ""
    while token is not None:
        ((account, _),), numbers = page(fleet, [("limit", "1"), ("page_token", token)])
        found.append(account.status.account.account_id)
        token = numbers["next"]
    assert found == [A, B, C]


def test_what_is_not_known_is_counted_and_not_taken_for_no_case() -> None:
    stale = read(B, case("old"), organization="acme", at=NOW - 1801)
    never = AccountStatus(Account(C, "never read", "us-east-1", "aws"))
    without = read("444444444444").after_failure(Reason.SUBSCRIPTION_REQUIRED, Poll(NOW, 0.1, Reason.SUBSCRIPTION_REQUIRED))
    organizations = (OrganizationStatus("acme", 1, NOW), OrganizationStatus("new", 0), OrganizationStatus("", 0))
    found = report(read(A, case("1")), stale, never, without, organizations=organizations)

    def numbers(text: str = "") -> tuple[int, ...]:
        shown = page(found, query(text))[1]
        return shown["total"], shown["missing_accounts"], shown["missing_organizations"]

    assert numbers() == (1, 2, 2)
    assert numbers("organization=acme") == (0, 1, 0)
    assert numbers("organization=new organization=acme") == (0, 1, 1)
    assert numbers(f"account={A}")[:2] == (1, 0)
    assert numbers(f"account={C}")[:2] == (0, 1)
    assert numbers("account=555555555555")[:2] == (0, 1), "one that is not polled here"
