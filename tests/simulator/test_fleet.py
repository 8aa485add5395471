"""What happens to cases of a fleet that lives, and what the demo shows."""

import pytest

from exporter.simulator.case import AWS_AUTHOR, Case, Communication
from exporter.simulator.fleet import Fleet
from tests.simulator.conftest import NOW

DAY = 86400.0
TARGETS = {"low": DAY, "normal": DAY / 2, "high": DAY / 6, "urgent": 3600.0, "critical": 900.0}


def cases_of(fleet: Fleet) -> list[Case]:
    return [case for account in fleet.accounts for case in account.cases]


def written_by_aws(case: Case) -> list[float]:
    return [each.created_at for each in case.communications if each.submitted_by == AWS_AUTHOR]


def test_history_does_not_depend_on_how_often_it_is_looked_at() -> None:
    def history(seed: int, step: int) -> list[bytes]:
        fleet = Fleet.living(lambda: NOW, accounts=2, cases=2, seed=seed, pace=5)
        for second in range(0, 2 * 86400 + 1, step):
            fleet.advance(NOW + second)
        return [case.encoded(include_communications=True) for case in cases_of(fleet)]

    for seed in range(4):
        assert history(seed, 90) == history(seed, 5400) == history(seed, 2 * 86400) != history(seed + 1, 2 * 86400)


def test_living_fleet_shows_everything_that_happens_to_cases_in_order() -> None:
    fleet, end = Fleet.living(lambda: NOW, accounts=10, cases=10), NOW + 200 * 3600
    seen: set[str] = set()
    last: set[tuple[str, bool]] = set()
    for hour in range(201):
        fleet.advance(NOW + hour * 3600)
        seen |= {word for case in cases_of(fleet) for word in (case.status, case.severity_code)}
        last |= {(case.status, case.communications[-1].submitted_by == AWS_AUTHOR) for case in fleet.open_cases()}
    assert last >= {("work-in-progress", True), ("pending-amazon-action", True), ("pending-customer-action", True)}
    assert last >= {("work-in-progress", False), ("customer-action-completed", False)}
    assert seen == {
        *TARGETS,
        *("opened", "unassigned", "work-in-progress", "pending-customer-action"),
        *("customer-action-completed", "pending-amazon-action", "reopened", "resolved"),
    }
    begun_by_aws = [case for case in cases_of(fleet) if case.communications[0].submitted_by == AWS_AUTHOR]
    assert 0.02 < len(begun_by_aws) / len(cases_of(fleet)) < 0.2
    late = []
    for case in cases_of(fleet):
        times = [each.created_at for each in case.communications]
        assert times == sorted(times)
        assert case.created_at - 1 < times[0] <= times[-1] <= end
        if case.created_at < end - DAY and case not in begun_by_aws:
            # A raised severity has a shorter target than the one that was promised.
            late.append(min(written_by_aws(case), default=end) - case.created_at > TARGETS[case.severity_code])
    assert 0.02 < sum(late) / len(late) < 0.25


@pytest.fixture(scope="module")
def demo() -> Fleet:
    """A demo that has run for two minutes."""
    fleet = Fleet.demo(lambda: NOW, pace=240)
    fleet.advance(NOW + 120)
    return fleet


def test_demo_shows_what_an_operator_may_meet_within_two_minutes(demo: Fleet) -> None:
    assert [account.supported for account in demo.accounts].count(False) == 1
    assert [account.trusts for account in demo.accounts].count(False) == 1
    assert [account.state for account in demo.accounts].count("SUSPENDED") == 1
    assert sum(account.contention > 0 for account in demo.accounts) == 1
    unanswered = [case for case in demo.open_cases() if not written_by_aws(case)]
    overdue = {case.severity_code for case in unanswered if NOW - case.created_at > TARGETS[case.severity_code]}
    assert overdue >= {"critical", "high", "normal"}
    quota_increases = [case for case in unanswered if case.service_code == "service-limit-increase"]
    assert any(len(case.communications) == 1 and NOW - case.created_at > DAY for case in quota_increases)
    assert any(case.severity_code == "urgent" and 3600 < NOW + 120 - case.created_at < 3700 for case in demo.open_cases())
    opened = [case.communications[0].submitted_by == AWS_AUTHOR for case in cases_of(demo) if case.created_at > NOW]
    assert {*opened} == {True, False}


def test_demos_that_start_at_different_times_have_the_same_year_behind_them(demo: Fleet) -> None:
    def past(fleet: Fleet) -> dict[str, list[Communication]]:
        settled = [case for case in cases_of(fleet) if case.created_at < NOW - 4 * DAY]
        return {case.case_id: [each for each in case.communications if each.created_at < NOW] for case in settled}

    one = past(demo)
    assert one == past(Fleet.demo(lambda: NOW + 5 * DAY, pace=240))
    assert len(one) > 1000
    assert min(each.created_at for written in one.values() for each in written) < NOW - 365 * DAY
