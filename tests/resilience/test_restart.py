"""What an exporter with `--storage.path` knows after a restart."""

import random
from pathlib import Path

import pytest

from exporter.simulator.account import Account
from exporter.simulator.case import CUSTOMER_AUTHOR
from exporter.simulator.fleet import Fleet
from tests.resilience.conftest import StartRig
from tests.support.clock import FakeClock
from tests.support.page import Page
from tests.support.rig import FakeRig

A, B = "111111111111", "222222222222"
IDS = tuple(str(number) * 12 for number in range(1, 9))
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
SUBJECTS = "metrics: {cases: {enabled: true, subject: true}}"


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


@pytest.mark.parametrize("seed", range(4))
def test_an_exporter_that_restarts_shows_what_one_shows_that_does_not(
    seed: int, fleet: Fleet, rig: StartRig, clock: FakeClock, tmp_path: Path
) -> None:
    rng = random.Random(seed)  # noqa: S311 - a life that can be had again
    accounts = [fleet.add_account(account_id=account_id) for account_id in IDS]
    steady, other = rig(*IDS), rig(*IDS, storage=tmp_path)
    for _ in range(60):
        clock.advance(rng.uniform(MINUTE, 20 * MINUTE))
        for account in rng.sample(accounts, 5):
            live(account, rng)
        pages = poll_all(steady), poll_all(other)
        assert of_cases(pages[1]) == of_cases(pages[0])
        if rng.random() < 0.3:
            other.kill()
            other = rig(*IDS, storage=tmp_path)
            assert of_cases(other.page()) == of_cases(steady.page()), "also before the first poll"
    assert pages[0].total("aws_support_reply_seconds_count") > 30
    assert pages[0].total("aws_support_first_responses_total") > 30
