"""No scrape fails while the fleet is read and passwords are guessed: for seconds what `make load` measures for minutes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.load import MOST_CORES, SLOW, Plan, at_work, there, watch
from bench.measuring import Plan as FleetPlan
from bench.measuring import simulated_aws
from bench.processes import SimulatedAws
from bench.wrk import Load
from tests.support.tools import need_tool

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

PLAN = Plan(accounts=300, seconds=18)
"""Longer than one and a half intervals, in which every account is read."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("load")


@pytest.fixture(scope="module")
def aws(folder: Path) -> Iterator[SimulatedAws]:
    need_tool("wrk")
    with simulated_aws(folder, FleetPlan(), PLAN.accounts, PLAN.cases) as simulated:
        yield simulated


def test_fifty_scrapers_fail_never_beside_a_refresh_and_wrong_passwords(folder: Path, aws: SimulatedAws) -> None:
    with at_work(folder, PLAN, aws, reads=True, guarded=True) as exporter:
        scraped = watch(exporter, aws, PLAN, scrapers=PLAN.scrapers)
        attacked = watch(exporter, aws, PLAN, scrapers=PLAN.scrapers, guessing=SLOW)
        assert "Traceback" not in exporter.stderr()
    for busy in (scraped, attacked):
        assert busy.read * PLAN.seconds >= PLAN.accounts, "the fleet was not read meanwhile"
        assert there(busy.scrapes).requests >= PLAN.scrapers
        assert there(busy.scrapes).failed == 0, busy.scrapes
    assert there(attacked.guesses).requests > 0
    assert_none_let_in(there(attacked.guesses))


def test_wrong_passwords_have_a_bounded_share_of_a_core(folder: Path, aws: SimulatedAws) -> None:
    with at_work(folder, PLAN, aws, reads=False, guarded=True) as exporter:
        guessed = watch(exporter, aws, PLAN, guessing=SLOW)
        assert "Traceback" not in exporter.stderr()
    assert_none_let_in(there(guessed.guesses))
    assert there(guessed.guesses).unauthorized > 0
    assert there(guessed.guesses).too_many > 0
    assert guessed.cores <= MOST_CORES, guessed


def assert_none_let_in(guesses: Load) -> None:
    assert (guesses.others, guesses.socket) == (0, 0), guesses
