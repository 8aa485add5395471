"""The accounts of organizations come, go, and fail to be listed."""

import pytest

from exporter.simulator.account import ROLE_NAME
from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import ConnectionReset, Error
from exporter.simulator.server import Simulator
from tests.resilience.conftest import MANAGEMENT, StartRig
from tests.support.log import Log

A, B, C = "111111111111", "222222222222", "333333333333"
ACME = "organizations: [{name: acme, refresh_interval: 10m}]"
MINUTE = 60.0


@pytest.fixture(autouse=True)
def _accounts(fleet: Fleet) -> None:
    fleet.add_account(account_id=A, name="payments").add_case()
    fleet.add_account(account_id=B, name="search").add_case()


def test_active_accounts_are_read_under_their_names(fleet: Fleet, rig: StartRig) -> None:
    fleet.add_account(account_id=C, state="SUSPENDED", name="closed")
    page = rig(rest=ACME).round()
    assert page.up() == {MANAGEMENT: 1, A: 1, B: 1}
    assert page.label_values("aws_support_account_info", "account_name") == {"management", "payments", "search"}
    assert page.label_values("aws_support_account_info", "organization") == {"acme"}


def test_a_list_that_keeps_failing_is_logged_at_first_and_then_hourly(simulator: Simulator, rig: StartRig) -> None:
    log = Log()
    running = rig(rest=ACME, log=log)
    simulator.faults.add(Fault(Error(400, "AccessDeniedException", "no"), operation="ListAccounts"))
    failed_at = []
    for minute in range(0, 150, 5):
        running.after(5 * MINUTE)
        failed_at += [minute] * log.events.count("listing organization failed")
        log.clear()
    assert failed_at == [0, 60, 120]


def test_accounts_come_and_go_with_all_their_series_within_one_refresh(fleet: Fleet, rig: StartRig) -> None:
    running = rig(rest=ACME)
    assert B in running.round().text
    fleet.add_account(account_id=C, name="new").add_case()
    fleet.account(B).state = "SUSPENDED"
    page = running.after(10 * MINUTE)
    assert page.open_cases() == {MANAGEMENT: 0, A: 1, C: 1}
    assert B not in page.text
    assert page.total("aws_support_accounts") == 3


def test_accounts_that_join_and_leave_are_logged_by_name(fleet: Fleet, rig: StartRig) -> None:
    log = Log()
    running = rig(rest=ACME, log=log)
    running.round()
    fleet.add_account(account_id=C, name="new")
    fleet.account(B).state = "SUSPENDED"
    running.after(10 * MINUTE)
    running.after(10 * MINUTE)
    found = {"event": "accounts discovered", "log_level": "info", "organization": "acme", "accounts": 3}
    assert [line for line in log.lines if line["event"] == "accounts discovered"] == [
        found,
        {**found, "joined": f"new ({C})", "left": f"search ({B})"},
    ]


def test_many_accounts_that_leave_at_once_are_a_warning_until_a_reload(fleet: Fleet, rig: StartRig) -> None:
    log = Log()
    running = rig(rest=ACME, log=log)
    many = [fleet.add_account(name=f"team-{number:02}") for number in range(30)]
    running.round()
    for few in (many[:2], many[2:27]):
        assert running.report().organizations[0].warnings == ()
        for account in few:
            account.state = "SUSPENDED"
        running.after(10 * MINUTE)
    (warning,) = running.report().organizations[0].warnings
    assert warning.detail.startswith("25 of 31 accounts left at once: team-02 (")
    assert warning.detail.endswith(") and 15 more")
    assert [line["log_level"] for line in log.lines if "left" in line] == ["info", "warning"]
    running.after(10 * MINUTE)
    assert running.report().organizations[0].warnings == (warning,)
    running.apply(f"aws: {{role_name: AwsSupportExporter}}\n{ACME}")
    assert running.report().organizations[0].warnings == ()


@pytest.mark.parametrize("include", [", include: {name_patterns: [nobody*]}", ""])
def test_an_organization_without_accounts_to_poll_is_told_with_what_to_do_until_it_has_some(
    include: str, fleet: Fleet, rig: StartRig
) -> None:
    log = Log()
    running = rig(rest=ACME.replace("}", f"{include}}}"), log=log)
    for account in () if include else fleet.accounts:
        account.state = "SUSPENDED"
    page = running.round()
    assert page.values("aws_support_organization_accounts", organization="acme") == [0]
    assert page.values("aws_support_organization_up", organization="acme") == [1], "it was listed"
    (organization,) = running.report().organizations
    assert organization.reason == "no_accounts"
    said = "3 accounts, none matches include and exclude" if include else "no accounts"
    assert organization.detail == f"ListAccounts: {said}"
    assert organization.advice.startswith("fix include and exclude" if include else "check that role_arn")
    running.after(10 * MINUTE)
    assert log.events == ["no accounts to poll"]
    fleet.add_account(account_id=C, name="nobody-1")
    assert running.after(10 * MINUTE).values("aws_support_organization_accounts") == [1]
    assert running.report().organizations[0].reason is None
    assert log.events[1:] == ["accounts discovered"]


def test_a_reload_whose_include_matches_nothing_shows_at_once(rig: StartRig) -> None:
    running = rig(rest=ACME)
    running.round()
    running.apply(f"aws: {{role_name: AwsSupportExporter}}\n{ACME.replace('}', ', include: {name_patterns: [nobody*]}}')}")
    assert running.page().values("aws_support_organization_accounts") == [0]
    (organization,) = running.report().organizations
    assert (organization.reason, organization.warnings) == ("no_accounts", ())


def test_a_configured_account_wins_over_a_discovered_one(rig: StartRig) -> None:
    rest = f"{ACME}\naccounts: [{{id: '{MANAGEMENT}', name: ours, use_own_credentials: true}}]"
    page = rig(rest=rest).round()
    assert page.values("aws_support_account_info", account_id=MANAGEMENT, account_name="ours", organization="acme") == [1]
    assert page.total("aws_support_account_info") == 3


def test_two_organizations_that_name_one_account_make_one_target(simulator: Simulator, rig: StartRig) -> None:
    page = rig(rest="organizations: [{name: acme}, {name: again}]").round()
    assert page.label_values("aws_support_account_info", "organization") == {"acme"}
    assert page.open_cases() == {MANAGEMENT: 0, A: 1, B: 1}
    assert simulator.log.counts()["DescribeCases"] == 3


def test_an_organization_that_was_never_listed_is_told_and_hides_no_other_account(
    fleet: Fleet, simulator: Simulator, rig: StartRig
) -> None:
    delegated = fleet.account(A)
    fleet.delegated_administrators.add(A)
    simulator.faults.add(Fault(ConnectionReset(), operation="ListAccounts", account_id=MANAGEMENT))
    well = f"{{name: well, role_arn: '{delegated.role_arn()}', member_role_name: {ROLE_NAME}, exclude: {{accounts: ['{B}']}}}}"
    page = rig(B, rest=f"organizations: [{{name: broken}}, {well}]").round()
    assert page.values("aws_support_organization_up", organization="broken") == [0]
    assert page.values("aws_support_organization_up", organization="well") == [1]
    assert page.up() == {MANAGEMENT: 1, A: 1, B: 1}


def test_include_and_exclude_choose_the_accounts(rig: StartRig) -> None:
    rest = f"organizations: [{{name: acme, include: {{name_patterns: ['pay*', 'sea*']}}, exclude: {{accounts: ['{B}']}}}}]"
    assert set(rig(rest=rest).round().up()) == {A}


def test_a_refresh_assumes_no_role_anew_and_counters_go_on(simulator: Simulator, fleet: Fleet, rig: StartRig) -> None:
    running = rig(rest="organizations: [{name: acme, refresh_interval: 1m}]")
    running.round()
    fleet.account(A).add_case(severity_code="high")
    opened = [running.after(1 * MINUTE).total("aws_support_cases_opened_total", account_id=A) for _ in range(19)]
    assert opened == sorted(opened)
    assert opened[-1] == 1
    assert simulator.log.counts()["ListAccounts"] == 20
    assert simulator.log.counts()["AssumeRole"] == 3
