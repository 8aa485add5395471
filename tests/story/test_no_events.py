"""What is no event, told over the wire: the past, a failed reading, an account that left, a case that came back."""

import pytest

from exporter.simulator.account import Account
from exporter.simulator.case import Case
from exporter.simulator.faults import Fault
from exporter.simulator.faults import Page as Pages
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import Error, Throttled
from exporter.simulator.server import Simulator
from tests.resilience.conftest import MANAGEMENT, StartRig
from tests.support.page import Page

A, B = "111122223333", "444455556666"
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
INTERVAL = 8 * MINUTE
LOOKUPS_PER_POLL = 10

EVENTS = {
    "opened": "cases_opened_total",
    "resolved": "cases_resolved_total",
    "reopened": "cases_reopened_total",
    "judged": "first_responses_total",
    "answered": "first_response_seconds_count",
    "gone": "case_open_duration_seconds_count",
    "written": "communications_total",
    "replies": "reply_seconds_count",
}


def events(page: Page) -> dict[str, float]:
    """Return how many events of each kind a page tells, those that never happened left out."""
    totals = {kind: page.total(f"aws_support_{name}") for kind, name in EVENTS.items()}
    return {kind: total for kind, total in totals.items() if total}


def chatty(account: Account, opened: float, answered: float | None) -> Case:
    """Open a case long ago that AWS answered, or not, before the five communications that come with it."""
    case = account.add_case(severity_code="critical", created_at=opened)
    if answered is not None:
        case.add_communication(created_at=answered)
    for _ in range(7):
        case.add_communication("Any news?", submitted_by="Customer")
    return case


@pytest.mark.parametrize("answered_after", [MINUTE, HOUR, None], ids=["in time", "late", "never"])
def test_the_past_is_no_event_however_many_polls_it_takes_to_learn_it(
    answered_after: float | None, simulator: Simulator, fleet: Fleet, rig: StartRig
) -> None:
    account = fleet.add_account(account_id=A)
    opened = fleet.clock() - DAY
    for _ in range(LOOKUPS_PER_POLL + 5):
        chatty(account, opened, None if answered_after is None else opened + answered_after)
    running = rig(A)
    pages = [running.round(), running.after(INTERVAL), running.after(INTERVAL), running.after(INTERVAL)]
    assert [events(page) for page in pages] == [{}] * 4
    assert simulator.log.counts()["DescribeCommunications"] == LOOKUPS_PER_POLL + 5, "each case once"
    waiting = 0 if answered_after is not None else 1
    assert [page.total("aws_support_unanswered_cases") for page in pages] == [
        waiting * LOOKUPS_PER_POLL, *[waiting * (LOOKUPS_PER_POLL + 5)] * 3
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [Throttled(), Error(500, "InternalServerError", "")], ids=["throttled", "server error"])
def test_a_reading_that_fails_on_a_later_page_changes_nothing(
    kind: Error | Throttled, simulator: Simulator, fleet: Fleet, rig: StartRig
) -> None:
    account = fleet.add_account(account_id=A)
    for _ in range(150):
        account.add_case(severity_code="low")
    running = rig(A)
    running.round()
    broken = simulator.faults.add(Fault(kind, operation="DescribeCases", page=Pages.LATER))
    account.cases[0].resolve()
    account.add_case(severity_code="low")
    failed = running.after(INTERVAL)
    assert (failed.up(), failed.open_cases(), events(failed)) == ({A: 0}, {A: 150}, {})
    broken.remove()
    well = running.after(INTERVAL)
    assert (well.up(), well.open_cases(), events(well)) == ({A: 1}, {A: 150}, {"opened": 1, "resolved": 1, "gone": 1})


def test_an_account_that_leaves_its_organization_has_resolved_nothing(
    simulator: Simulator, fleet: Fleet, rig: StartRig
) -> None:
    del simulator
    leaving, staying = (fleet.add_account(account_id=account_id) for account_id in (A, B))
    for account in (leaving, staying):
        account.add_case()
    running = rig(rest=f"organizations: [{{name: acme, refresh_interval: 5m, exclude: {{accounts: ['{MANAGEMENT}']}}}}]\n")
    assert running.round().open_cases() == {A: 1, B: 1}
    leaving.state = "SUSPENDED"
    gone = running.after(INTERVAL)
    assert (gone.open_cases(), events(gone)) == ({B: 1}, {})
    leaving.state = "ACTIVE"
    leaving.add_case()
    back = running.after(INTERVAL)
    assert (back.open_cases(), events(back)) == ({A: 2, B: 1}, {}), "its first reading is a baseline again"


def test_a_case_that_comes_back_is_no_new_case_and_not_late_again(simulator: Simulator, fleet: Fleet, rig: StartRig) -> None:
    del simulator
    account = fleet.add_account(account_id=A)
    old = account.add_case(body="help", severity_code="critical", created_at=fleet.clock() - 30 * DAY)
    old.resolve()
    running = rig(A)
    assert events(running.round()) == {}
    old.reopen()
    assert events(running.after(INTERVAL)) == {"reopened": 1}
    old.add_communication()
    assert events(running.after(INTERVAL)) == {"reopened": 1, "written": 1}, "30 days are not AWS's first response"
    old.resolve()
    assert events(running.after(INTERVAL)) == {"reopened": 1, "written": 1, "resolved": 1, "gone": 1}
