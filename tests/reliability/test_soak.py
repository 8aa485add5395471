"""Two hundred intervals in which cases and accounts come and go leave nothing behind."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from itertools import count, islice

import pytest

from exporter.simulator.account import Account
from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import Latency
from exporter.simulator.server import Simulator
from tests.support.clock import FakeClock
from tests.support.page import Page
from tests.support.tools import ROOT

INTERVALS = 200
SETTLED = 60
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
MOST_GROWTH = 1.10


States = Iterator[tuple[Page, int, dict[str, int]]]
"""After each interval: the page, the memory in use, and how many there are of all else that could leak."""


class Life:
    """Opens, answers, resolves and reopens cases, and lets accounts join and leave."""

    def __init__(self, fleet: Fleet, rng: random.Random) -> None:
        self._fleet = fleet
        self._rng = rng
        self.members: list[Account] = [fleet.add_account() for _ in range(ACCOUNTS)]
        self.left: list[Account] = []
        self.is_over = False

    def interval(self) -> None:
        """Let happen what happens in one interval."""
        if self.is_over:
            return
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
            gone = self.members.pop(self._rng.randrange(len(self.members)))
            gone.state = "SUSPENDED"
            self.left.append(gone)
        else:
            self.members.append(self._fleet.add_account())


@pytest.fixture
def life() -> Iterator[tuple[Life, States]]:
    """Return what happens in the accounts, and what the exporter in a process of its own makes of each interval."""
    clock = FakeClock()
    fleet = Fleet.empty(clock.true_time)
    life = Life(fleet, random.Random(7))  # noqa: S311 - a life that can be lived again
    with (
        Simulator(fleet, throttle=False, verify_signatures=False) as simulator,
        subprocess.Popen(
            [sys.executable, "-m", "tests.reliability.soak", str(INTERVAL), *CONFIGS],
            cwd=ROOT,
            env=os.environ | simulator.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as child,
    ):

        def states() -> States:
            assert child.stdin is not None
            assert child.stdout is not None
            for number in count(1):
                slow = simulator.faults.add(Fault(ALL_AT_ONCE)) if number in (SETTLED, INTERVALS) else None
                life.interval()
                clock.advance(INTERVAL)
                child.stdin.write("\n")
                child.stdin.flush()
                held = json.loads(child.stdout.readline())
                if slow is not None:
                    slow.remove()
                yield Page(held.pop("page")), held.pop("rss"), held

        yield life, states()
        child.kill()


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_nothing_grows_and_nothing_stays_behind(life: tuple[Life, States]) -> None:
    lived, states = life
    settling = [*islice(states, SETTLED)]
    settled = settling[-1][1]
    most = {name: max(held[name] for *_, held in settling) for name in ("threads", "descriptors", "sockets")}
    *_, (_, rss, held) = islice(states, INTERVALS - SETTLED)
    assert rss <= settled * MOST_GROWTH, f"{settled / 1e6:.1f} MB grew to {rss / 1e6:.1f} MB"
    assert held.keys() == most.keys()
    assert {name: count for name, count in held.items() if count > most[name]} == {}

    lived.is_over = True
    # Some are read in every other interval, and cases that AWS does not find any more are resolved with the second listing.
    *_, (page, _, _) = islice(states, 4)
    assert set(page.up()) == {account.account_id for account in lived.members}
    open_cases = {case.display_id for account in lived.members for case in account.open_cases()}
    assert page.label_values("aws_support_case_info", "display_id") == open_cases
    assert len(lived.left) > INTERVALS / 5
