"""AWS is gone for ten minutes, for a thousand accounts at once, and comes back."""

from operator import attrgetter

import pytest

from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import ConnectionReset
from exporter.simulator.server import Simulator
from tests.support.clock import FakeClock
from tests.support.rig import FakeRig

ACCOUNTS = 1_000
OUTAGE = 600.0
CONCURRENCY = 16
LATENCY = 0.1
"""Seconds that a call takes."""
LONGEST_PROBE_INTERVAL = 10.0
RECOVERED_WITHIN = 30.0
CONFIG = """
poll: {interval: 5m, max_staleness: 30m}
aws: {session_duration: 15m}
organizations: [{name: all, member_role_name: AwsSupportExporter}]
"""


class World:
    """An exporter whose clock moves as if it polled 16 accounts at a time: here it polls one after the other."""

    def __init__(self, rig: FakeRig, simulator: Simulator, clock: FakeClock) -> None:
        self.rig = rig
        self._simulator = simulator
        self._clock = clock

    def step(self) -> None:
        """Read some of the accounts that are due, or wait a little for one."""
        due = self.rig.due()
        if not due:
            self._clock.advance(0.25)
            return
        asked = self.calls()
        self.rig.poll(*due[:CONCURRENCY])
        self._clock.advance((self.calls() - asked) * LATENCY / CONCURRENCY)

    def calls(self) -> int:
        """Return how many requests there were."""
        return sum(self._simulator.log.counts().values())

    def until(self, moment: float) -> None:
        """Let time pass until then."""
        while self._clock.monotonic() < moment:
            self.step()

    def read_since(self, moment: float) -> int:
        """Return how many accounts were read successfully since a moment of the wall clock."""
        return sum((status.last_success or 0.0) >= moment for status in map(attrgetter("status"), self.rig.accounts.entries()))


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_an_outage_of_ten_minutes_over_a_thousand_accounts_is_over_within_30_s_of_its_end(
    simulator: Simulator, fleet: Fleet, clock: FakeClock
) -> None:
    for _ in range(ACCOUNTS - 1):
        fleet.add_account().add_case()
    with FakeRig(CONFIG, clock) as rig:
        outlive(World(rig, simulator, clock), simulator, fleet, clock)


def outlive(world: World, simulator: Simulator, fleet: Fleet, clock: FakeClock) -> None:
    world.rig.round()
    world.until(150)

    simulator.faults.add(Fault(ConnectionReset()))
    asked = world.calls()
    world.until(150 + OUTAGE)
    page = world.rig.page()
    assert page.up() == dict.fromkeys((account.account_id for account in fleet.accounts), 0.0)
    assert len(page.open_cases()) == ACCOUNTS, "the cases are shown as they were last read"
    assert world.calls() - asked < 3 * OUTAGE / LONGEST_PROBE_INTERVAL, "who is down is not asked by every account"

    simulator.faults.clear()
    simulator.log.clear()
    over_at, over = clock.time(), clock.monotonic()
    while world.read_since(over_at) < ACCOUNTS:
        assert clock.monotonic() < over + RECOVERED_WITHIN, f"{world.read_since(over_at)} of {ACCOUNTS} were read again"
        for _ in range(20):
            world.step()
    assert simulator.log.counts()["AssumeRole"] >= ACCOUNTS - 1, "all credentials had run out meanwhile"
