"""A hundred and twenty intervals in which cases and accounts come and go leave nothing behind."""

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import Latency
from exporter.simulator.server import Simulator
from tests.support.clock import FakeClock
from tests.support.page import Page
from tests.support.tools import ROOT

INTERVALS = 120
SETTLED = 40
"""Intervals after which what is kept for speed is there, in the configuration that is in force at the end, too."""
INTERVAL = 600.0
ACCOUNTS = 30
ALL_AT_ONCE = Latency(0.05)
"""Makes AWS so slow that each poll has a connection of its own: the pool is full where it is compared."""
CONFIGS = [
    f"""
poll: {{interval: 10m, max_staleness: 30m, concurrency: {concurrency}}}
organizations: [{{name: all, member_role_name: AwsSupportExporter, refresh_interval: 10m}}]
metrics: {{cases: {{enabled: true}}}}
"""
    for concurrency in (8, 3)
]
"""They are put in force in turns."""
MOST_GROWTH = 1.06
Pass = Callable[[], dict[str, Any]]


@pytest.fixture
def fleet(clock: FakeClock) -> Fleet:
    """Return a fleet in which a case lasts for seven intervals."""
    return Fleet.living(clock.true_time, accounts=ACCOUNTS, cases=4, pace=100)


@pytest.fixture
def let_pass(simulator: Simulator, clock: FakeClock) -> Iterator[Pass]:
    """Let an interval pass for an exporter in a process of its own, and return its page, and how much it holds of what."""
    del simulator
    command = [sys.executable, "-m", "tests.reliability.soak", str(INTERVAL), *CONFIGS]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:

        def let_pass() -> dict[str, Any]:
            assert child.stdin is not None
            assert child.stdout is not None
            clock.advance(INTERVAL)
            child.stdin.write("\n")
            child.stdin.flush()
            held: dict[str, Any] = json.loads(child.stdout.readline())
            return held

        yield let_pass
        child.kill()


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_nothing_grows_and_nothing_stays_behind(fleet: Fleet, simulator: Simulator, let_pass: Pass) -> None:
    rng = random.Random(7)  # noqa: S311 - a life that can be lived again
    history, opened = [], set[str]()
    for number in range(1, INTERVALS + 1):
        members = [account for account in fleet.accounts[1:] if account.state == "ACTIVE"]
        if len(members) > ACCOUNTS // 2 and rng.random() < 0.5:
            rng.choice(members).state = "SUSPENDED"
        else:
            fleet.add_account().add_case()
        for account in members:
            account.cases = [case for case in account.cases if case.is_open or rng.random() < 0.8]
            opened |= {case.display_id for case in account.cases}
        slow = simulator.faults.add(Fault(ALL_AT_ONCE)) if number in {SETTLED, INTERVALS} else None
        history.append(let_pass())
        if slow:
            slow.remove()
    assert len(opened) > 5 * INTERVALS
    settled, end = history[SETTLED - 1]["rss"], history[-1]["rss"]
    assert end <= settled * MOST_GROWTH, f"{settled / 1e6:.1f} MB grew to {end / 1e6:.1f} MB"
    for name in ("threads", "descriptors", "sockets"):
        assert history[-1][name] <= max(held[name] for held in history[:SETTLED]), name

    fleet.life = None
    # Some are read in every other interval, and cases that AWS does not find any more are resolved with the second listing.
    for _ in range(4):
        page = Page(let_pass()["page"])
    members = [account for account in fleet.accounts if account.state == "ACTIVE"]
    assert set(page.up()) == {account.account_id for account in members}
    open_cases = {case.display_id for account in members for case in account.open_cases()}
    assert page.label_values("aws_support_case_info", "display_id") == open_cases
    assert len(fleet.accounts) - len(members) > INTERVALS / 5
