"""An endpoint that is not there at all: its port is closed, or its name is not known."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import aiohttp
import pytest

from exporter.cases.model import Reason
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.reliability.faults import is_told, row
from tests.support.clock import FakeClock
from tests.support.rig import FakeRig

ACCOUNTS = 12
INTERVAL = 600.0
LISTED = "aws_support_organization_up"
CONFIG = """
poll: {interval: 10m, max_staleness: 60m}
aws: {session_duration: 15m}
organizations: [{name: acme, member_role_name: AwsSupportExporter, refresh_interval: 10m}]
"""
OPERATIONS = {
    "STS": "AssumeRole",
    "SUPPORT": "DescribeCases, DescribeCommunications",
    "ORGANIZATIONS": "ListAccounts",
}
AWS = tuple[dict[str, Simulator], dict[str, int]]
"""A host for each service, and the error with which the name of any that is unknown is not found."""
FAULTS = {
    "connection refused": None,
    "unknown name (DNS)": socket.EAI_NONAME,
    "name server fails (DNS)": socket.EAI_AGAIN,
}


@pytest.fixture
def fleet(clock: FakeClock) -> Fleet:
    fleet = Fleet.empty(clock.true_time)
    for _ in range(ACCOUNTS):
        fleet.add_account().add_case()
    return fleet


@pytest.fixture
def aws(simulator: Simulator, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Iterator[AWS]:
    del simulator
    real, unknown = socket.getaddrinfo, dict[str, int]()

    def resolve(host: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - getaddrinfo's many arguments
        service, _, zone = str(host).partition(".aws.")
        if service in unknown:
            raise socket.gaierror(unknown[service], "not found")
        return real("127.0.0.1" if zone == "test" else host, *args, **options)

    with ExitStack() as stack:
        hosts = {
            service: stack.enter_context(Simulator(fleet, throttle=False, verify_signatures=False)) for service in OPERATIONS
        }
        for service, host in hosts.items():
            monkeypatch.setenv(
                f"AWS_ENDPOINT_URL_{service}", f"http://{service}.aws.test:{host.url.rpartition(':')[2]}".lower()
            )
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        # By default it remembers addresses for ten seconds of the machine's own clock.
        monkeypatch.setattr(aiohttp, "TCPConnector", partial(aiohttp.TCPConnector, use_dns_cache=False))
        yield hosts, unknown


def recovered_after(rig: FakeRig) -> float:
    """Return how many seconds it takes until every account is read and the list is there again."""
    started = rig.clock.monotonic()
    page = rig.after(1)
    while any(listed.reason for listed in rig.discoverer.organizations()) or any(
        entry.status.failing_since for entry in rig.accounts.entries()
    ):
        assert rig.clock.monotonic() < started + INTERVAL, page.text
        page = rig.after(1)
    assert (set(page.up().values()), page.values(LISTED)) == ({1.0}, [1])
    return rig.clock.monotonic() - started


@pytest.mark.timeout(120)
def test_an_endpoint_that_is_not_there_is_unreachable_and_takes_nothing_away(
    aws: AWS, fleet: Fleet, clock: FakeClock, request: pytest.FixtureRequest
) -> None:
    hosts, unknown = aws
    everyone = {account.account_id for account in fleet.accounts}
    rows: dict[str, str] = {}
    for service, operations in OPERATIONS.items():
        for fault, error in FAULTS.items():
            with FakeRig(CONFIG, clock) as rig:
                assert set(rig.round().up().values()) == {1.0}
                hosts[service].stop()  # connections that are open break in any case
                if error is not None:
                    unknown[service.lower()] = error
                    hosts[service].start()
                # Longer than any account's pause, and than credentials last.
                page = rig.after(1.5 * INTERVAL)
                assert page.open_cases() == dict.fromkeys(everyone, 1.0), (service, fault)
                reasons = {reason for account_id in everyone for reason in page.reasons(account_id)}
                (organization,) = rig.report().organizations
                if service == "ORGANIZATIONS":
                    assert (page.up(), reasons) == (dict.fromkeys(everyone, 1.0), set()), fault
                    assert (page.values(LISTED), organization.reason) == ([0], Reason.UNREACHABLE), fault
                    meanwhile = "its accounts, as last listed"
                else:
                    assert (page.up(), reasons) == (dict.fromkeys(everyone, 0.0), {Reason.UNREACHABLE}), (service, fault)
                    assert (page.values(LISTED), organization.reason) == ([1], None), (service, fault)
                    meanwhile = "its cases, as last read"
                unknown.clear()
                hosts[service].stop()
                hosts[service].start()
                told = row(operations, fault, Reason.UNREACHABLE, "", meanwhile)
                rows[told] = f"{recovered_after(rig):.0f} s"

    is_told("endpoints", rows, "read again", rewrite=request.config.getoption("--rewrite-golden"))
