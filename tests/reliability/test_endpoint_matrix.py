"""An endpoint that is not there at all: its port is closed, or its name is not known."""

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from itertools import product
from typing import Any

import aiohttp
import pytest

from exporter.cases.model import Reason
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.reliability.faults import is_told, row
from tests.support.clock import FakeClock
from tests.support.rig import FakeRig

ACCOUNTS = 10
INTERVAL = 600.0
LISTED = "aws_support_organization_up"
CONFIG = """
poll: {interval: 10m, max_staleness: 60m}
aws: {session_duration: 15m}
organizations: [{name: acme, member_role_name: AwsSupportExporter, refresh_interval: 10m}]
"""
OPERATIONS = {
    "sts": "AssumeRole",
    "support": "DescribeCases, DescribeCommunications",
    "organizations": "ListAccounts",
}
FAULTS = {
    "connection refused": None,
    "unknown name (DNS)": socket.EAI_NONAME,
    "name server fails (DNS)": socket.EAI_AGAIN,
}
"""What the name server answers."""


Without = Callable[[str, int | None], AbstractContextManager[None]]


@pytest.fixture
def without(simulator: Simulator, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Iterator[Without]:
    """Give each service a host; refuse connections to one, or do not know its name. Those that are open break in any case."""
    del simulator
    real, unknown, hosts = socket.getaddrinfo, dict[str, int](), dict[str, Simulator]()

    def resolve(host: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - getaddrinfo's many arguments
        service, _, zone = str(host).partition(".aws.")
        if service in unknown:
            raise socket.gaierror(unknown[service], "not found")
        return real("127.0.0.1" if zone == "test" else host, *args, **options)

    @contextmanager
    def without(service: str, error: int | None) -> Iterator[None]:
        hosts[service].stop()
        if error is not None:
            unknown[service] = error
        yield
        unknown.clear()
        hosts[service].start()

    with ExitStack() as stack:
        for name in OPERATIONS:
            hosts[name] = stack.enter_context(Simulator(fleet, throttle=False, verify_signatures=False))
            port = hosts[name].url.rpartition(":")[2]
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name.upper()}", f"http://{name}.aws.test:{port}")
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        # By default it remembers addresses for ten seconds of the machine's own clock.
        monkeypatch.setattr(aiohttp, "TCPConnector", partial(aiohttp.TCPConnector, use_dns_cache=False))
        yield without


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
    without: Without, fleet: Fleet, clock: FakeClock, request: pytest.FixtureRequest
) -> None:
    for _ in range(ACCOUNTS):
        fleet.add_account().add_case()
    everyone = {account.account_id: len(account.cases) for account in fleet.accounts}
    rows: dict[str, str] = {}
    for (service, operations), (fault, error) in product(OPERATIONS.items(), FAULTS.items()):
        with FakeRig(CONFIG, clock) as rig:
            assert set(rig.round().up().values()) == {1}
            with without(service, error):
                page = rig.after(1.5 * INTERVAL)  # longer than any account's pause, and than credentials last
            (organization,) = rig.report().organizations
            is_listing = service == "organizations"
            assert set(page.up().values()) == {is_listing}, (service, fault)
            reasons = {reason for account_id in everyone for reason in page.reasons(account_id)}
            assert reasons == (set() if is_listing else {Reason.UNREACHABLE.value})
            assert page.values(LISTED) == [not is_listing]
            assert organization.reason == (Reason.UNREACHABLE if is_listing else None)
            assert page.open_cases() == everyone
            meanwhile = "its accounts, as last listed" if is_listing else "its cases, as last read"
            rows[row(operations, fault, Reason.UNREACHABLE, "", meanwhile)] = f"{recovered_after(rig):.0f} s"
    is_told("endpoints", rows, "read again", request)
