"""kill -9 at any moment under a living fleet: no count is lost, doubled or goes back, and what is stored is always used."""

import os
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from exporter.simulator.case import Case
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.reliability.watch import Counts, Values, never_back, series
from tests.support.fetch import fetch, free_port
from tests.support.forks import Fork
from tests.support.waiting import wait_until

ACCOUNTS = 12
OWN = ("aws_support_api_", "aws_support_exporter_", "aws_support_account_poll_errors", "process_", "python_")
"""What counts what a process did, from its start."""


@dataclass
class World:
    """An exporter that is killed again and again, and its fleet, in which something happens at each scrape."""

    fleet: Fleet
    flags: list[str]
    env: Mapping[str, str]
    outputs: tuple[Path, Path]
    url: str
    rng: random.Random
    log: str = ""
    is_living: bool = False
    happened: Counter[str] = field(default_factory=Counter)
    opened: list[Case] = field(default_factory=list)
    shown: list[Case] = field(default_factory=list)
    counts: Counts = field(default_factory=dict)

    def start(self) -> None:
        for output in self.outputs:
            output.write_text("")
        self.process = Fork(self.flags, self.env, self.outputs)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.log += self.outputs[1].read_text()

    def happen(self) -> None:
        """Open, answer or resolve a case, which stays open until a page has shown it."""
        with self.fleet.lock:
            waiting = [case for case in self.opened if case.is_open and len(case.communications) == 1]
            old = [case for case in self.shown if case.is_open]
            if old and self.rng.random() < 0.4:
                self.rng.choice(old).resolve()
                self.happened["resolved"] += 1
            elif waiting and self.rng.random() < 0.5:
                self.rng.choice(waiting).add_communication()
                self.happened["answered"] += 1
            else:
                severity_code = self.rng.choice(("low", "normal", "critical"))
                self.opened.append(self.rng.choice(self.fleet.accounts).add_case(body="help", severity_code=severity_code))
                self.happened["opened"] += 1

    def scrape(self) -> Values:
        if self.is_living:
            self.happen()
        try:
            values = series(fetch(f"{self.url}/metrics", {"Accept": "application/openmetrics-text"}).text)
        except OSError:
            assert self.process.poll() is None, self.outputs[1].read_text()
            return {}
        never_back(values, self.counts, OWN)
        return values

    def when_all_is_read(self) -> Values:
        def read() -> Values | None:
            values = self.scrape()
            return values if values.get("aws_support_accounts", {}).get('state="ok"}') == ACCOUNTS else None

        return wait_until(read, 60, lambda: "not all is read")


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kills", [4, pytest.param(50, marks=pytest.mark.slow)])
def test_counts_are_those_of_the_fleet_after_any_number_of_kills(kills: int, tmp_path: Path) -> None:
    fleet, rng = Fleet.empty(time.time), random.Random(kills)  # noqa: S311 - moments, not secrets
    for _ in range(ACCOUNTS):
        fleet.add_account().add_case(body="help")
    ids = [{"id": account.account_id} for account in fleet.accounts]
    (tmp_path / "config.yaml").write_text(f"poll: {{interval: 10s}}\naws: {{role_name: AwsSupportExporter}}\naccounts: {ids}")
    address = f"127.0.0.1:{free_port()}"
    flags = [f"--config.file={tmp_path}/config.yaml", f"--web.listen-address={address}", f"--storage.path={tmp_path}/state"]
    outputs = tmp_path / "stdout", tmp_path / "stderr"
    with Simulator(fleet, throttle=False) as simulator:
        world = World(fleet, flags, os.environ | simulator.environment(), outputs, f"http://{address}", rng)
        world.start()
        try:
            world.when_all_is_read()
            world.is_living = True
            for number in range(kills):
                if number % 4 == 2:
                    open_cases = fleet.open_cases()
                    world.when_all_is_read()
                    world.shown = open_cases
                elif rng.random() < 0.7:
                    wait_until(lambda: world.scrape() or None, 60, lambda: "it does not start")
                until = time.monotonic() + rng.uniform(0.0, 0.8)
                while time.monotonic() < until:
                    world.scrape()
                    time.sleep(0.02)
                world.kill()
                world.start()
            world.is_living = False
            values = world.when_all_is_read()
        finally:
            world.kill()
    names = ("cases_opened_total", "cases_resolved_total", "first_response_seconds_count", "reply_seconds_count")
    happened = world.happened["opened"], world.happened["resolved"], world.happened["answered"], 0
    assert {name: sum(values[f"aws_support_{name}"].values()) for name in names} == dict(zip(names, happened, strict=True))
    assert min(world.happened.values()) > kills, world.happened
    assert (tmp_path / "state" / "state.db").stat().st_mode & 0o777 == 0o600
    assert "not used" not in world.log
    assert "Traceback" not in world.log
