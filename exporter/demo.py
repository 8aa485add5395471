"""A simulated AWS for `--demo`, and the configuration that reads it."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator

_PACE = 240.0  # how many times faster than in life cases open, are answered and get resolved

_CONFIGURATION = """
poll: {{interval: 15s, timeout: 10s, max_staleness: 5m}}
aws: {{role_name: AwsSupportExporter, support_plan: business_support_plus}}
accounts:
- {{id: "{management}", name: management, use_own_credentials: true, support_plan: enterprise}}
- {{id: "{payments}", name: payments, support_plan: unified_operations}}
- {{id: "{checkout}", name: checkout, support_plan: enterprise, first_response_targets: {{low: null}}}}
organizations:
  - name: demo
    refresh_interval: 1m
    tags: [team, cost-center]
events: {{queue_url: "{queue_url}"}}
metrics: {{cases: {{enabled: true}}}}
"""


@contextmanager
def simulated_aws() -> Iterator[bytes]:
    """Run a simulated AWS, point this process's AWS settings at it, and yield the configuration that reads it."""
    fleet = Fleet.demo(time.time, pace=_PACE)
    queue_url = fleet.send_events().url
    with Simulator(fleet) as simulator:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ.update(simulator.environment())
        account_ids = {account.name: account.account_id for account in fleet.accounts}
        yield _CONFIGURATION.format_map(account_ids | {"queue_url": queue_url}).encode()
