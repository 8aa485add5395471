"""What another configuration keeps of a running exporter, what it drops, and what it changes."""

import pytest

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.resilience.conftest import MANAGEMENT, StartRig, configuration
from tests.support.rig import FakeRig

A, B, C = "111111111111", "222222222222", "333333333333"
MINUTE, HOUR = 60.0, 3600.0
ORGANIZATION = "organizations: [{name: acme}]"
OPENED = "aws_support_cases_opened_total"
RESOLVED = "aws_support_cases_resolved_total"


@pytest.fixture(autouse=True)
def _accounts(fleet: Fleet) -> None:
    for account_id in (A, B, C):
        fleet.add_account(account_id=account_id).add_case(body="help", severity_code="low")


@pytest.fixture
def running(rig: StartRig, fleet: Fleet) -> FakeRig:
    """Return an exporter that read two accounts and has seen a case open in each."""
    running = rig(A, B)
    running.round()
    for account_id in (A, B):
        fleet.account(account_id).add_case(body="help", severity_code="low")
    running.after(10 * MINUTE)
    return running


def test_accounts_that_stay_keep_their_cases_and_counts(running: FakeRig, simulator: Simulator) -> None:
    asked = simulator.log.counts()
    running.apply(configuration(A, B, C))
    page = running.page()
    assert page.open_cases() == {A: 2, B: 2}
    assert page.by_account(OPENED) == {A: 1, B: 1}
    assert running.round().open_cases() == {A: 2, B: 2, C: 1}
    now = simulator.log.counts()
    assert now["AssumeRole"] - asked["AssumeRole"] == 1, "those that stay keep their credentials"
    assert now["DescribeCases"] - asked["DescribeCases"] == 1, "and the time of their next poll"
    running.apply(configuration(A, B, C, aws="session_name: other"))
    page = running.round()
    assert simulator.log.counts()["AssumeRole"] == now["AssumeRole"] + 3, "all are read in another way"
    assert (page.by_account(OPENED), page.total(RESOLVED)) == ({A: 1, B: 1, C: 0}, 0)


def test_accounts_that_go_leave_no_series_and_no_resolution_and_another_name_shows_at_once(running: FakeRig) -> None:
    running.apply(f'aws: {{role_name: AwsSupportExporter}}\naccounts: [{{id: "{A}", name: new, labels: {{team: x}}}}]')
    page = running.page()
    assert B not in page.text
    assert page.total(RESOLVED) == 0
    assert page.values("aws_support_case_open_duration_seconds_count") == [0] * 5
    assert page.total(OPENED, account_id=A, account_name="new") == 1
    assert page.values("aws_support_account_info", account_name="new", label_team="x") == [1]
    running.apply(configuration(A, B))
    page = running.round()
    assert page.by_account(OPENED) == {A: 1, B: 0}, "what comes back later is new"


def test_a_role_that_is_mended_is_tried_at_once(fleet: Fleet, rig: StartRig) -> None:
    running = rig(A, B)
    running.apply(configuration(A, B).replace("AwsSupportExporter", "Wrong"))
    assert running.round().up() == {A: 0, B: 0}
    running.apply(configuration(A, B))
    assert running.round().up() == {A: 1, B: 1}
    fleet.account(A).trusts = False
    assert running.after(2 * HOUR).up() == {A: 0, B: 1}
    fleet.account(A).trusts = True
    running.apply(configuration(A, B))
    assert running.round().up() == {A: 1, B: 1}, "the same file again: what failed may have been mended elsewhere"


def test_a_shorter_interval_counts_from_the_last_poll(running: FakeRig, simulator: Simulator) -> None:
    before = simulator.log.counts()["DescribeCases"]
    running.apply(configuration(A, B, poll="interval: 30s"))
    running.after(60)
    assert simulator.log.counts()["DescribeCases"] == before + 2


def test_other_targets_judge_the_next_reading_and_add_no_bucket(running: FakeRig, fleet: Fleet) -> None:
    count, bucket = "aws_support_first_response_seconds_count", "aws_support_first_response_seconds_bucket"
    fleet.account(A).open_cases()[-1].add_communication()
    before = running.after(10 * MINUTE)
    running.apply(configuration(A, B, rest="metrics: {first_response_targets: {low: 77s}}"))
    page = running.page()
    assert page.values("aws_support_first_response_target_seconds", severity_code="low") == [77, 77]
    assert page.values(bucket, le="77.0") == [], "buckets are fixed at the start"
    for name, labels, value in before.samples:
        if name.startswith("aws_support_first_response_seconds"):
            assert page.values(name, **labels) == [value], "no count goes down, none up"
    assert page.total(count) == before.total(count) == 1
    assert page.total("aws_support_first_response_overdue_cases") == 3


def test_per_case_series_come_and_go_and_subjects_go_at_once(running: FakeRig) -> None:
    shown = "metrics: {cases: {enabled: true, subject: true}}"
    running.apply(configuration(A, B, rest=shown))
    assert len(running.after(10 * MINUTE).values("aws_support_case_info")) == 4
    assert "subject=" in running.page().text
    running.apply(configuration(A, B, rest="metrics: {cases: {enabled: true}}"))
    assert "subject=" not in running.page().text
    running.apply(configuration(A, B))
    assert running.page().values("aws_support_case_info") == []


def test_readiness_once_reached_stays(rig: StartRig) -> None:
    running = rig("444444444444")
    ready = [running.publisher.ready]
    running.round()
    ready.append(running.publisher.ready)
    running.apply(configuration("555555555555"))
    assert [*ready, running.publisher.ready] == [False, True, True], "the account failed, and was tried"


def test_members_stay_while_their_organization_is_listed_anew(rig: StartRig, simulator: Simulator, fleet: Fleet) -> None:
    running = rig(rest=ORGANIZATION)
    running.round()
    fleet.account(A).add_case(body="help", severity_code="low")
    running.after(10 * MINUTE)
    asked = simulator.log.counts()
    running.apply(configuration(rest="organizations: [{name: renamed, exclude: {accounts: ['222222222222']}}]"))
    page = running.page()
    assert set(page.open_cases()) == {A, C, MANAGEMENT}
    assert page.by_account(OPENED)[A] == 1
    assert page.label_values("aws_support_account_info", "organization") == {"renamed"}
    running.round()
    now = simulator.log.counts()
    assert now["ListAccounts"] == asked["ListAccounts"] + 1
    assert now["AssumeRole"] == asked["AssumeRole"]


def test_an_account_that_moves_into_an_organization_is_new_when_it_is_listed(running: FakeRig) -> None:
    running.apply(configuration(rest=ORGANIZATION))
    assert running.page().open_cases() == {}, "nobody has found it yet"
    page = running.round()
    assert (page.by_account(OPENED)[A], page.open_cases()[A]) == (0, 2)


def test_the_own_account_stays(rig: StartRig, fleet: Fleet) -> None:
    fleet.account(MANAGEMENT).add_case(body="help", severity_code="low")
    running = rig()
    running.round()
    running.apply("poll: {interval: 1m}")
    assert running.page().open_cases() == {MANAGEMENT: 1}
    assert running.page().values("aws_support_organization_last_success_timestamp_seconds") == [], "it is no organization"
