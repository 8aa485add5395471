import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.simulator.case import AWS_AUTHOR
from exporter.simulator.fleet import Fleet
from tests.simulator.conftest import NOW, Serve, Support

DAY = 86400.0
TARGETS = {"low": DAY, "normal": DAY / 2, "high": DAY / 6, "urgent": 3600.0, "critical": 900.0}


def history(fleet: Fleet) -> list[bytes]:
    """Return everything that can be known about the cases."""
    cases = [case for account in fleet.accounts for case in account.cases]
    return [case.encoded(include_communications=True) for case in cases]


@settings(max_examples=20)
@given(st.lists(st.floats(0, 2 * DAY), max_size=20), st.integers(0, 5))
def test_history_does_not_depend_on_how_often_it_is_looked_at(moments: list[float], seed: int) -> None:
    looked_at = Fleet.living(lambda: NOW, accounts=2, cases=2, seed=seed, pace=5)
    for moment in sorted(moments):
        looked_at.advance(NOW + moment)
    looked_at.advance(NOW + 2 * DAY)
    at_once = Fleet.living(lambda: NOW, accounts=2, cases=2, seed=seed, pace=5)
    at_once.advance(NOW + 2 * DAY)
    assert history(looked_at) == history(at_once)


def test_another_seed_is_another_history() -> None:
    assert history(Fleet.demo(lambda: NOW, seed=1)) != history(Fleet.demo(lambda: NOW, seed=2))


@pytest.mark.parametrize("pace", [1.0, 60.0])
def test_number_of_open_cases_stays_about_the_same(pace: float) -> None:
    fleet = Fleet.living(lambda: NOW, accounts=20, cases=5, pace=pace)
    for step in range(10):
        fleet.advance(NOW + step * DAY / pace)
        assert 60 < len(fleet.open_cases()) < 160


def test_pace_is_how_many_times_as_much_happens() -> None:
    def opened(pace: float) -> int:
        fleet = Fleet.living(lambda: NOW, accounts=20, cases=5, pace=pace)
        before = fleet.counts().cases
        fleet.advance(NOW + DAY)
        return fleet.counts().cases - before

    assert 5 < opened(10.0) / opened(1.0) < 20


def test_living_fleet_shows_everything_that_happens_to_cases() -> None:
    fleet = Fleet.living(lambda: NOW, accounts=10, cases=10)
    statuses, severity_codes = set(), set()
    raised = reopened = 0
    known: dict[str, tuple[str, str]] = {}
    for hour in range(200):
        fleet.advance(NOW + hour * 3600)
        for case in (case for account in fleet.accounts for case in account.cases):
            status, severity_code = known.get(case.case_id, (case.status, case.severity_code))
            raised += severity_code != case.severity_code
            reopened += status == "resolved" != case.status
            known[case.case_id] = (case.status, case.severity_code)
            statuses.add(case.status)
            severity_codes.add(case.severity_code)
    assert statuses == {
        *("opened", "unassigned", "work-in-progress", "pending-customer-action"),
        *("customer-action-completed", "pending-amazon-action", "reopened", "resolved"),
    }
    assert severity_codes == set(TARGETS)
    assert raised
    assert reopened


def test_nothing_is_dated_in_the_future_and_communications_are_in_order() -> None:
    fleet = Fleet.living(lambda: NOW, accounts=5, cases=10, pace=100)
    now = NOW + DAY / 10
    fleet.advance(now)
    for case in (case for account in fleet.accounts for case in account.cases):
        times = [each.created_at for each in case.communications]
        assert times == sorted(times)
        assert case.created_at - 1 < times[0]
        assert times[-1] <= now


def test_most_cases_are_answered_in_time() -> None:
    fleet = Fleet.living(lambda: NOW, accounts=20, cases=10)
    late: Counter[bool] = Counter()
    for case in (case for account in fleet.accounts for case in account.cases):
        first = min((each.created_at for each in case.communications if each.submitted_by == AWS_AUTHOR), default=NOW)
        # A raised severity has a shorter target than the one that was promised.
        late[first - case.created_at > TARGETS[case.severity_code]] += 1
    assert 0.02 < late[True] / late.total() < 0.25


def test_demo_shows_what_an_operator_may_meet() -> None:
    fleet = Fleet.demo(lambda: NOW, pace=60)
    assert [account.supported for account in fleet.accounts].count(False) == 1
    assert [account.trusts for account in fleet.accounts].count(False) == 1
    assert [account.state for account in fleet.accounts].count("SUSPENDED") == 1
    assert sum(account.contention > 0 for account in fleet.accounts) == 1
    assert all("AwsSupportExporter" in account.roles for account in fleet.accounts)
    assert fleet.management_account is fleet.accounts[0]
    overdue = {
        case.severity_code
        for case in fleet.open_cases()
        if all(each.submitted_by != AWS_AUTHOR for each in case.communications)
        and NOW - case.created_at > TARGETS[case.severity_code]
    }
    assert overdue >= {"critical", "high", "normal"}


def test_served_fleet_lives_on(serve: Serve, support: Support) -> None:
    moment = [NOW]
    fleet = Fleet.living(lambda: moment[0], accounts=1, cases=5)
    before = fleet.counts()
    client = support(serve(fleet))
    moment[0] = NOW + 7 * DAY
    found = client.describe_cases(maxResults=100)["cases"]
    assert fleet.counts().cases > before.cases
    assert {case["caseId"] for case in found} == {case.case_id for case in fleet.open_cases()}


def test_uniform_fleet_has_the_size_that_was_asked_for() -> None:
    fleet = Fleet.uniform(lambda: NOW, accounts=20, cases=7, communications=3, body_chars=123)
    counts = fleet.counts()
    assert (counts.accounts, counts.cases, counts.open_cases, counts.communications) == (20, 140, 140, 420)
    case = json.loads(fleet.open_cases()[0].encoded(include_communications=True))
    assert {len(each["body"]) for each in case["recentCommunications"]["communications"]} == {123}
    assert len({account.name for account in fleet.accounts}) == 20


def test_communications_are_kept_in_the_order_of_their_times(fleet: Fleet) -> None:
    case = fleet.add_account().add_case()
    for moment in (3.0, 1.0, 2.0):
        case.add_communication(created_at=NOW + moment)
    assert [each.created_at - NOW for each in case.communications] == [1.0, 2.0, 3.0]
