"""AWS is not there at all: its port is closed, or its name is not known."""

import socket
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from exporter.cases.model import Reason
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.reliability.faults import is_told, row
from tests.support.clock import FakeClock
from tests.support.rig import FakeRig

INTERVAL = 600.0
LISTED = "aws_support_organization_up"
CONFIG = """
poll: {interval: 10m, max_staleness: 60m}
organizations: [{name: acme, member_role_name: AwsSupportExporter, refresh_interval: 10m}]
"""
FAULTS = {
    "connection refused": None,
    "unknown name (DNS)": socket.EAI_NONAME,
    "name server fails (DNS)": socket.EAI_AGAIN,
}
"""What the name server answers."""


def recovered_after(rig: FakeRig) -> float:
    """Return how many seconds it takes until every account is read and the list is there again."""
    started = rig.clock.monotonic()
    page = rig.after(1)
    while set(page.up().values()) != {1} or page.values(LISTED) != [1]:
        assert rig.clock.monotonic() < started + INTERVAL, page.text
        page = rig.after(1)
    return rig.clock.monotonic() - started


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_an_endpoint_that_is_not_there_is_unreachable_and_takes_nothing_away(
    simulator: Simulator, fleet: Fleet, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    for _ in range(12):
        fleet.add_account().add_case()
    real, unknown = socket.getaddrinfo, list[int]()

    def resolve(host: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - getaddrinfo's many arguments
        if host == "aws.test" and unknown:
            raise socket.gaierror(unknown[0], "not found")
        return real("127.0.0.1" if host == "aws.test" else host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    # By default it remembers addresses for ten seconds of the machine's own clock.
    monkeypatch.setattr(aiohttp, "TCPConnector", partial(aiohttp.TCPConnector, use_dns_cache=False))
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://aws.test:{urlsplit(simulator.url).port}")
    everyone = {account.account_id: len(account.cases) for account in fleet.accounts}
    rows: dict[str, str] = {}
    for fault, error in FAULTS.items():
        with FakeRig(CONFIG, clock) as rig:
            assert set(rig.round().up().values()) == {1}
            simulator.stop()  # connections that are open break in any case
            unknown[:] = [] if error is None else [error]
            page = rig.after(1.5 * INTERVAL)
            (organization,) = rig.report().organizations
            assert page.up() == dict.fromkeys(everyone, 0), fault
            assert {reason for each in everyone for reason in page.reasons(each)} == {Reason.UNREACHABLE.value}, fault
            assert (page.values(LISTED), organization.reason) == ([0], Reason.UNREACHABLE), fault
            assert page.open_cases() == everyone, fault
            unknown.clear()
            simulator.start()
            told = row("any", fault, Reason.UNREACHABLE, "", "its cases, and the accounts, as last read")
            rows[told] = f"{recovered_after(rig):.0f} s"
    is_told("endpoints", rows, "read again", request)
