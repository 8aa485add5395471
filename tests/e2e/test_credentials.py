"""Credentials never cross accounts, whatever the threads do: asserted on the wire."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from exporter.aws.connector import Connector, Manner
from exporter.aws.endpoints import Endpoints
from exporter.aws.support import SupportReader
from exporter.clock import SystemClock
from exporter.cases.access import RoleCredentials
from exporter.errors import ReadFailure
from exporter.metrics.instruments import Instruments
from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import ConnectionReset, Error
from exporter.simulator.server import Simulator

ACCOUNTS = 200
THREADS = 64
ROUNDS = 3


def test_64_threads_over_200_accounts_never_mix_up_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet.uniform(time.time, accounts=ACCOUNTS, cases=1, communications=1, body_chars=10)
    with Simulator(fleet, throttle=False) as simulator:
        for name, value in simulator.environment().items():
            monkeypatch.setenv(name, value)
        simulator.faults.add(Fault(ConnectionReset(), probability=0.02))
        simulator.faults.add(Fault(Error(500, "InternalFailure", "again"), probability=0.02))
        connector = Connector(
            Endpoints(),
            Instruments({}),
            THREADS,
            clock=SystemClock(),
            random=lambda: 0.5,
        )
        manner = Manner("test", 3600)
        readers: dict[str, SupportReader] = {
            account.account_id: connector.reader(
                account.account_id, RoleCredentials((account.role_arn(),)), ("us-east-1",), manner
            )
            for account in fleet.accounts
        }
        read: dict[str, str] = {}
        lock = threading.Lock()

        def read_account(account_id: str) -> None:
            reading = None
            while reading is None:
                with suppress(ReadFailure):
                    reading = readers[account_id].read(time.monotonic() + 30)
            with lock:
                read.update((case.case_id, account_id) for case in reading.cases)

        with ThreadPoolExecutor(THREADS) as pool:
            for _ in range(ROUNDS):
                list(pool.map(read_account, readers))
                simulator.expire_sessions()
        owners = {case.case_id: account.account_id for account in fleet.accounts for case in account.cases}
        asked = [record for record in simulator.log.records("DescribeCases") if record.status == 200]
    assert read == owners
    assert len(asked) >= ACCOUNTS * ROUNDS
    assert {record.account_id for record in asked} == set(readers)
