"""The accounts of organizations come, go, and fail to be listed."""

import pytest

from exporter.simulator.account import ROLE_NAME
from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import ConnectionReset, Error
from exporter.simulator.server import Simulator
from tests.resilience.conftest import MANAGEMENT, StartRig, configuration
from tests.support.log import Log

A, B, C = "111111111111", "222222222222", "333333333333"
ACME = "organizations: [{name: acme, refresh_interval: 10m}]"
NOBODY = ACME.replace("}", ", include: {name_patterns: [nobody*]}}")
MINUTE = 60.0
FOUND = "aws_support_organization_accounts"


@pytest.fixture(autouse=True)
def _accounts(fleet: Fleet) -> None:
    fleet.add_account(account_id=A, name="payments").add_case()
    fleet.add_account(account_id=B, name="search").add_case()


def test_accounts_come_and_go_with_all_their_series_within_one_refresh_and_are_logged_by_name(
    fleet: Fleet, simulator: Simulator, rig: StartRig
) -> None:
    log = Log()
    running = rig(rest=ACME, log=log)
    page = running.round()
    assert page.up() == {MANAGEMENT: 1, A: 1, B: 1}
    assert page.label_values("aws_support_account_info", "account_name") == {"management", "payments", "search"}
    assert page.label_values("aws_support_account_info", "organization") == {"acme"}
    fleet.add_account(account_id=C, name="new").add_case()
    fleet.account(A).add_case()
    fleet.account(B).state = "SUSPENDED"
    page = running.after(10 * MINUTE)
    assert page.open_cases() == {MANAGEMENT: 0, A: 2, C: 1}
    assert B not in page.text
    assert (page.total("aws_support_accounts"), page.total("aws_support_cases_resolved_total")) == (3, 0)
    page = running.after(10 * MINUTE)
    assert page.by_account("aws_support_cases_opened_total") == {MANAGEMENT: 0, A: 1, C: 0}, "counters go on"
    counts = simulator.log.counts()
    assert (counts["ListAccounts"], counts["AssumeRole"]) == (3, 4), "a refresh assumes no role anew"
    found = {"event": "accounts discovered", "log_level": "info", "organization": "acme", "accounts": 3}
    assert log.lines == [found, {**found, "joined": f"new ({C})", "left": f"search ({B})"}]


def test_a_list_that_keeps_failing_is_logged_at_first_and_then_hourly(simulator: Simulator, rig: StartRig) -> None:
    log = Log()
    running = rig(rest=ACME, log=log)
    simulator.faults.add(Fault(Error(400, "AccessDeniedException", "no"), operation="ListAccounts"))
    failed_at = []
    for minute in range(0, 150, 10):
        running.after(10 * MINUTE)
        failed_at += [minute] * log.events.count("listing organization failed")
        log.clear()
    assert failed_at == [0, 60, 120]


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
    running.apply(configuration(rest=NOBODY))
    assert running.page().values(FOUND) == [0], "what is selected shows at once"
    (organization,) = running.report().organizations
    assert (organization.reason, organization.warnings) == ("no_accounts", ())


@pytest.mark.parametrize(
    ("config", "said", "to_do"),
    [
        (NOBODY, "ListAccounts: 3 accounts, none matches include and exclude", "fix include and exclude"),
        (ACME, "ListAccounts: no accounts", "check that role_arn"),
    ],
)
def test_an_organization_without_accounts_to_poll_is_told_with_what_to_do_until_it_has_some(
    config: str, said: str, to_do: str, fleet: Fleet, rig: StartRig
) -> None:
    log = Log()
    running = rig(rest=config, log=log)
    for account in () if config == NOBODY else fleet.accounts:
        account.state = "SUSPENDED"
    page = running.round()
    assert page.values(FOUND, organization="acme") == [0]
    assert page.values("aws_support_organization_up", organization="acme") == [1], "it was listed"
    (organization,) = running.report().organizations
    assert (organization.reason, organization.detail) == ("no_accounts", said)
    assert organization.advice.startswith(to_do)
    running.after(10 * MINUTE)
    assert log.events == ["no accounts to poll"]
    fleet.add_account(account_id=C, name="nobody-1")
    assert running.after(10 * MINUTE).values(FOUND) == [1]
    assert running.report().organizations[0].reason is None
    assert log.events[1:] == ["accounts discovered"]


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
