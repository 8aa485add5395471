from dataclasses import replace

import pytest

from exporter.cases.policy import Policy
from exporter.cases.status import AccountStatus, Poll
from exporter.metrics.instrumentation import Instrumentation
from exporter.metrics.renderer import Renderer
from tests.support.cases import NOW, account, case, failed, read
from tests.support.page import plain

STALENESS = 1800.0
POLICY = Policy(STALENESS, case_limit=10)


class Pages:
    """Makes pages of one account, one after the other."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self._policy = policy
        self._renderer = Renderer(Instrumentation(()).encode)

    def lines(self, status: AccountStatus, *, of: str, after: float = 0.0) -> list[str]:
        page = plain(self._renderer.render([status], self._policy, [], NOW + after))
        return [line for line in page.splitlines() if line.startswith(f"aws_support_{of}{{")]


@pytest.mark.parametrize(
    ("wanted", "subject", "shown"),
    [(True, "a secret", True), (False, "a secret", False), (True, "", False), (False, "", False)],
)
def test_a_subject_is_shown_only_where_it_is_wanted_and_known(*, wanted: bool, subject: str, shown: bool) -> None:
    status = read(account(), replace(case(), subject=subject))
    (line,) = Pages(replace(POLICY, subjects=wanted)).lines(status, of="case_info")
    assert (f'subject="{subject}"' in line, "subject=" in line) == (shown, shown)


def test_cases_go_when_they_are_too_old_though_nothing_was_read_meanwhile() -> None:
    status, pages = failed(read(account(), case()), at=NOW + 300), Pages()
    for after, shown, state in ((300, 1, "failing"), (STALENESS, 1, "failing"), (STALENESS + 0.001, 0, "stale")):
        assert len(pages.lines(status, of="open_cases", after=after)) == shown
        assert f'aws_support_accounts{{state="{state}"}} 1.0' in pages.lines(status, of="accounts", after=after)


def test_cases_are_overdue_from_the_moment_after_their_targets_by_the_clock_of_the_page() -> None:
    """Nothing is read meanwhile; at last the clock is set back, and another poll finds the same."""
    over, at_this_moment, later = (case(str(at), severity_code="critical", created=at) for at in (NOW - 901, NOW - 900, NOW))
    status, pages = read(account(), over, later, at_this_moment, case("4", severity_code="odd")), Pages()

    def overdue(after: float) -> float:
        return sum(
            float(line.rpartition(" ")[2]) for line in pages.lines(status, of="first_response_overdue_cases", after=after)
        )

    assert [overdue(after) for after in (0, 0.001, 900, 900.001)] == [1, 2, 2, 3]
    assert overdue(0) == 1
    assert overdue(1000) == 3
    status = replace(status, last_poll=Poll(NOW + 60, 0.7))
    assert overdue(60) == 2


def test_a_case_that_cannot_be_told_from_another_counts_as_dropped() -> None:
    status = read(account(), case("case-1"), replace(case("case-2"), display_id="1"))
    (line,) = Pages().lines(status, of="case_series_dropped")
    assert line.endswith(" 1.0")


@pytest.mark.parametrize(("later", "expected"), [(0.25, "0.25"), (1.23456, "1.235"), (0, "0.0"), (-5, "0.0")])
def test_an_age_is_told_to_the_millisecond_and_never_negative(later: float, expected: str) -> None:
    (line,) = Pages().lines(read(account(), case(created=NOW)), of="latest_communication_age_seconds", after=later)
    assert line.endswith(f" {expected}")
