"""What becomes of what is known of an account, poll after poll."""

import pytest

from exporter.cases.changes import Changes
from exporter.cases.model import Account, Reading, Reason
from exporter.cases.status import AccountState, AccountStatus, Poll
from tests.support.cases import NOW, case

STALENESS = 1800.0
NEW = AccountStatus(Account("111111111111", "name", "us-east-1", "aws"))


def read(before: AccountStatus, at: float) -> AccountStatus:
    return before.after_success(Reading(at, (case(),)), Poll(at, 0.5), Changes())


def failed(before: AccountStatus, at: float, reason: Reason = Reason.TIMEOUT) -> AccountStatus:
    return before.after_failure(reason, Poll(at, 0.5, reason))


def test_an_account_fails_since_the_first_of_the_failures_in_a_row() -> None:
    once = failed(read(NEW, NOW), NOW + 300)
    twice = failed(once, NOW + 600)
    well = read(twice, NOW + 900)
    again = failed(well, NOW + 1200)
    assert [each.failing_since for each in (NEW, once, twice, well, again)] == [None, NOW + 300, NOW + 300, None, NOW + 1200]


@pytest.mark.parametrize(
    ("after", "state", "is_shown"),
    [
        (0.0, AccountState.FAILING, True),
        (STALENESS, AccountState.FAILING, True),
        (STALENESS + 0.001, AccountState.STALE, False),
    ],
)
def test_cases_are_shown_for_as_long_as_they_may_be_and_no_longer(
    after: float,
    state: AccountState,
    is_shown: bool,  # noqa: FBT001 - a column of the table
) -> None:
    status = failed(read(NEW, NOW), NOW + 1)
    assert status.state(NOW + after, STALENESS) is state
    assert status.shown_reading(NOW + after, STALENESS) == (status.reading if is_shown else None)


def test_an_account_that_lost_its_plan_shows_nothing_until_it_is_read_again() -> None:
    lost = failed(read(NEW, NOW), NOW + 1, Reason.SUBSCRIPTION_REQUIRED)
    assert (lost.state(NOW + 1, STALENESS), lost.shown_reading(NOW + 1, STALENESS)) == (AccountState.UNSUPPORTED, None)
    silent = failed(lost, NOW + 2)
    assert silent.state(NOW + 2, STALENESS) is AccountState.UNSUPPORTED, "a failure does not tell of the plan"
    assert read(silent, NOW + 3).state(NOW + 3, STALENESS) is AccountState.OK
