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
FAULTS = {
    "connection refused": None,
    "unknown name (DNS)": socket.EAI_NONAME,
    "name server fails (DNS)": socket.EAI_AGAIN,
}


class Services:
    """A loopback AWS with a host for each service, of which any can be taken away."""

    def __init__(self, hosts: dict[str, Simulator], resolve: Any) -> None:  # noqa: ANN401 - getaddrinfo's many arguments
        self._hosts = hosts
        self._resolve = resolve
        self._unknown: dict[str, int] = {}

    def resolve(self, host: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as above
        """Look a host up as the system does, and those of the services in the test's own list."""
        service, _, zone = str(host).partition(".")
        if zone != "aws.test":
            return self._resolve(host, *args, **options)
        if service in self._unknown:
            raise socket.gaierror(self._unknown[service], "not found")
        return self._resolve("127.0.0.1", *args, **options)

    def take_away(self, service: str, fault: str) -> None:
        """Close a service's port, or forget its name; connections that are open break in either case."""
        self._hosts[service].stop()
        error = FAULTS[fault]
        if error is not None:
            self._unknown[service.lower()] = error
            self._hosts[service].start()

    def bring_back(self, service: str) -> None:
        """Let a service be found again."""
        self._unknown.clear()
        self._hosts[service].stop()
        self._hosts[service].start()


@pytest.fixture
def fleet(clock: FakeClock) -> Fleet:
    fleet = Fleet.empty(clock.true_time)
    for _ in range(ACCOUNTS):
        fleet.add_account().add_case()
    return fleet


@pytest.fixture
def services(simulator: Simulator, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    del simulator
    with ExitStack() as stack:
        hosts = {
            service: stack.enter_context(Simulator(fleet, throttle=False, verify_signatures=False)) for service in OPERATIONS
        }
        services = Services(hosts, socket.getaddrinfo)
        for service, host in hosts.items():
            port = host.url.rpartition(":")[2]
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", f"http://{service.lower()}.aws.test:{port}")
        monkeypatch.setattr(socket, "getaddrinfo", services.resolve)
        # By default it remembers addresses for ten seconds of the machine's own clock.
        monkeypatch.setattr(aiohttp, "TCPConnector", partial(aiohttp.TCPConnector, use_dns_cache=False))
        yield services


def recovered_after(rig: FakeRig) -> float:
    """Return how many seconds it takes until every account is read and the list is there again."""
    started = rig.clock.monotonic()
    while set((page := rig.after(1)).up().values()) != {1.0} or page.values(LISTED) != [1]:
        assert rig.clock.monotonic() < started + INTERVAL, page.text
    return rig.clock.monotonic() - started


@pytest.mark.timeout(120)
def test_an_endpoint_that_is_not_there_is_unreachable_and_takes_nothing_away(
    services: Services, fleet: Fleet, clock: FakeClock, request: pytest.FixtureRequest
) -> None:
    everyone = {account.account_id for account in fleet.accounts}
    rows: dict[str, str] = {}
    for service, operations in OPERATIONS.items():
        for fault in FAULTS:
            with FakeRig(CONFIG, clock) as rig:
                assert set(rig.round().up().values()) == {1.0}
                services.take_away(service, fault)
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
                services.bring_back(service)
                told = row(operations, fault, Reason.UNREACHABLE, "", meanwhile)
                rows[told] = f"{recovered_after(rig):.0f} s"

    is_told("endpoints", rows, "read again", rewrite=request.config.getoption("--rewrite-golden"))
