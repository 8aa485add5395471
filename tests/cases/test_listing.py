"""Which cases a query finds, in which order, page by page."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.cases.listing import Query, page, problem
from exporter.cases.model import Case, Reason
from exporter.cases.policy import Policy
from exporter.cases.report import FleetReport, OrganizationStatus, fleet_report
from exporter.cases.status import AccountStatus
from tests.support.cases import NOW, account, case, failed, fleets, read

PARAMETERS = "account, organization, severity, service, status, waiting_on, overdue, filter, limit, page_token"
OPEN = "opened, pending-amazon-action, pending-customer-action, reopened, unassigned, work-in-progress"
A, B, C = "111111111111", "222222222222", "333333333333"


def report(*statuses: AccountStatus, organizations: tuple[OrganizationStatus, ...] = ()) -> FleetReport:
    return fleet_report(statuses, organizations, Policy(1800.0), NOW)


def query(text: str) -> Query:
    return [(name, value) for pair in text.split() for name, _, value in [pair.partition("=")]]


def ids(found: FleetReport, text: str) -> list[str]:
    return [one.case_id for _, one in page(found, query(text))[0]]


FLEET = report(
    read(
        account(A, "name of 1", "acme"),
        case("late", severity_code="critical", created=NOW - 901),
        case("soon", severity_code="critical", created=NOW - 900),
        replace(case("ours", status="pending-customer-action", severity_code="low"), service_code="service-eks"),
    ),
    read(account(B, "name of 2"), case("odd", status="odd", severity_code="odd", created=None)),
    organizations=(OrganizationStatus("acme", 1, NOW),),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "late soon ours odd"),
        (f"account={A} account={B}", "late soon ours odd"),
        ("organization=acme", "late soon ours"),
        ("severity=low severity=odd", "ours odd"),
        ("service=service-eks", "ours"),
        ("status=odd status=reopened", "odd"),
        ("waiting_on=customer", "ours"),
        ("overdue=true", "late"),
        ("overdue=true overdue=false", "late soon ours odd"),
        ("filter=NAME", "late soon ours odd"),
        ("filter=2222", "odd"),
        (f"severity=critical overdue=false account={A} filter=acme", "soon"),
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
        ("limit=1001", "limit: write 1 to 1000"),
        ("limit=5 limit=6", "limit: write it once"),
        ("severity=low Severity=low", f"unknown parameter 'Severity': write {PARAMETERS}"),
    ],
)
def test_what_cannot_be_asked_for_is_told_with_what_can(text: str, said: str) -> None:
    assert problem(FLEET, query(text)) == said


def test_the_most_severe_come_first_then_the_longest_quiet_of_all_accounts() -> None:
    order = ["critical 7", "critical 5", "normal 9", "normal 1", "low 100", "low 3", "odd 0"]
    cases = [case(name, severity_code=name.split()[0], created=NOW - int(name.split()[1])) for name in order]
    assert ids(report(read(account(A), *cases[::2]), read(account(B), *cases[1::2])), "") == order


@given(fleets, fleets, st.integers(1, 5), st.integers(2, 4))
def test_page_by_page_each_case_comes_once_though_others_go_meanwhile(
    first: list[Case], second: list[Case], limit: int, every: int
) -> None:
    left = {A: list(first), B: list(second)}
    seen: list[str] = []
    token: str | None = ""
    while token is not None:
        found = report(*(read(account(account_id), *cases) for account_id, cases in left.items()))
        shown, numbers = page(found, [("limit", str(limit)), ("page_token", token)])
        assert numbers["total"] == sum(map(len, left.values()))
        assert len(shown) == limit or numbers["next"] is None
        seen += [one.case_id for _, one in shown]
        token = numbers["next"]
        for cases in left.values():
            del cases[::every]
    assert len(seen) == len(set(seen))
    assert {one.case_id for cases in left.values() for one in cases} <= {*seen} <= {one.case_id for one in (*first, *second)}


def test_cases_with_one_id_in_several_accounts_come_on_a_page_each() -> None:
    fleet, found = report(*(read(account(each), case("same")) for each in (A, B, C))), list[str]()
    token: str | None = ""
    while token is not None:
        ((one, _),), numbers = page(fleet, [("limit", "1"), ("page_token", token)])
        found.append(one.status.account.account_id)
        token = numbers["next"]
    assert found == [A, B, C]


def test_what_is_not_known_is_counted_and_not_taken_for_no_case() -> None:
    stale = read(account(B, organization="acme"), case("old"), at=NOW - 1801)
    without = failed(read(account("444444444444")), Reason.SUBSCRIPTION_REQUIRED)
    organizations = (OrganizationStatus("acme", 1, NOW), OrganizationStatus("new", 0), OrganizationStatus("", 0))
    found = report(read(account(A), case("1")), stale, account(C), without, organizations=organizations)
    for text, expected in (
        ("", (1, 2, 2)),
        ("organization=acme", (0, 1, 0)),
        ("organization=new organization=acme", (0, 1, 1)),
        (f"account={A}", (1, 0, 2)),
        (f"account={C}", (0, 1, 2)),
        ("account=555555555555", (0, 1, 2)),  # which is not polled here
    ):
        numbers = page(found, query(text))[1]
        assert (numbers["total"], numbers["missing_accounts"], numbers["missing_organizations"]) == expected
