"""AWS is gone for ten minutes, for a thousand accounts at once, and comes back."""

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


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_an_outage_of_ten_minutes_over_a_thousand_accounts_is_over_within_30_s_of_its_end(
    simulator: Simulator, fleet: Fleet, clock: FakeClock
) -> None:
    for _ in range(ACCOUNTS - 1):
        fleet.add_account().add_case()

    def calls() -> int:
        return sum(simulator.log.counts().values())

    with FakeRig(CONFIG, clock) as rig:

        def until(moment: float) -> None:
            """Read what is due, some of it as if at the same time, or wait a little until something is."""
            while clock.monotonic() < moment:
                due, asked = rig.due(), calls()
                rig.poll(*due[:CONCURRENCY])
                clock.advance((calls() - asked) * LATENCY / CONCURRENCY if due else 0.25)

        rig.round()
        until(150)

        simulator.faults.add(Fault(ConnectionReset()))
        asked = calls()
        until(150 + OUTAGE)
        page = rig.page()
        assert page.up() == dict.fromkeys((account.account_id for account in fleet.accounts), 0)
        assert len(page.open_cases()) == ACCOUNTS, "the cases are shown as they were last read"
        assert calls() - asked < 3 * OUTAGE / LONGEST_PROBE_INTERVAL, "who is down is not asked by every account"

        simulator.faults.clear()
        simulator.log.clear()
        over = clock.time()
        until(clock.monotonic() + RECOVERED_WITHIN)
        assert [entry for entry in rig.accounts.entries() if (entry.status.last_success or 0.0) < over] == []
        assert simulator.log.counts()["AssumeRole"] >= ACCOUNTS - 1, "all credentials had run out meanwhile"
