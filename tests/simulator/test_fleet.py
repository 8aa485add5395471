from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.simulator.case import AWS_AUTHOR, Case, Communication
from exporter.simulator.fleet import Fleet
from tests.simulator.conftest import NOW, Connect, Serve
from tests.support.clock import FakeClock

DAY = 86400.0
TARGETS = {"low": DAY, "normal": DAY / 2, "high": DAY / 6, "urgent": 3600.0, "critical": 900.0}


def cases_of(fleet: Fleet) -> list[Case]:
    return [case for account in fleet.accounts for case in account.cases]


def history(fleet: Fleet) -> list[bytes]:
    """Return everything that can be known about the cases."""
    return [case.encoded(include_communications=True) for case in cases_of(fleet)]


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
    assert history(at_once) != history(Fleet.living(lambda: NOW, accounts=2, cases=2, seed=seed + 1, pace=5))


def test_pace_is_how_many_times_as_much_happens_among_as_many_open_cases() -> None:
    def opened(pace: float) -> int:
        fleet = Fleet.living(lambda: NOW, accounts=20, cases=5, pace=pace)
        before = len(cases_of(fleet))
        for hour in range(25):
            fleet.advance(NOW + hour * DAY / 24)
            assert 60 < len(fleet.open_cases()) < 160
        return len(cases_of(fleet)) - before

    assert 5 < opened(10.0) / opened(1.0) < 20


def test_living_fleet_shows_everything_that_happens_to_cases() -> None:
    fleet = Fleet.living(lambda: NOW, accounts=10, cases=10)
    seen: set[str] = set()
    last: set[tuple[str, bool]] = set()
    for hour in range(200):
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


def test_communications_are_in_order_and_most_first_responses_in_time() -> None:
    fleet = Fleet.living(lambda: NOW, accounts=20, cases=10, pace=100)
    now = NOW + DAY / 10
    fleet.advance(now)
    late = []
    begun_by_aws = [case for case in cases_of(fleet) if case.communications[0].submitted_by == AWS_AUTHOR]
    assert 0.02 < len(begun_by_aws) / len(cases_of(fleet)) < 0.2
    for case in cases_of(fleet):
        times = [each.created_at for each in case.communications]
        assert times == sorted(times)
        assert case.created_at - 1 < times[0]
        assert times[-1] <= now
        if case.created_at < NOW and case not in begun_by_aws:
            first = min((each.created_at for each in case.communications if each.submitted_by == AWS_AUTHOR), default=NOW)
            # A raised severity has a shorter target than the one that was promised.
            late.append(first - case.created_at > TARGETS[case.severity_code])
    assert 0.02 < sum(late) / len(late) < 0.25


def test_demo_shows_what_an_operator_may_meet() -> None:
    fleet = Fleet.demo(lambda: NOW, pace=60)
    assert [account.supported for account in fleet.accounts].count(False) == 1
    assert [account.trusts for account in fleet.accounts].count(False) == 1
    assert [account.state for account in fleet.accounts].count("SUSPENDED") == 1
    assert sum(account.contention > 0 for account in fleet.accounts) == 1
    overdue = {
        case.severity_code
        for case in fleet.open_cases()
        if all(each.submitted_by != AWS_AUTHOR for each in case.communications)
        and NOW - case.created_at > TARGETS[case.severity_code]
    }
    assert overdue >= {"critical", "high", "normal"}
    quota_increases = [case for case in fleet.open_cases() if case.service_code == "service-limit-increase"]
    assert any(len(case.communications) == 1 and NOW - case.created_at > DAY for case in quota_increases)


def test_demos_that_start_at_different_times_have_the_same_year_behind_them() -> None:
    def past(start: float) -> dict[str, list[Communication]]:
        settled = [case for case in cases_of(Fleet.demo(lambda: start, pace=240)) if case.created_at < NOW - 4 * DAY]
        return {case.case_id: [each for each in case.communications if each.created_at < NOW] for case in settled}

    one = past(NOW)
    assert one == past(NOW + 5 * DAY)
    assert len(one) > 1000
    assert min(each.created_at for written in one.values() for each in written) < NOW - 365 * DAY


def test_demo_is_alive_within_two_minutes() -> None:
    fleet = Fleet.demo(lambda: NOW, pace=240)
    fleet.advance(NOW + 120)
    opened = [case.communications[0].submitted_by == AWS_AUTHOR for case in cases_of(fleet) if case.created_at > NOW]
    assert {*opened} == {True, False}
    assert any(case.severity_code == "urgent" and 3600 < NOW + 120 - case.created_at < 3700 for case in fleet.open_cases())


def test_served_fleet_lives_on(clock: FakeClock, serve: Serve, connect: Connect) -> None:
    fleet = Fleet.living(clock.time, accounts=1, cases=5)
    before = fleet.counts()
    client = connect("support", at=serve(fleet))
    clock.advance(7 * DAY)
    found = client.describe_cases(maxResults=100)["cases"]
    assert fleet.counts().cases > before.cases
    assert {case["caseId"] for case in found} == {case.case_id for case in fleet.open_cases()}
