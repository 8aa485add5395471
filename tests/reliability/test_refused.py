"""Running exporters, each with one service of AWS that refuses connections and takes them again, or whose name is not known."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.support.page import Page
from tests.support.process import ExporterProcess
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

ACCOUNTS = 6
CONFIG = """
poll: {interval: 10s, timeout: 4s, max_staleness: 10m}
organizations: [{name: acme, member_role_name: AwsSupportExporter}]
"""
SERVICES = ("SUPPORT", "STS", "ORGANIZATIONS")
PATIENCE = 30.0
"""Less than three intervals, within which all is told, and over."""
NOBODY = "http://aws.invalid"
"""A name that no name server knows (RFC 6761)."""


class World:
    """A running exporter, and a host for each service."""

    def __init__(self, hosts: dict[str, Simulator], exporter: ExporterProcess, fleet: Fleet) -> None:
        self.hosts = hosts
        self.exporter = exporter
        self.everyone = {account.account_id for account in fleet.accounts}

    def until(self, holds: Callable[[Page], bool], what: str) -> Page:
        """Return the first page for which something holds."""

        def probe() -> Page | None:
            page = Page(self.exporter.get().text)
            return page if holds(page) else None

        return wait_until(probe, PATIENCE, lambda: f"{what}\n{self.exporter.stderr[-3000:]}", pause_seconds=0.25)

    def until_all_shown_and(self, holds: Callable[[Page], bool], what: str) -> Page:
        """Return the first page for which something holds; all show all cases meanwhile."""

        def holds_and_shows(page: Page) -> bool:
            assert page.open_cases() == dict.fromkeys(self.everyone, 1.0)
            return holds(page)

        return self.until(holds_and_shows, what)

    def reload(self) -> None:
        """Have it list its accounts anew."""
        os.kill(self.exporter.pid, signal.SIGHUP)


@contextmanager
def a_world(folder: Path, unknown: Sequence[str] = ()) -> Iterator[World]:
    """Start an exporter; `unknown` are the services whose names are not known."""
    fleet = Fleet.empty(time.time)
    for _ in range(ACCOUNTS):
        fleet.add_account().add_case()
    folder.mkdir()
    config = folder / "config.yaml"
    config.write_text(CONFIG)
    with ExitStack() as stack:
        hosts = {
            service: stack.enter_context(Simulator(fleet, throttle=False, verify_signatures=False)) for service in SERVICES
        }
        urls = {f"AWS_ENDPOINT_URL_{service}": NOBODY if service in unknown else host.url for service, host in hosts.items()}
        environment = hosts["STS"].environment() | urls | {"RES_OPTIONS": "timeout:1 attempts:1"}
        yield World(hosts, stack.enter_context(ExporterProcess([f"--config.file={config}"], environment)), fleet)


def all_up(page: Page) -> bool:
    return set(page.up().values()) == {1.0}


def all_down(page: Page) -> bool:
    return set(page.up().values()) == {0.0}


def is_listed(page: Page) -> bool:
    return page.values("aws_support_organization_up", organization="acme") == [1]


def outlives(world: World, service: str) -> None:
    """Fail unless an exporter outlives that a service refuses connections."""
    world.until(lambda page: page.up() == dict.fromkeys(world.everyone, 1.0), "not all are read")
    world.hosts[service].stop()
    match service:
        case "STS":
            world.hosts["SUPPORT"].expire_sessions()
        case "ORGANIZATIONS":
            world.reload()
    if service == "ORGANIZATIONS":
        assert all_up(world.until_all_shown_and(lambda page: not is_listed(page), "it is not missed"))
    else:
        page = world.until_all_shown_and(all_down, "it is not missed")
        assert all(page.reasons(account_id).keys() == {"unreachable"} for account_id in world.everyone)
        assert is_listed(page)
    world.hosts[service].start()
    world.until_all_shown_and(lambda page: all_up(page) and is_listed(page), "it is not found again")


@pytest.mark.timeout(120)
def test_a_running_exporter_outlives_each_service_that_refuses_connections(tmp_path: Path) -> None:
    with ExitStack() as stack, ThreadPoolExecutor(len(SERVICES)) as threads:
        worlds = [stack.enter_context(a_world(tmp_path / service)) for service in SERVICES]
        list(threads.map(outlives, worlds, SERVICES))


@pytest.mark.parametrize("service", ["SUPPORT", "STS"])
def test_a_running_exporter_tells_of_a_name_that_nobody_knows(service: str, tmp_path: Path) -> None:
    with a_world(tmp_path / "world", unknown=[service]) as world:
        page = world.until(lambda page: page.up() == dict.fromkeys(world.everyone, 0.0), "it is not missed")
        assert all(page.reasons(account_id).keys() == {"unreachable"} for account_id in world.everyone)
        assert is_listed(page)
        assert world.exporter.get("/-/healthy").status == 200
        assert world.exporter.get("/-/ready").status == 200
