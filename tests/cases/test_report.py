"""What becomes of what is known of an account, poll after poll, and how the fleet is doing."""

from dataclasses import replace

import pytest

from exporter.cases.model import Author, Reason
from exporter.cases.policy import Policy
from exporter.cases.report import AccountReport, FleetReport, fleet_report
from exporter.cases.status import AccountState, AccountStatus
from tests.support.cases import NOW, account, answered, case, failed, read

STALENESS = 1800.0
A, B = "111111111111", "222222222222"
NEW = account()


def report(*statuses: AccountStatus) -> FleetReport:
    return fleet_report(statuses, [], Policy(STALENESS), NOW)


def report_of(status: AccountStatus) -> AccountReport:
    (found,) = report(status).accounts
    return found


def test_an_account_fails_since_the_first_of_the_failures_in_a_row() -> None:
    once = failed(read(NEW, at=NOW), at=NOW + 300)
    twice = failed(once, at=NOW + 600)
    well = read(twice, at=NOW + 900)
    again = failed(well, at=NOW + 1200)
    assert [each.failing_since for each in (NEW, once, twice, well, again)] == [None, NOW + 300, NOW + 300, None, NOW + 1200]


def test_an_account_that_lost_its_plan_shows_nothing_until_it_is_read_again() -> None:
    lost = failed(read(NEW, case()), Reason.SUBSCRIPTION_REQUIRED)
    assert (lost.state(NOW, STALENESS), lost.shown_reading(NOW, STALENESS)) == (AccountState.UNSUPPORTED, None)
    assert failed(lost).state(NOW, STALENESS) is AccountState.UNSUPPORTED, "a failure does not tell of the plan"
    assert read(failed(lost)).state(NOW, STALENESS) is AccountState.OK


def test_accounts_stand_by_state_worst_first() -> None:
    statuses = {
        AccountState.UNSUPPORTED: failed(account("1"), Reason.SUBSCRIPTION_REQUIRED),
        AccountState.OK: read(account("2")),
        AccountState.PENDING: account("3"),
        AccountState.FAILING: failed(read(account("4"))),
        AccountState.STALE: failed(read(account("5"), at=NOW - STALENESS - 1)),
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
    assert "".join(each.status.account.account_id for each in found.accounts) == "987561234"


def test_cases_stand_by_severity_then_by_how_long_they_are_quiet_then_by_id() -> None:
    expected = [
        case("critical", severity_code="critical"),
        case("low, no time", severity_code="low", created=None),
        case("low, long quiet", severity_code="low", created=NOW - 900),
        case("low, a", severity_code="low", created=NOW - 800),
        case("low, b", severity_code="low", created=NOW - 800),
        case("unheard of", severity_code="odd"),
    ]
    found = report_of(read(NEW, *reversed(expected)))
    assert found.cases == tuple(expected)
    assert found.quiet_since == NOW - 1000
    for status in (NEW, read(NEW), read(NEW, expected[1])):
        assert report_of(status).quiet_since is None


def test_counts_are_of_cases_that_may_be_shown() -> None:
    overdue = case("2", severity_code="critical", created=NOW - 901)
    found = report(
        read(account("1"), case(severity_code="urgent"), at=NOW - STALENESS - 1),
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


ROLE = "not on arn:aws:iam::{}:role/team/x"


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("no credentials", "no credentials", "no credentials"),
        (ROLE.format(A), ROLE.format(B), ROLE.format("ACCOUNT")),
        (ROLE.format(A), ROLE.format(A), None),  # another's role is something else
        ("no credentials", "no answer", None),
    ],
)
def test_failures_are_alike_that_differ_in_the_accounts_own_id(first: str, second: str, said: str | None) -> None:
    failing = [failed(account(name), Reason.ASSUME_ROLE_DENIED, detail) for name, detail in ((A, first), (B, second))]
    found = report(*failing, failed(account("3"), detail=first), read(account("4"))).shared_failures
    assert [(each.names, each.detail) for each in found] == ([] if said is None else [((A, B), said)])


def test_what_most_cannot_be_read_for_comes_first_and_no_plan_is_no_failure() -> None:
    reasons = [Reason.TIMEOUT] * 2 + [Reason.CREDENTIALS] * 3 + [Reason.SUBSCRIPTION_REQUIRED] * 5
    found = report(*(failed(account(str(n)), reason, "none") for n, reason in enumerate(reasons))).shared_failures
    assert [(each.reason, len(each.names)) for each in found] == [(Reason.CREDENTIALS, 3), (Reason.TIMEOUT, 2)]
    assert found[0].advice.startswith("give the exporter")
