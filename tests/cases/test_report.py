from dataclasses import replace

import pytest

from exporter.cases.changes import Changes
from exporter.cases.model import Account, Author, Case, Communication, Reading, Reason
from exporter.cases.policy import Policy
from exporter.cases.report import AccountReport, FleetReport, OrganizationStatus, fleet_report
from exporter.cases.status import AccountState, AccountStatus, Poll
from tests.support.cases import NOW, answered, case

STALENESS = 1800.0
A, B = "111111111111", "222222222222"


def account(account_id: str, name: str = "") -> AccountStatus:
    return AccountStatus(Account(account_id, name or account_id, "us-east-1", "aws"))


def read(status: AccountStatus, *cases: Case, at: float = NOW) -> AccountStatus:
    return status.after_success(Reading(at, cases), Poll(at, 0.5), Changes())


def failed(status: AccountStatus, reason: Reason, detail: str = "") -> AccountStatus:
    return status.after_failure(reason, Poll(NOW, 0.5, reason, detail))


def report(*statuses: AccountStatus) -> FleetReport:
    return fleet_report(statuses, [], Policy(STALENESS), NOW)


def report_of(status: AccountStatus) -> AccountReport:
    (found,) = report(status).accounts
    return found


def names(found: FleetReport) -> list[str]:
    return [each.status.account.name for each in found.accounts]


def test_accounts_stand_by_state_worst_first() -> None:
    statuses = {
        AccountState.UNSUPPORTED: failed(account("1"), Reason.SUBSCRIPTION_REQUIRED),
        AccountState.OK: read(account("2")),
        AccountState.PENDING: account("3"),
        AccountState.FAILING: failed(read(account("4")), Reason.TIMEOUT),
        AccountState.STALE: failed(read(account("5"), at=NOW - STALENESS - 1), Reason.TIMEOUT),
    }
    found = report(*statuses.values())
    assert [each.state for each in found.accounts] == list(reversed(statuses))
    assert found.states == dict.fromkeys(AccountState, 1)


def test_of_one_state_the_most_severe_cases_come_first_then_overdue_ones_then_names_in_any_case() -> None:
    late = case(severity_code="critical", created=NOW - 901)
    found = report(
        read(account("1", "alpha")),
        read(account("2", "Beta")),
        read(account("4", "gamma")),
        read(account("3", "gamma")),
        read(account("5", "one high"), case(severity_code="high")),
        read(account("6", "many low"), *(case(str(n), severity_code="low") for n in range(9))),
        read(account("7", "critical"), answered(NOW - 901, NOW, severity_code="critical")),
        read(account("8", "overdue"), late),
        read(account("9", "two critical"), *(case(str(n), severity_code="critical", created=NOW) for n in range(2))),
    )
    expected = ["two critical", "overdue", "critical", "one high", "many low", "alpha", "Beta", "gamma", "gamma"]
    assert names(found) == expected
    assert [each.status.account.account_id for each in found.accounts[-2:]] == ["3", "4"]


def test_cases_stand_by_severity_then_by_how_long_they_are_quiet_then_by_id() -> None:
    ids = {
        "critical": case("critical", severity_code="critical"),
        "low, no time": case("low, no time", severity_code="low", created=None),
        "low, long quiet": case("low, long quiet", severity_code="low", created=NOW - 900),
        "low, a": case("low, a", severity_code="low", created=NOW - 800),
        "low, b": case("low, b", severity_code="low", created=NOW - 800),
        "unheard of": case("unheard of", severity_code="odd"),
    }
    cases = report_of(read(account("1"), *reversed(ids.values()))).cases
    assert cases is not None
    assert [each.case_id for each in cases] == list(ids)


def test_the_longest_silence_is_that_of_the_quietest_case() -> None:
    quiet, busy = (case(str(at), created=0.0, latest=Communication(at, Author.AWS)) for at in (100.0, 200.0))
    assert report_of(read(account("1"), busy, quiet, case("3", created=None))).quiet_since == 100.0


@pytest.mark.parametrize("status", [account("1"), read(account("1")), read(account("1"), case(created=None))])
def test_without_any_time_nothing_is_quiet(status: AccountStatus) -> None:
    assert report_of(status).quiet_since is None


def test_counts_are_of_cases_that_may_be_shown() -> None:
    old = read(account("1"), case(severity_code="urgent"), at=NOW - STALENESS - 1)
    overdue = case("2", severity_code="critical", created=NOW - 901)
    found = report(
        old,
        account("2"),
        read(account("3"), overdue, replace(answered(NOW - 9, NOW, "3"), status="pending-customer-action")),
        read(account("4"), case("4")),
    )
    assert found.severities == {"low": 0, "normal": 2, "high": 0, "urgent": 0, "critical": 1}
    assert found.turns == {Author.AWS: 2, Author.CUSTOMER: 1}
    assert found.overdue == 1
    shown = {each.status.account.account_id: each for each in found.accounts}
    assert shown["1"].cases is shown["2"].cases is None
    assert shown["3"].overdue == {"2"}
    assert shown["3"].severities == {"low": 0, "normal": 1, "high": 0, "urgent": 0, "critical": 1}


@pytest.mark.parametrize("status", [account("1"), read(account("1"))], ids=["not polled", "well"])
def test_what_did_not_fail_has_no_reason_and_needs_no_advice(status: AccountStatus) -> None:
    found = report_of(status)
    assert (found.reason, found.detail, found.advice) == (None, "", "")


@pytest.mark.parametrize(
    ("reason", "detail", "expected"),
    [
        (Reason.ASSUME_ROLE_DENIED, "not authorized to perform: sts:TagSession", "allow sts:TagSession"),
        (Reason.ASSUME_ROLE_DENIED, "AccessDenied", "create the role"),
        (Reason.THROTTLED, "", "raise poll.interval"),
    ],
)
def test_a_failure_is_told_with_what_was_said_and_what_to_do(reason: Reason, detail: str, expected: str) -> None:
    found = report_of(failed(account("1"), reason, detail))
    assert (found.reason, found.detail) == (reason, detail)
    assert found.advice.startswith(expected)


@pytest.mark.parametrize(
    ("reason", "detail", "expected"),
    [
        (None, "", ""),
        (Reason.ACCESS_DENIED, "ListAccounts: AccessDeniedException", "allow organizations:ListAccounts, in the management"),
        (
            Reason.ACCESS_DENIED,
            "ListAccounts: AWSOrganizationsNotInUseException",
            "set role_arn of this entry of organizations",
        ),
        (Reason.ASSUME_ROLE_DENIED, "sts:TagSession", "allow sts:TagSession"),
        (Reason.THROTTLED, "ListAccounts: TooManyRequestsException", "raise refresh_interval"),
    ],
)
def test_an_organization_that_cannot_be_listed_gets_advice(reason: Reason | None, detail: str, expected: str) -> None:
    found = OrganizationStatus("acme", 3, NOW, reason, detail).advice
    assert found.startswith(expected)
    assert bool(found) is bool(expected)


def test_organizations_keep_their_order() -> None:
    organizations = [OrganizationStatus("b", 1), OrganizationStatus("a", 2)]
    assert fleet_report([], iter(organizations), Policy(STALENESS), NOW).organizations == tuple(organizations)


ROLE = "arn:aws:iam::{}:role/team/{}"


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("no credentials", "no credentials", "no credentials"),
        (f"not on {ROLE.format(A, 'x')}", f"not on {ROLE.format(B, 'x')}", f"not on {ROLE.format('ACCOUNT', 'x')}"),
        (f"not on {ROLE.format(A, 'x')}", f"not on {ROLE.format(A, 'x')}", None),  # another's role is something else
        ("no credentials", "no answer", None),
    ],
)
def test_failures_are_alike_that_differ_in_the_accounts_own_id(first: str, second: str, said: str | None) -> None:
    failing = [failed(account(name), Reason.ASSUME_ROLE_DENIED, detail) for name, detail in ((A, first), (B, second))]
    found = report(*failing, failed(account("3"), Reason.TIMEOUT, first), read(account("4"))).shared_failures
    assert [(each.names, each.detail) for each in found] == ([] if said is None else [((A, B), said)])


def test_what_most_cannot_be_read_for_comes_first_and_no_plan_is_no_failure() -> None:
    few = [failed(account(str(n)), Reason.TIMEOUT, "slow") for n in (1, 2)]
    many = [failed(account(str(n)), Reason.CREDENTIALS, "none") for n in (3, 4, 5)]
    unsupported = [failed(account(str(n)), Reason.SUBSCRIPTION_REQUIRED, "no plan") for n in range(6, 11)]
    found = report(*few, *many, *unsupported).shared_failures
    assert [(each.reason, len(each.names)) for each in found] == [(Reason.CREDENTIALS, 3), (Reason.TIMEOUT, 2)]
    assert found[0].advice.startswith("give the exporter")
