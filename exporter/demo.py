"""A simulated AWS for `--demo`, and the configuration that reads it."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator

_PACE = 60.0
"""How many times faster than in life cases open, are answered and get resolved."""

_CONFIGURATION = """
poll: {{interval: 15s, timeout: 10s, max_staleness: 5m}}
aws: {{role_name: AwsSupportExporter}}
accounts:
  - id: "{management}"
    name: {name}
    use_own_credentials: true
organizations:
  - name: demo
    refresh_interval: 1m
metrics: {{cases: {{enabled: true}}}}
"""


@contextmanager
def simulated_aws() -> Iterator[bytes]:
    """Run a simulated AWS, point this process's AWS settings at it, and yield the configuration that reads it."""
    fleet = Fleet.demo(time.time, pace=_PACE)
    with Simulator(fleet) as simulator:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ.update(simulator.environment())
        management = fleet.management_account
        yield _CONFIGURATION.format(management=management.account_id, name=management.name).encode()
