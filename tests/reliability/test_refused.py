"""One service of AWS after the other refuses connections to a running exporter, and takes them again."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.support.page import Page
from tests.support.process import ExporterProcess
from tests.support.waiting import wait_until

ACCOUNTS = 6
CONFIG = """
poll: {interval: 10s, timeout: 4s, max_staleness: 10m}
organizations: [{name: acme, member_role_name: AwsSupportExporter}]
"""
SERVICES = ("SUPPORT", "STS", "ORGANIZATIONS")
PATIENCE = 30.0
"""Less than three intervals, within which all is told, and over."""


class World:
    """A running exporter, and a host for each service."""

    def __init__(self, hosts: dict[str, Simulator], exporter: ExporterProcess, fleet: Fleet) -> None:
        self.hosts = hosts
        self.exporter = exporter
        self.everyone = {account.account_id for account in fleet.accounts}

    def until(self, holds: Callable[[Page], bool], what: str) -> Page:
        """Return the first page for which something holds; all show all cases meanwhile."""

        def probe() -> Page | None:
            page = Page(self.exporter.get().text)
            assert page.open_cases() == dict.fromkeys(self.everyone, 1.0)
            return page if holds(page) else None

        return wait_until(probe, PATIENCE, lambda: f"{what}\n{self.exporter.stderr[-3000:]}", pause_seconds=0.25)

    def reload(self) -> None:
        """Have it list its accounts anew."""
        os.kill(self.exporter.pid, signal.SIGHUP)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    fleet = Fleet.empty(time.time)
    for _ in range(ACCOUNTS):
        fleet.add_account().add_case()
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG)
    with ExitStack() as stack:
        hosts = {
            service: stack.enter_context(Simulator(fleet, throttle=False, verify_signatures=False)) for service in SERVICES
        }
        urls = {f"AWS_ENDPOINT_URL_{service}": host.url for service, host in hosts.items()}
        environment = hosts["STS"].environment() | urls
        exporter = stack.enter_context(ExporterProcess([f"--config.file={config}"], environment))
        world = World(hosts, exporter, fleet)
        exporter.wait_for(lambda text: Page(text).up() == dict.fromkeys(world.everyone, 1.0))
        yield world


def all_up(page: Page) -> bool:
    return set(page.up().values()) == {1.0}


def all_down(page: Page) -> bool:
    return set(page.up().values()) == {0.0}


def is_listed(page: Page) -> bool:
    return page.values("aws_support_organization_up", organization="acme") == [1]


@pytest.mark.timeout(180)
def test_a_running_exporter_outlives_each_service_that_refuses_connections(world: World) -> None:
    for service in ("SUPPORT", "STS"):
        world.hosts[service].stop()
        if service == "STS":
            world.hosts["SUPPORT"].expire_sessions()
        page = world.until(all_down, f"{service} is not missed")
        assert all(page.reasons(account_id).keys() == {"unreachable"} for account_id in world.everyone)
        assert is_listed(page)
        world.hosts[service].start()
        world.until(all_up, f"{service} is not found again")

    world.hosts["ORGANIZATIONS"].stop()
    world.reload()
    assert all_up(world.until(lambda page: not is_listed(page), "ORGANIZATIONS is not missed"))
    world.hosts["ORGANIZATIONS"].start()
    assert all_up(world.until(is_listed, "ORGANIZATIONS is not found again"))
