"""What an exporter with `--storage.path` knows after a restart."""

import random
from pathlib import Path

import pytest

from exporter.simulator.account import Account
from exporter.simulator.case import CUSTOMER_AUTHOR
from exporter.simulator.fleet import Fleet
from tests.resilience.conftest import StartRig, configuration
from tests.support.clock import FakeClock
from tests.support.log import Log
from tests.support.page import Page
from tests.support.rig import FakeRig

A, B = "111111111111", "222222222222"
WITH_SUBJECTS = "metrics: {cases: {enabled: true, subject: true}}"
IDS = tuple(str(number) * 12 for number in range(1, 6))
MINUTE, HOUR = 60.0, 3600.0
OPENED = "aws_support_cases_opened_total"


def of_cases(page: Page) -> list[str]:
    """Return the lines of a page that say something of cases."""
    ours = ("account_info", "account_up", "account_poll", "account_last", "api_", "exporter_", "accounts{")
    return [line for line in page.text.splitlines() if not line.removeprefix("aws_support_").startswith(("#", *ours))]


def live(account: Account, rng: random.Random) -> None:
    """Let something happen to an account's cases, or nothing."""
    case = rng.choice(account.cases) if account.cases and rng.random() < 0.8 else None
    if case is None:
        account.add_case(body="help", severity_code=rng.choice(("low", "urgent", "critical", "odd")))
    elif not case.is_open:
        case.reopen()
    elif rng.random() < 0.3:
        case.resolve()
    else:
        for _ in range(rng.choice((1, 1, 2, 7))):
            case.add_communication(submitted_by=rng.choice(("Amazon Web Services", CUSTOMER_AUTHOR)))


def poll_all(rig: FakeRig) -> Page:
    rig.poll(*rig.accounts.entries())
    return rig.page()


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_an_exporter_that_restarts_shows_what_one_shows_that_does_not(
    seed: int, fleet: Fleet, rig: StartRig, clock: FakeClock, tmp_path: Path
) -> None:
    rng = random.Random(seed)  # noqa: S311 - a life that can be had again
    accounts = [fleet.add_account(account_id=account_id) for account_id in IDS]
    steady, other = rig(*IDS), rig(*IDS, storage=tmp_path)
    for _ in range(20):
        clock.advance(rng.uniform(MINUTE, 20 * MINUTE))
        for account in rng.sample(accounts, 4):
            live(account, rng)
        pages = poll_all(steady), poll_all(other)
        assert of_cases(pages[1]) == of_cases(pages[0])
        if rng.random() < 0.4:
            other.kill()
            other = rig(*IDS, storage=tmp_path)
            assert of_cases(other.page()) == of_cases(steady.page()), "also before the first poll"
    assert pages[0].total("aws_support_reply_seconds_count") > 5
    assert pages[0].total("aws_support_first_responses_total") > 5


def restarted(before: FakeRig, rig: StartRig, storage: Path, *account_ids: str, **options: str) -> FakeRig:
    before.kill()
    return rig(*account_ids, storage=storage, **options)


def test_an_account_is_pending_until_it_is_polled_and_shows_what_was_known(fleet: Fleet, rig: StartRig, tmp_path: Path) -> None:
    for account_id in (A, B):
        fleet.add_account(account_id=account_id).add_case()
    before = rig(A, B, storage=tmp_path)
    before.round()
    fleet.account(B).supported = False
    assert before.after(10 * MINUTE).up() == {A: 1, B: 0}
    after = restarted(before, rig, tmp_path, A, B)
    page = after.page()
    assert (page.open_cases(), page.by_account("aws_support_account_supported")) == ({A: 1}, {A: 1, B: 0})
    assert page.values("aws_support_accounts", state="pending") == [1], "B is unsupported"
    assert (page.up(), page.reasons(B), after.publisher.ready) == ({}, {}, False), "what counts polls begins at 0"
    page = after.round()
    assert (page.open_cases(), page.up(), after.publisher.ready) == ({A: 1}, {A: 1, B: 0}, True)


@pytest.mark.parametrize(("passed", "shown"), [(29 * MINUTE, [1]), (31 * MINUTE, []), (25 * HOUR, [])])
def test_cases_show_while_they_are_fresh_and_counts_go_on_for_a_day(
    passed: float, shown: list[int], fleet: Fleet, rig: StartRig, clock: FakeClock, tmp_path: Path
) -> None:
    account, counted = fleet.add_account(account_id=A), passed < 24 * HOUR
    before, log = rig(A, storage=tmp_path), Log()
    before.round()
    account.add_case()
    before.after(6 * MINUTE)
    before.kill()
    clock.advance(passed)
    account.add_case()
    after = rig(A, storage=tmp_path, log=log)
    page = after.page()
    assert list(page.open_cases().values()) == shown
    assert page.by_account(OPENED) == ({A: 1} if counted else {})
    assert after.round().by_account(OPENED) == {A: 2 * counted}
    assert ("state unusable, counters start at 0" in log.events) == (not counted)


def test_an_account_that_is_not_there_at_first_goes_on_where_it_was_and_one_that_left_begins_anew(
    fleet: Fleet, rig: StartRig, tmp_path: Path
) -> None:
    accounts = [fleet.add_account(account_id=account_id) for account_id in (A, B)]
    both = rig(A, B, storage=tmp_path)
    both.round()
    for account in accounts:
        account.add_case()
    both.after(6 * MINUTE)
    one = restarted(both, rig, tmp_path, A)
    one.after(6 * MINUTE)
    again = restarted(one, rig, tmp_path, A, B)
    assert again.page().by_account(OPENED) == {A: 1, B: 1}
    again.apply(configuration(A))
    again.after(10 * MINUTE)
    assert restarted(again, rig, tmp_path, A, B).page().by_account(OPENED) == {A: 1}


def test_histograms_with_other_buckets_start_at_zero(fleet: Fleet, rig: StartRig, tmp_path: Path) -> None:
    account = fleet.add_account(account_id=A)
    before = rig(A, storage=tmp_path)
    before.round()
    account.add_case(body="help").add_communication()
    before.after(6 * MINUTE)
    account.cases[0].resolve()
    before.after(10 * MINUTE)
    targets = "metrics: {first_response_targets: {low: 77s}}"
    page = restarted(before, rig, tmp_path, A, rest=targets).page()
    names = ("first_response_seconds_count", "case_open_duration_seconds_count")
    assert [page.total(f"aws_support_{name}") for name in names] == [0, 1]


def test_what_no_page_has_shown_is_counted_again(fleet: Fleet, rig: StartRig, tmp_path: Path) -> None:
    """As after `kill -9` between a poll and its page."""
    account = fleet.add_account(account_id=A)
    before = rig(A, storage=tmp_path)
    before.round()
    account.add_case(body="help", severity_code="critical").add_communication()
    before.poll(*before.accounts.entries())
    page = restarted(before, rig, tmp_path, A).round()
    assert page.total(OPENED) == page.total("aws_support_first_response_seconds_count") == 1


def test_subjects_are_not_stored_and_show_once_the_account_is_polled(fleet: Fleet, rig: StartRig, tmp_path: Path) -> None:
    account = fleet.add_account(account_id=A)
    case, gone = account.add_case(subject="SECRET"), account.add_case(subject="SECRET")
    before = rig(A, storage=tmp_path, rest=WITH_SUBJECTS)
    before.round()
    gone.resolve()
    before.after(6 * MINUTE)
    file = tmp_path / "state.db"
    assert all(b"SECRET" not in each.read_bytes() for each in tmp_path.iterdir())
    assert case.case_id.encode() in file.read_bytes(), "values are not compressed"
    assert file.stat().st_mode & 0o777 == 0o600
    after = restarted(before, rig, tmp_path, A, rest=WITH_SUBJECTS)
    assert "subject" not in after.page().text.partition("aws_support_case_info{")[2].partition("\n")[0]
    assert after.round().label_values("aws_support_case_info", "subject") == {"SECRET"}
