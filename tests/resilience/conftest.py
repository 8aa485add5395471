from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.support.clock import FakeClock
from tests.support.log import Log
from tests.support.rig import FakeRig

MANAGEMENT = "999999999999"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def fleet(clock: FakeClock) -> Fleet:
    fleet = Fleet.empty(clock.true_time)
    fleet.add_account(account_id=MANAGEMENT, name="management")
    return fleet


@pytest.fixture
def simulator(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """Return a running simulator that the test's own process takes for AWS."""
    with Simulator(fleet, throttle=False, verify_signatures=False) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        yield running


def configuration(*account_ids: str, poll: str = "interval: 5m", aws: str = "", rest: str = "") -> str:
    """Return a configuration of accounts that are read by their role."""
    entries = "".join(f'\n- {{id: "{account_id}"}}' for account_id in account_ids)
    listed = f"accounts: {entries}\n" if account_ids else ""
    return f"poll: {{{poll}}}\naws: {{role_name: AwsSupportExporter{aws and ', '}{aws}}}\n{listed}{rest}"


StartRig = Callable[..., FakeRig]


@pytest.fixture
def rig(simulator: Simulator, clock: FakeClock) -> Iterator[StartRig]:
    """Put an exporter together that reads accounts by their role, on the fake clock."""
    del simulator
    with ExitStack() as stack:

        def make(*account_ids: str, log: Log | None = None, storage: Path | None = None, **config: str) -> FakeRig:
            text = configuration(*account_ids, **config)
            logger = log.logger if log else None
            return stack.enter_context(FakeRig(text, clock, random=lambda: 0.0, log=logger, storage=storage))

        yield make
