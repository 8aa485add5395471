"""Listing accounts, the queue of events, and AWS as a whole go wrong in every way: what is known stays, the reason is shown."""

import socket
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from exporter.aws import events as receiving
from exporter.cases.model import Reason
from exporter.collector import discovery
from exporter.collector import events as consuming
from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.reliability.faults import LIST_ACCOUNTS, OF_A_QUEUE, combinations, is_told, row
from tests.resilience.conftest import configuration
from tests.support.clock import FakeClock, RunningClock
from tests.support.log import Log
from tests.support.rig import FakeRig
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

INTERVAL = 600.0
ORGANIZATION = """
poll: {{interval: {}, max_staleness: 24h}}
organizations: [{{name: acme, member_role_name: AwsSupportExporter, refresh_interval: 10m}}]
"""
PATIENCE = 0.5
"""Seconds for which an answer is waited for here, besides the time for which a queue waits for a message."""
LONGEST = 10.0
"""Seconds until events come again: the longest pause, and the wait for a message."""
ENDPOINT_FAULTS = {
    "connection refused": None,
    "unknown name (DNS)": socket.EAI_NONAME,
    "name server fails (DNS)": socket.EAI_AGAIN,
}
"""What the name server answers."""


@pytest.fixture
def clock() -> FakeClock:
    return RunningClock()


def recovered_after(rig: FakeRig) -> float:
    """Return how many seconds it takes until the list is there again, and every account is read."""
    started = rig.clock.monotonic()
    while set((page := rig.after(1)).up().values()) != {1} or page.values("aws_support_organization_up") != [1]:
        assert rig.clock.monotonic() < started + INTERVAL, page.text
    return rig.clock.monotonic() - started


def fail_to_list(rig: FakeRig, log: Log, everyone: set[str], what: str, reason: Reason | None) -> None:
    """List the accounts, and check that none is gone and that the reason is reported."""
    log.clear()
    page = rig.after(INTERVAL)
    assert set(page.up()) == page.open_cases().keys() == everyone, f"{what}: accounts are gone"
    assert page.values("aws_support_organization_up", organization="acme") == [reason is None], what
    (status,) = rig.report().organizations
    assert (status.reason, status.accounts) == (reason, len(everyone)), what
    failures = [line["reason"] for line in log.lines if line["event"] == "listing organization failed"]
    assert failures == ([reason.value] if reason else []), what
    # Between two of endless pages, time may run out while it waits for credentials.
    assert not reason or status.detail.startswith(LIST_ACCOUNTS.name) or what == "pages without end", what


def test_every_fault_of_a_list_has_its_reason_and_its_end_and_takes_no_account_away(
    simulator: Simulator, fleet: Fleet, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    for _ in range(5):
        fleet.add_account().add_case()
    everyone = {account.account_id for account in fleet.accounts}
    log, rows = Log(), {}
    with FakeRig(ORGANIZATION.format("60m"), clock, log=log.logger) as rig:
        rig.round()
        for operation, fault, reason in combinations(LIST_ACCOUNTS):
            handle = simulator.faults.add(Fault(fault.kind(), operation.name, times=fault.times))
            with monkeypatch.context() as patch:
                if reason is Reason.TIMEOUT:
                    patch.setattr(discovery, "_TIMEOUT", PATIENCE)
                fail_to_list(rig, log, everyone, fault.title, reason)
            assert handle.hits, fault.title
            simulator.faults.clear()
            meanwhile = "its accounts, as last listed" if reason else ""
            told = row(operation.title, fault.title, reason, "the listing succeeds", meanwhile)
            rows[told] = f"{recovered_after(rig):.0f} s" if reason else ""
    is_told("organizations", rows, "listed again", request)


def check_polls_go_on(rig: FakeRig, log: Log, what: str, reason: Reason | None, open_cases: int) -> None:
    """Check that the account is polled while its events fail, and that their reason is reported."""
    page = rig.after(3600)
    assert (set(page.up().values()), set(page.open_cases().values())) == ({1}, {open_cases}), f"{what}: polls go on"
    if reason:
        assert page.values("aws_support_event_queue_up") == [0], what
        assert rig.report().events.advice
        assert reason.value in {line["reason"] for line in log.lines if line["event"] == "receiving events failed"}


def test_every_fault_of_the_queue_has_its_reason_and_its_end_and_stops_no_poll(
    simulator: Simulator, fleet: Fleet, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(receiving, "_MARGIN", PATIENCE)
    monkeypatch.setattr(consuming, "_LONG_POLL", 1)
    account, log, rows = fleet.add_account(), Log(), {}
    queue = f"events: {{queue_url: '{fleet.send_events().url}'}}\n"
    config = configuration(account.account_id, poll="interval: 60m, max_staleness: 24h", rest=queue)
    with FakeRig(config, clock, log=log.logger) as rig:
        rig.round()
        assert rig.readers.queue is not None
        task, events = rig.submit(rig.collector.events.run(rig.readers.queue)), rig.collector.events

        def until(holds: Callable[[], bool], what: str) -> None:
            wait_until(lambda: holds() or None, 15, lambda: f"{what}: {events.status}")

        until(lambda: events.status.up is True, "start")
        for operation, fault, reason in combinations(*OF_A_QUEUE):
            what = f"{operation.title}, {fault.title}"
            log.clear()
            handle = simulator.faults.add(Fault(fault.kind(), operation.name, times=fault.times))
            account.add_case(body="An event is sent.")
            until(lambda: handle.hits > 0 and events.status.reason == reason, what)  # noqa: B023 - now
            check_polls_go_on(rig, log, what, reason, len(account.cases))
            simulator.faults.clear()
            began = clock.monotonic()
            until(lambda: events.status.up is True, what)
            took, count = clock.monotonic() - began, events.status.count
            assert took < LONGEST, what
            account.add_case(body="An event is sent.")
            until(lambda: events.status.count > count, what)  # noqa: B023 - now
            told = row(operation.title, fault.title, reason, "events are received", "polls find what changes" if reason else "")
            rows[told] = f"{took:.0f} s" if reason else ""
        task.cancel()
    is_told("queue", rows, "received again", request)


def test_aws_that_is_not_there_at_all_is_unreachable_and_nothing_is_taken_away(
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
    for fault, error in ENDPOINT_FAULTS.items():
        with FakeRig(ORGANIZATION.format("10m"), clock) as rig:
            assert set(rig.round().up().values()) == {1}
            simulator.stop()  # connections that are open break in any case
            unknown[:] = [] if error is None else [error]
            page = rig.after(1.5 * INTERVAL)
            (organization,) = rig.report().organizations
            assert page.up() == dict.fromkeys(everyone, 0), fault
            assert {reason for each in everyone for reason in page.reasons(each)} == {Reason.UNREACHABLE.value}, fault
            assert (page.values("aws_support_organization_up"), organization.reason) == ([0], Reason.UNREACHABLE), fault
            assert page.open_cases() == everyone, fault
            unknown.clear()
            simulator.start()
            told = row("any", fault, Reason.UNREACHABLE, "", "its cases, and the accounts, as last read")
            rows[told] = f"{recovered_after(rig):.0f} s"
    is_told("endpoints", rows, "read again", request)
