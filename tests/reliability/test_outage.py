"""AWS is gone for ten minutes, for a thousand accounts at once, and comes back."""

import pytest

from exporter.aws.health import LONGEST_PROBE_INTERVAL
from exporter.config.schema import DEFAULT_CONCURRENCY
from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import ConnectionReset
from exporter.simulator.server import Simulator
from tests.support.clock import FakeTiming
from tests.support.rig import FakeRig

ACCOUNTS = 1_000
OUTAGE = 600.0
LATENCY = 0.1
"""Seconds that a call takes; as many run at a time as the exporter has threads by default."""
RECOVERED_WITHIN = 30.0
CONFIG = """
poll: {interval: 5m, max_staleness: 30m}
aws: {session_duration: 15m}
organizations: [{name: all, member_role_name: AwsSupportExporter}]
"""


class World:
    """An exporter whose clock moves as its threads would be busy: one thread here does the work of all of them."""

    def __init__(self, simulator: Simulator, timing: FakeTiming) -> None:
        self.rig = FakeRig(CONFIG, timing)
        self._simulator = simulator
        self._timing = timing

    def step(self) -> None:
        """Read the account that is due, or wait a little for one."""
        target = self.rig.roster.take()
        if target is None:
            self._timing.advance(0.25)
            return
        asked = self.calls()
        self.rig.poller.poll(target)
        self._timing.advance((self.calls() - asked) * LATENCY / DEFAULT_CONCURRENCY)

    def calls(self) -> int:
        """Return how many requests there were."""
        return sum(self._simulator.log.counts().values())

    def until(self, moment: float) -> None:
        """Let time pass until then."""
        while self._timing.monotonic() < moment:
            self.step()

    def read_since(self, moment: float) -> int:
        """Return how many accounts were read successfully since a moment of the wall clock."""
        return sum((status.last_success or 0.0) >= moment for status in self.rig.roster.statuses()[1])


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_an_outage_of_ten_minutes_over_a_thousand_accounts_is_over_within_30_s_of_its_end(
    simulator: Simulator, fleet: Fleet, timing: FakeTiming
) -> None:
    for _ in range(ACCOUNTS - 1):
        fleet.add_account().add_case()
    world = World(simulator, timing)
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
    over_at, over = timing.time(), timing.monotonic()
    while world.read_since(over_at) < ACCOUNTS:
        assert timing.monotonic() < over + RECOVERED_WITHIN, f"{world.read_since(over_at)} of {ACCOUNTS} were read again"
        for _ in range(20):
            world.step()
    assert simulator.log.counts()["AssumeRole"] >= ACCOUNTS - 1, "all credentials had run out meanwhile"
