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
from tests.resilience.conftest import MANAGEMENT, StartRig, configuration
from tests.support.log import Log
from tests.support.page import Page

A, B = "111111111111", "222222222222"
REFRESH = 600.0
INFO = "aws_support_account_info"
UP = "aws_support_organization_up"
NO_TAGS = Fault(Error(400, "AccessDeniedException", "User: x is not authorized to perform: y:z"), "ListTagsForResource")


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

    def after(opened: float) -> Page:
        page = running.after(REFRESH)
        series = [(name, frozenset(labels.items())) for name, labels, _ in page.samples]
        assert len(series) == len(set(series))
        assert page.total("aws_support_cases_opened_total", account_id=A) == opened
        return page

    assert owner(running.round()) == ("Root/Work loads/Prod", {"label_team": "core"})
    account.add_case()
    account.unit = unit = fleet.add_unit("Sandbox")
    assert owner(after(1)) == ("Root/Sandbox", {"label_team": "core"})
    fleet.units[unit] = ("Lab", "")
    account.tags |= {"team": "ops", "CostCenter": "17"}
    assert owner(after(1)) == ("Root/Lab", {"label_team": "ops", "label_cost_center": "17"})
    del account.tags["team"]
    assert owner(after(1)) == ("Root/Lab", {"label_cost_center": "17"})
    account.state = "SUSPENDED"
    assert A not in after(0).text
    account.state, account.unit = "ACTIVE", ""
    assert owner(after(0)) == ("Root", {"label_cost_center": "17"})


def test_configured_labels_win_over_tags_and_a_configured_account_has_those_of_the_first_that_lists_it(rig: StartRig) -> None:
    labelled = acme("tags: [team, owner]", "labels: {team: all, b: x}")
    labels = {"label_team": "all", "label_b": "x", "label_owner": "jane@example.com"}
    assert owner(rig(rest=labelled).round())[1] == labels
    listed = "organizations: [{name: acme, tags: [team]}, {name: again, tags: [owner]}]"
    mine = f"accounts: [{{id: '{A}', labels: {{a: '1'}}}}, {{id: '{MANAGEMENT}', name: ours, use_own_credentials: true}}]"
    page = rig(rest=f"{listed}\n{mine}").round()
    assert owner(page) == ("Root/Work loads/Prod", {"label_team": "core", "label_a": "1"})
    assert page.values(INFO, organization="acme", account_name="ours", account_id=MANAGEMENT) == [1]
    assert page.values(INFO, organization="acme") == [1] * 3, "each account is one target"
    assert page.up() == {MANAGEMENT: 1, A: 1, B: 1}


@pytest.mark.parametrize(
    ("keys", "selected_and_asked"),
    [
        ("include: {organizational_units: [PARENT]}", ({A}, 0)),
        ("tags: [team], exclude: {organizational_units: [PARENT]}", ({MANAGEMENT, B}, 2)),
        ("tags: [team], include: {name_patterns: [pay*]}", ({A}, 1)),
        ("include: {tags: {team: [ops], stage: [x]}}", (set(), 3)),
        (f"include: {{tags: {{team: [c*]}}, accounts: ['{B}']}}", ({A, B}, 2)),
        (f"tags: [team], include: {{tags: {{team: [c*]}}, accounts: ['{B}']}}", ({A, B}, 3)),
        ("exclude: {tags: {team: [core]}}", ({MANAGEMENT, B}, 3)),
        ("exclude: {organizational_units: [PARENT], tags: {team: [x]}}", ({MANAGEMENT, B}, 2)),
        ("include: {organizational_units: [PARENT]}, exclude: {tags: {team: [core]}}", (set(), 1)),
    ],
)
def test_units_and_tags_select_and_tags_are_read_of_accounts_that_may_be_polled_only(
    keys: str, selected_and_asked: tuple[set[str], int], fleet: Fleet, prod: str, simulator: Simulator, rig: StartRig
) -> None:
    page = rig(rest=acme(keys.replace("PARENT", fleet.units[prod][1]))).round()
    assert (set(page.up()), simulator.log.counts().get("ListTagsForResource", 0)) == selected_and_asked


def test_tags_that_cannot_be_read_are_kept_and_told_once_and_harm_no_list(
    account: Account, simulator: Simulator, rig: StartRig
) -> None:
    log = Log()
    running = rig(rest=TAGGED, log=log)
    running.round()
    account.tags["team"] = "ops"
    fault = simulator.faults.add(NO_TAGS)
    page = running.after(REFRESH)
    assert owner(page)[1] == {"label_team": "core"}
    assert page.values(UP) == [1]
    assert page.total("aws_support_api_errors_total", operation="ListTagsForResource", reason="access_denied") >= 1
    for label in "xy":
        running.apply(configuration(rest=acme("tags: [team]", f"labels: {{b: {label}}}")))
        (warning,) = running.report().organizations[0].warnings
        assert (warning.reason, warning.detail[:21]) == ("access_denied", "ListTagsForResource: ")
        assert owner(running.round())[1] == {"label_team": "core", "label_b": label}
    assert log.events.count("reading units or tags failed") == 1
    fault.remove()
    assert owner(running.after(REFRESH))[1] == {"label_team": "ops", "label_b": "y"}
    assert not running.report().organizations[0].warnings


def test_while_tags_cannot_be_read_they_are_asked_for_ever_less_often(simulator: Simulator, rig: StartRig) -> None:
    simulator.faults.add(NO_TAGS)
    running = rig(rest=TAGGED)
    for _ in range(120):
        running.after(30)
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


def test_no_account_is_read_before_the_tags_are_known_that_can_exclude_it(simulator: Simulator, rig: StartRig) -> None:
    fault = simulator.faults.add(NO_TAGS)
    exclude = "exclude: {tags: {team: [core]}}"
    running = rig(rest=acme(exclude))
    (listing,) = running.discoverer.listings
    running.run(running.discoverer.refresh(listing))
    assert (running.page().values(UP), running.publisher.ready) == ([1], False), "tags are asked for"
    page = running.round()
    assert (page.up(), running.publisher.ready) == ({}, True), "they cannot be read"
    assert page.values(UP) == [0], "nobody else would tell that no account is polled"
    assert "DescribeCases" not in simulator.log.counts()
    (organization,) = running.report().organizations
    assert (organization.reason, organization.warnings) == ("access_denied", ())
    assert "allow organizations:ListTagsForResource" in organization.advice
    assert running.after(REFRESH).values(UP) == [0], "a list that comes in does not mend it"
    running.apply(configuration(rest=acme("labels: {b: x}", exclude)))
    assert running.page().values(UP) == running.round().values(UP) == [0], "nor does a reload"
    fault.remove()
    page = running.after(REFRESH)
    assert (set(page.up()), page.values(UP)) == ({MANAGEMENT, B}, [1])


@pytest.mark.parametrize("selection", ["exclude: {tags: {stage: [retired]}}", "include: {tags: {stage: [live]}}"])
def test_a_reload_that_selects_by_another_tag_polls_on_until_that_is_known(
    selection: str, account: Account, fleet: Fleet, simulator: Simulator, rig: StartRig
) -> None:
    account.tags["stage"] = "retired"
    for account_id in (MANAGEMENT, B):
        fleet.account(account_id).tags["stage"] = "live"
    running = rig(rest=TAGGED)
    everybody = running.round().up()
    fault = simulator.faults.add(NO_TAGS)
    running.apply(configuration(rest=acme("tags: [team]", selection)))
    assert running.page().up() == everybody
    page = running.round()
    assert (page.up(), page.values(UP)) == (everybody, [0])
    fault.remove()
    assert set(running.after(REFRESH).up()) == {MANAGEMENT, B}


def test_a_reload_asks_for_no_tags_anew_unless_at_a_shorter_interval(simulator: Simulator, rig: StartRig) -> None:
    daily = TAGGED.replace("tags_refresh_interval: 10m", "tags_refresh_interval: 24h, labels: {b: x}")
    running = rig(rest=daily)
    running.round()
    asked = simulator.log.counts()["ListTagsForResource"]
    running.apply(configuration(rest=daily.replace("b: x", "b: y")))
    assert owner(running.after(REFRESH)) == ("Root/Work loads/Prod", {"label_team": "core", "label_b": "y"})
    assert simulator.log.counts()["ListTagsForResource"] == asked
    running.apply(configuration(rest=TAGGED))
    running.after(REFRESH)
    assert simulator.log.counts()["ListTagsForResource"] == 2 * asked


@pytest.mark.parametrize(("failures", "team", "exit_code"), [(6, "core", 0), (1000, None, 1)])
def test_a_backfill_looks_up_tags_again_and_names_what_fails(
    failures: int, team: str | None, exit_code: int, simulator: Simulator, rig: StartRig, tmp_path: Path
) -> None:
    simulator.faults.add(Fault(Throttled(), operation="ListTagsForResource", times=failures))
    running, log = rig(rest=TAGGED), Log()
    backfill = Backfill(parse(["backfill", "--since=1d", f"--output={tmp_path}"]), log.logger, running.clock)
    running.run(backfill.read(running.collector, 4, Instrumentation([])))
    assert {each.account_id: each.all_labels.get("team") for each in backfill.accounts}[A] == team
    assert backfill.report() == exit_code
    errors = [line for line in log.lines if line["log_level"] == "error"]
    assert ("acme" in str(errors)) == bool(exit_code)


def test_where_aws_tells_no_units_selecting_by_them_fails_the_list(prod: str, fleet: Fleet, rig: StartRig) -> None:
    fleet.tells_paths = False
    running = rig(rest=acme(f"exclude: {{organizational_units: [{prod}]}}"))
    page = running.round()
    assert (page.values(UP), page.up()) == ([0], {})
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
