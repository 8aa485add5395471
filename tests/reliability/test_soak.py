"""A hundred and twenty intervals in which cases and accounts come and go leave nothing behind."""

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from exporter.simulator.account import Account
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


class Life:
    """Opens, answers, resolves and reopens cases, and lets accounts join and leave."""

    def __init__(self, fleet: Fleet, rng: random.Random) -> None:
        self._fleet = fleet
        self._rng = rng
        self.members: list[Account] = [fleet.add_account() for _ in range(ACCOUNTS)]
        self.left = 0

    def interval(self) -> None:
        """Let happen what happens in one interval."""
        for account in self.members:
            account.cases = [case for case in account.cases if case.is_open or self._rng.random() < 0.8]
            for each in account.open_cases():
                match self._rng.randrange(3):
                    case 0:
                        each.resolve()
                    case 1:
                        each.add_communication()
            if len(account.open_cases()) < 5:
                account.add_case(body="help", severity_code=self._rng.choice(["low", "high", "critical"]))
        if len(self.members) > ACCOUNTS // 2 and self._rng.random() < 0.5:
            self.members.pop(self._rng.randrange(len(self.members))).state = "SUSPENDED"
            self.left += 1
        else:
            self.members.append(self._fleet.add_account())


Pass = Callable[[], dict[str, Any]]


@pytest.fixture
def let_pass(simulator: Simulator, clock: FakeClock) -> Iterator[Pass]:
    """Let an interval pass for an exporter in a process of its own, and return its page, and how much it holds of what."""
    del simulator
    command = [sys.executable, "-m", "tests.reliability.soak", str(INTERVAL), *CONFIGS]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as child:

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
    life = Life(fleet, random.Random(7))  # noqa: S311 - a life that can be lived again
    history = []
    for number in range(1, INTERVALS + 1):
        life.interval()
        slow = simulator.faults.add(Fault(ALL_AT_ONCE)) if number in {SETTLED, INTERVALS} else None
        history.append(let_pass())
        if slow:
            slow.remove()
    settled, end = history[SETTLED - 1]["rss"], history[-1]["rss"]
    assert end <= settled * MOST_GROWTH, f"{settled / 1e6:.1f} MB grew to {end / 1e6:.1f} MB"
    for name in ("threads", "descriptors", "sockets"):
        assert history[-1][name] <= max(held[name] for held in history[:SETTLED]), name

    # Some are read in every other interval, and cases that AWS does not find any more are resolved with the second listing.
    for _ in range(4):
        page = Page(let_pass()["page"])
    assert set(page.up()) == {account.account_id for account in fleet.accounts if account.state == "ACTIVE"}
    open_cases = {case.display_id for account in life.members for case in account.open_cases()}
    assert page.label_values("aws_support_case_info", "display_id") == open_cases
    assert life.left > INTERVALS / 5
