"""No scrape fails while the fleet is read and passwords are guessed: for seconds what `make load` measures for minutes."""

from pathlib import Path

import pytest

from bench.load import MOST_CORES, SLOW, Plan, at_work, there, watch
from bench.measuring import Plan as FleetPlan
from bench.measuring import simulated_aws
from tests.support.tools import need_tool

READING = Plan(accounts=300, seconds=16)
"""Longer than one and a half intervals, in which every account is read."""
RESTING = Plan(accounts=300, seconds=8)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_fifty_scrapers_fail_never_beside_a_refresh_and_wrong_passwords_have_a_bounded_share_of_a_core(tmp_path: Path) -> None:
    need_tool("wrk")
    with simulated_aws(tmp_path, FleetPlan(), READING.accounts, READING.cases) as aws:
        with at_work(tmp_path, READING, aws, reads=True, guarded=True) as exporter:
            attacked = watch(exporter, aws, READING, scrapers=READING.scrapers, guessing=SLOW)
            assert "Traceback" not in exporter.stderr()
        with at_work(tmp_path, RESTING, aws, reads=False, guarded=True) as exporter:
            guessed = watch(exporter, aws, RESTING, guessing=SLOW)
            assert "Traceback" not in exporter.stderr()
    assert attacked.read * READING.seconds >= READING.accounts, "the fleet was not read meanwhile"
    assert there(attacked.scrapes).requests >= READING.scrapers
    assert there(attacked.scrapes).failed == 0, attacked.scrapes
    assert there(attacked.guesses).requests > 0
    assert there(guessed.guesses).unauthorized > 0
    assert there(guessed.guesses).too_many > 0
    assert guessed.cores <= MOST_CORES, guessed
    for guesses in (there(attacked.guesses), there(guessed.guesses)):
        assert (guesses.others, guesses.socket) == (0, 0), f"let in: {guesses}"
