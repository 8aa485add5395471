"""Accounts are in organizational units and have tags, which change, and which may not be read."""

from pathlib import Path

import pytest

from exporter.backfill import Backfill
from exporter.metrics.instrumentation import Instrumentation
from exporter.options import parse
from exporter.simulator.account import Account
from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import Error, Throttled
from exporter.simulator.server import Simulator
from tests.resilience.conftest import MANAGEMENT, StartRig
from tests.support.log import Log
from tests.support.page import Page

A, B = "111111111111", "222222222222"
REFRESH = 600.0
INFO = "aws_support_account_info"
DENIED = Error(400, "AccessDeniedException", "User: x is not authorized to perform: organizations:it on resource: *")


def acme(*keys: str) -> str:
    return f"organizations: [{', '.join(('{name: acme', 'refresh_interval: 10m', 'tags_refresh_interval: 10m', *keys))}}}]"


TAGGED = acme("tags: [team, CostCenter]")


@pytest.fixture
def prod(fleet: Fleet) -> str:
    return fleet.add_unit("Prod", fleet.add_unit("Work loads"))


@pytest.fixture(autouse=True)
def account(fleet: Fleet, prod: str) -> Account:
    account = fleet.add_account(account_id=A, name="payments")
    account.unit, account.tags = prod, {"team": "core", "owner": "jane@example.com"}
    account.add_case()
    fleet.add_account(account_id=B)
    return account


def owner(page: Page, account_id: str = A) -> tuple[str, dict[str, str]]:
    """Return the unit and the labels of an account, which is on the page once."""
    (found,) = [labels for name, labels, _ in page.samples if name == INFO and labels["account_id"] == account_id]
    return found["organizational_unit"], {name: value for name, value in found.items() if name.startswith("label_")}


def test_an_account_that_moves_and_changes_is_shown_so_within_one_refresh_and_loses_no_count(
    fleet: Fleet, account: Account, rig: StartRig
) -> None:
    running = rig(rest=TAGGED)

    def after() -> Page:
        page = running.after(REFRESH)
        series = [(name, frozenset(labels.items())) for name, labels, _ in page.samples]
        assert len(series) == len(set(series))
        assert page.total("aws_support_cases_opened_total", account_id=A) == opened
        return page

    opened = 0
    assert owner(running.round()) == ("Root/Work loads/Prod", {"label_team": "core"})
    account.add_case()
    opened = 1
    account.unit = fleet.add_unit("Sandbox")
    assert owner(after()) == ("Root/Sandbox", {"label_team": "core"})
    account.tags |= {"team": "ops", "CostCenter": "17"}
    assert owner(after()) == ("Root/Sandbox", {"label_team": "ops", "label_cost_center": "17"})
    del account.tags["team"]
    assert owner(after()) == ("Root/Sandbox", {"label_cost_center": "17"})
    account.state = "SUSPENDED"
    opened = 0
    assert A not in after().text
    account.state, account.unit = "ACTIVE", ""
    assert owner(after()) == ("Root", {"label_cost_center": "17"})


def test_a_unit_that_is_renamed_is_shown_so_after_one_refresh(fleet: Fleet, prod: str, rig: StartRig) -> None:
    running = rig(rest=acme())
    running.round()
    fleet.units[prod] = ("Live", "")
    assert owner(running.after(REFRESH))[0] == "Root/Live"


def test_configured_labels_win_over_tags_and_a_configured_account_has_those_of_its_organization(rig: StartRig) -> None:
    labelled = acme("tags: [team, owner]", "labels: {team: all, b: x}")
    assert owner(rig(rest=labelled).round())[1] == {
        "label_team": "all",
        "label_b": "x",
        "label_owner": "jane@example.com",
    }
    mine = f'{TAGGED}\naccounts: [{{id: "{A}", labels: {{a: "1"}}}}]'
    page = rig(rest=mine).round()
    assert owner(page) == ("Root/Work loads/Prod", {"label_team": "core", "label_a": "1"})
    assert page.label_values(INFO, "organization") == {"acme"}


@pytest.mark.parametrize(
    ("selection", "selected"),
    [
        ("include: {organizational_units: [PARENT]}", {A}),
        ("exclude: {organizational_units: [PARENT]}", {MANAGEMENT, B}),
        ("include: {tags: {team: [c*]}}", {A}),
        ("include: {tags: {team: [ops], stage: [x]}}", set()),
        ("include: {tags: {team: [core]}, accounts: ['222222222222']}", {A, B}),
        ("exclude: {tags: {team: [core]}}", {MANAGEMENT, B}),
        ("include: {organizational_units: [PARENT]}, exclude: {tags: {team: [core]}}", set()),
    ],
)
def test_units_and_tags_select(selection: str, selected: set[str], fleet: Fleet, prod: str, rig: StartRig) -> None:
    selection = selection.replace("PARENT", fleet.units[prod][1])
    assert set(rig(rest=acme(selection)).round().up()) == selected


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(DENIED, "access_denied"), (Throttled(), "throttled"), (Error(500, "ServiceException"), "server_error")],
)
def test_tags_that_cannot_be_read_are_kept_and_told_and_harm_no_list(
    kind: Error, reason: str, account: Account, simulator: Simulator, rig: StartRig
) -> None:
    log = Log()
    running = rig(rest=TAGGED, log=log)
    running.round()
    account.tags["team"] = "ops"
    fault = simulator.faults.add(Fault(kind, operation="ListTagsForResource"))
    page = running.after(REFRESH)
    assert owner(page)[1] == {"label_team": "core"}
    assert page.values("aws_support_organization_up") == [1]
    assert page.total("aws_support_api_errors_total", operation="ListTagsForResource", reason=reason) >= 1
    (warning,) = running.report().organizations[0].warnings
    assert (warning.reason, warning.detail[:21]) == (reason, "ListTagsForResource: ")
    assert log.events.count("reading units or tags failed") == 1
    fault.remove()
    assert owner(running.after(REFRESH))[1] == {"label_team": "ops"}
    assert not running.report().organizations[0].warnings


def test_while_tags_cannot_be_read_they_are_asked_for_ever_less_often(simulator: Simulator, rig: StartRig) -> None:
    simulator.faults.add(Fault(DENIED, operation="ListTagsForResource"))
    running = rig(rest=TAGGED)
    for _ in range(360):
        running.after(10)
    assert 10 <= simulator.log.counts()["ListTagsForResource"] <= 40, "in an hour, with new credentials each time"


def test_one_account_whose_tags_cannot_be_read_keeps_no_other_from_being_read(
    fleet: Fleet, simulator: Simulator, rig: StartRig
) -> None:
    fleet.account(B).tags = {"team": "ops"}
    simulator.faults.add(Fault(Error(400, "TargetNotFoundException"), operation="ListTagsForResource", times=6))
    running = rig(rest=TAGGED)
    running.round()
    page = running.after(10)
    assert [owner(page, account_id)[1] for account_id in (A, B)] == [{}, {"label_team": "ops"}]
    assert owner(running.after(300))[1] == {"label_team": "core"}


def test_units_whose_names_may_not_be_read_are_shown_by_id_and_tags_are_read(
    prod: str, simulator: Simulator, fleet: Fleet, rig: StartRig
) -> None:
    simulator.faults.add(Fault(DENIED, operation="DescribeOrganizationalUnit"))
    page = rig(rest=TAGGED).round()
    assert owner(page) == (f"Root/{fleet.units[prod][1]}/{prod}", {"label_team": "core"})


def test_no_account_is_read_before_the_tags_are_known_that_can_exclude_it(simulator: Simulator, rig: StartRig) -> None:
    fault = simulator.faults.add(Fault(DENIED, operation="ListTagsForResource"))
    running = rig(rest=acme("exclude: {tags: {team: [core]}}"))
    page = running.round()
    assert page.up() == {}
    assert page.values("aws_support_organization_up") == [0], "nobody else would tell that no account is polled"
    assert "DescribeCases" not in simulator.log.counts()
    (organization,) = running.report().organizations
    assert organization.reason == "access_denied"
    assert "allow organizations:ListTagsForResource" in organization.advice
    assert not organization.warnings
    assert running.after(REFRESH).values("aws_support_organization_up") == [0], "a list that comes in does not mend it"
    fault.remove()
    page = running.after(REFRESH)
    assert set(page.up()) == {MANAGEMENT, B}
    assert page.values("aws_support_organization_up") == [1]


@pytest.mark.parametrize("selection", ["exclude: {tags: {stage: [retired]}}", "include: {tags: {stage: [live]}}"])
def test_a_reload_that_selects_by_another_tag_polls_on_until_that_is_known(
    selection: str, account: Account, fleet: Fleet, simulator: Simulator, rig: StartRig
) -> None:
    account.tags["stage"] = "retired"
    for account_id in (MANAGEMENT, B):
        fleet.account(account_id).tags["stage"] = "live"
    running = rig(rest=TAGGED)
    everybody = running.round().up()
    fault = simulator.faults.add(Fault(Throttled(), operation="ListTagsForResource"))
    running.apply(f"aws: {{role_name: AwsSupportExporter}}\n{acme('tags: [team]', selection)}")
    assert running.page().up() == everybody
    page = running.round()
    assert page.up() == everybody
    assert page.values("aws_support_organization_up") == [0]
    fault.remove()
    assert set(running.after(REFRESH).up()) == {MANAGEMENT, B}


def test_a_reload_makes_nobody_think_that_tags_were_read(simulator: Simulator, rig: StartRig) -> None:
    simulator.faults.add(Fault(DENIED, operation="ListTagsForResource"))
    running = rig(rest=acme("exclude: {tags: {team: [core]}}"))
    for _ in range(3):
        running.after(10)
    running.apply(f"aws: {{role_name: AwsSupportExporter}}\n{acme('labels: {b: x}', 'exclude: {tags: {team: [core]}}')}")
    assert running.page().values("aws_support_organization_up") == [0]
    assert running.round().values("aws_support_organization_up") == [0]


@pytest.mark.parametrize("faults", [[], [Fault(DENIED, operation="ListTagsForResource")]])
def test_it_is_ready_when_the_tags_that_select_are_known_or_cannot_be_read(
    faults: list[Fault], simulator: Simulator, rig: StartRig
) -> None:
    for fault in faults:
        simulator.faults.add(fault)
    running = rig(rest=acme("include: {tags: {team: [core]}}"))
    (listing,) = running.discoverer.listings
    running.run(running.discoverer.refresh(listing))
    page = running.page()
    assert page.values("aws_support_organization_up") == [1]
    assert not running.publisher.ready
    running.round()
    assert running.publisher.ready


@pytest.mark.parametrize(
    ("keys", "asked"),
    [
        (("tags: [team]", f"exclude: {{accounts: ['{A}']}}"), {MANAGEMENT, B}),
        (("tags: [team]", "include: {name_patterns: [pay*]}"), {A}),
        (("tags: [team]", "exclude: {organizational_units: [PARENT]}"), {MANAGEMENT, B}),
        ((f"include: {{accounts: ['{B}'], tags: {{team: [x]}}}}",), {MANAGEMENT, A}),
        (("tags: [team]", f"include: {{accounts: ['{B}'], tags: {{team: [x]}}}}"), {MANAGEMENT, A, B}),
        (("exclude: {organizational_units: [PARENT], tags: {team: [x]}}",), {MANAGEMENT, B}),
    ],
)
def test_tags_are_read_of_accounts_that_may_be_polled_only(
    keys: tuple[str, ...], asked: set[str], fleet: Fleet, prod: str, simulator: Simulator, rig: StartRig
) -> None:
    running = rig(rest=acme(*keys).replace("PARENT", fleet.units[prod][1]))
    running.round()
    assert simulator.log.counts().get("ListTagsForResource", 0) == len(asked)


def test_of_two_organizations_that_list_a_configured_account_the_first_says_whose_it_is(
    rig: StartRig,
) -> None:
    two = "organizations: [{name: acme, tags: [team]}, {name: again, tags: [owner]}]"
    page = rig(rest=f'{two}\naccounts: [{{id: "{A}"}}]').round()
    assert owner(page)[1] == {"label_team": "core"}


def test_once_tags_can_be_read_again_no_warning_is_left(simulator: Simulator, rig: StartRig) -> None:
    fault = simulator.faults.add(Fault(DENIED, operation="ListTagsForResource"))
    running = rig(rest=TAGGED)
    for _ in range(3):
        running.after(10)
    fault.remove()
    running.after(285)  # the first that failed is read; the others are asked for again after five minutes
    assert not running.report().organizations[0].warnings


def test_a_reload_logs_no_warning_twice_and_shows_it_on(simulator: Simulator, rig: StartRig) -> None:
    simulator.faults.add(Fault(DENIED, operation="ListTagsForResource"))
    log = Log()
    running = rig(rest=TAGGED, log=log)
    running.round()
    for label in "xyz":
        running.apply(f"aws: {{role_name: AwsSupportExporter}}\n{acme('tags: [team]', f'labels: {{b: {label}}}')}")
        assert running.report().organizations[0].warnings
        running.round()
    assert log.events.count("reading units or tags failed") == 1


def test_a_reload_keeps_units_and_tags_and_asks_for_none_anew(simulator: Simulator, rig: StartRig) -> None:
    running = rig(rest=TAGGED)
    running.round()
    asked = simulator.log.counts()["ListTagsForResource"]
    running.apply(f"aws: {{role_name: AwsSupportExporter}}\n{acme('tags: [team]', 'labels: {b: x}')}")
    assert owner(running.round()) == ("Root/Work loads/Prod", {"label_team": "core", "label_b": "x"})
    assert simulator.log.counts()["ListTagsForResource"] == asked


def test_a_shorter_interval_holds_for_all_accounts(fleet: Fleet, rig: StartRig) -> None:
    for number in range(50):
        fleet.add_account(account_id=f"3{number:011}").tags["team"] = "before"
    running = rig(rest=TAGGED.replace("tags_refresh_interval: 10m", "tags_refresh_interval: 24h"))
    running.round()
    for each in fleet.accounts:
        each.tags["team"] = "after"
    running.apply(f"aws: {{role_name: AwsSupportExporter}}\n{TAGGED}")
    page = running.after(REFRESH)
    assert page.label_values(INFO, "label_team") == {"after"}


@pytest.mark.parametrize("times", [6, 1000])
def test_a_backfill_looks_up_tags_again_and_names_what_fails(
    times: int, simulator: Simulator, rig: StartRig, tmp_path: Path
) -> None:
    simulator.faults.add(Fault(Throttled(), operation="ListTagsForResource", times=times))
    running, log = rig(rest=TAGGED), Log()
    backfill = Backfill(parse(["backfill", "--since=1d", f"--output={tmp_path}"]), log.logger, running.clock)
    running.run(backfill.read(running.collector, 4, Instrumentation([])))
    team = {each.account_id: each.all_labels.get("team") for each in backfill.accounts}
    assert team[A] == ("core" if times == 6 else None)
    assert backfill.report() == (0 if times == 6 else 1)
    assert ("acme" in str(log.lines)) or times == 6


@pytest.mark.parametrize("key", ["include", "exclude"])
def test_where_aws_tells_no_units_none_is_shown_and_selecting_by_them_fails_the_list(
    key: str, prod: str, fleet: Fleet, rig: StartRig
) -> None:
    fleet.tells_paths = False
    assert owner(rig(rest=acme()).round())[0] == ""
    running = rig(rest=acme(f"{key}: {{organizational_units: [{prod}], accounts: ['{B}']}}"))
    page = running.round()
    assert page.values("aws_support_organization_up") == [0]
    assert page.up() == {}
    (organization,) = running.report().organizations
    assert "no Paths" in organization.detail
    assert "remove organizational_units" in organization.advice


def test_names_and_tags_take_one_call_each_two_a_second_at_most(fleet: Fleet, simulator: Simulator, rig: StartRig) -> None:
    units = [fleet.add_unit(f"unit-{number}") for number in range(6)]
    for number in range(60):
        fleet.add_account(account_id=f"{number:012}").unit = units[number % 6]
    fleet.account(A).tags |= {f"tag-{number}": "x" for number in range(30)}  # that comes in two pages
    running = rig(rest=TAGGED)
    began = running.clock.monotonic()
    running.list_due()
    counts = simulator.log.counts()
    assert (counts["DescribeOrganizationalUnit"], counts["ListTagsForResource"]) == (8, 63 + 1)
    assert running.clock.monotonic() - began >= (8 + 64 - 1) * 0.5
    assert running.due(), "accounts do not wait for their tags"
    running.list_due()
    assert simulator.log.counts() == counts
