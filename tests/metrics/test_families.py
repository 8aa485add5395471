from dataclasses import replace

import pytest

from exporter.cases.changes import Changes
from exporter.cases.model import Account, Case, Reading, Reason
from exporter.cases.policy import Policy
from exporter.cases.status import AccountStatus, Poll
from exporter.metrics.families import account_lines
from exporter.metrics.instrumentation import Instrumentation
from exporter.metrics.renderer import Renderer
from tests.support.cases import NOW, answered, case
from tests.support.page import plain

STALENESS = 1800.0
POLICY = Policy(STALENESS, case_limit=10)
ACCOUNT = AccountStatus(Account("111111111111", "name", "us-east-1", "aws"))


def read(*cases: Case, before: AccountStatus = ACCOUNT, at: float = NOW) -> AccountStatus:
    return before.after_success(Reading(at, cases), Poll(at, 0.5), Changes())


def failed(before: AccountStatus, at: float) -> AccountStatus:
    return before.after_failure(Reason.TIMEOUT, Poll(at, 1.0, Reason.TIMEOUT))


class Pages:
    """Makes pages of one account, one after the other."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self._policy = policy
        self._renderer = Renderer(Instrumentation(()).encode)

    def lines(self, status: AccountStatus, now: float = NOW, *, of: str) -> list[str]:
        page = plain(self._renderer.render([status], self._policy, [], now))
        return [line for line in page.splitlines() if line.startswith(of)]


@pytest.mark.parametrize(
    ("wanted", "subject", "shown"),
    [(True, "a secret", True), (False, "a secret", False), (True, "", False), (False, "", False)],
)
def test_a_subject_is_shown_only_where_it_is_wanted_and_known(*, wanted: bool, subject: str, shown: bool) -> None:
    status = read(replace(case(), subject=subject))
    (line,) = Pages(replace(POLICY, subjects=wanted)).lines(status, of="aws_support_case_info{")
    assert (f'subject="{subject}"' in line, "subject=" in line) == (shown, shown)


def test_cases_go_when_they_are_too_old_though_nothing_was_read_meanwhile() -> None:
    status, pages = failed(read(case()), NOW + 300), Pages()
    found = [len(pages.lines(status, NOW + after, of="aws_support_open_cases{")) for after in (300, STALENESS, STALENESS + 0.1)]
    assert found == [1, 1, 0]


def test_a_case_is_overdue_from_the_moment_after_its_target_though_nothing_was_read_meanwhile() -> None:
    status, pages = read(case(severity_code="critical", created=NOW)), Pages()
    start = "aws_support_first_response_overdue_cases{"
    values = [pages.lines(status, NOW + after, of=start)[-1].rpartition(" ")[2] for after in (0, 900, 900.001)]
    assert values == ["0.0", "0.0", "1.0"]


def test_lines_hold_until_the_next_target_passes_which_is_not_over_yet() -> None:
    over, at_this_moment, later = (case(str(at), severity_code="critical", created=at) for at in (NOW - 901, NOW - 900, NOW))

    def valid_until(*cases: Case) -> float:
        return account_lines(read(*cases), POLICY, NOW).cases.valid_until

    assert valid_until(over, later, at_this_moment) == NOW
    assert valid_until(over, later, case(severity_code="odd")) == NOW + 900
    assert valid_until(over, answered(NOW, NOW, severity_code="critical")) == float("inf")


@pytest.mark.parametrize("poll_again", [False, True])
def test_a_case_is_not_overdue_when_the_clock_that_said_so_is_set_back(poll_again: bool) -> None:  # noqa: FBT001 - a column
    status, pages = read(case(severity_code="critical", created=NOW)), Pages()
    start = "aws_support_first_response_overdue_cases{"
    assert pages.lines(status, NOW + 1000, of=start)[-1].endswith(" 1.0")
    if poll_again:
        status = replace(status, last_poll=Poll(NOW + 60, 0.7))
    assert pages.lines(status, NOW + 60, of=start)[-1].endswith(" 0.0")


def test_lines_of_cases_are_made_anew_only_when_something_about_them_changes() -> None:
    first = read(case(severity_code="critical", created=NOW))
    lines = account_lines(first, POLICY, NOW)
    again = replace(first, last_poll=Poll(NOW + 300, 0.7))
    renamed = replace(first, account=replace(first.account, name="another"))

    assert lines.status is first
    assert account_lines(again, POLICY, NOW + 300, lines).cases is lines.cases
    assert account_lines(again, POLICY, NOW + 900, lines).cases is lines.cases, "until the very moment of its target"
    assert account_lines(again, POLICY, NOW + 901, lines).cases is not lines.cases
    assert account_lines(renamed, POLICY, NOW, lines).cases is not lines.cases
    assert account_lines(read(answered(NOW, NOW + 1)), POLICY, NOW, lines).cases is not lines.cases


def test_a_case_that_cannot_be_told_from_another_counts_as_dropped() -> None:
    status = read(case("case-1"), replace(case("case-2"), display_id="1"))
    (line,) = Pages().lines(status, of="aws_support_case_series_dropped{")
    assert line.endswith(" 1.0")


@pytest.mark.parametrize(("later", "expected"), [(0.25, "0.25"), (1.23456, "1.235"), (0, "0.0"), (-5, "0.0")])
def test_an_age_is_told_to_the_millisecond_and_never_negative(later: float, expected: str) -> None:
    (line,) = Pages().lines(read(case(created=NOW)), NOW + later, of="aws_support_latest_communication_age_seconds{")
    assert line.endswith(f" {expected}")
