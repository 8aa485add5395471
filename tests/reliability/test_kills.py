"""kill -9 at any moment under a living fleet: no count is lost, doubled or goes back, and what is stored is always used."""

import random
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from exporter.simulator.case import Case
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.reliability.watch import Values, series
from tests.support.fetch import fetch, free_port
from tests.support.process import environment
from tests.support.waiting import wait_until

ACCOUNTS = 12
COUNTS = ("_total", "_count", "_bucket", "_sum")
OWN = ("aws_support_api_", "aws_support_exporter_", "aws_support_account_poll_errors", "process_", "python_")
"""What counts what a process did, from its start."""


@dataclass
class Life:
    """Opens, answers and resolves cases in a thread; a case stays open until a page has shown it."""

    fleet: Fleet
    rng: random.Random
    shown: list[Case] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("opened", "resolved", "answered"), 0))
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        mine: list[Case] = []
        while not self.ended.wait(0.02):
            with self.fleet.lock:
                waiting = [case for case in mine if case.is_open and len(case.communications) == 1]
                old = [case for case in self.shown if case.is_open]
                if old and self.rng.random() < 0.4:
                    self.rng.choice(old).resolve()
                    self.counts["resolved"] += 1
                elif waiting and self.rng.random() < 0.5:
                    self.rng.choice(waiting).add_communication()
                    self.counts["answered"] += 1
                else:
                    severity_code = self.rng.choice(("low", "normal", "critical"))
                    mine.append(self.rng.choice(self.fleet.accounts).add_case(body="help", severity_code=severity_code))
                    self.counts["opened"] += 1


@dataclass
class Exporter:
    """An exporter that is started and killed again and again, and whose counters may never go back."""

    command: list[str]
    url: str
    env: dict[str, str]
    log: Path
    counts: dict[tuple[str, str], float] = field(default_factory=dict)

    def start(self) -> None:
        with self.log.open("a") as log:
            self.process = subprocess.Popen(self.command, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def scrape(self) -> Values:
        try:
            values = series(fetch(f"{self.url}/metrics", {"Accept": "application/openmetrics-text"}).text)
        except OSError:
            assert self.process.poll() is None, self.log.read_text()
            return {}
        for name, found in values.items():
            if name.endswith(COUNTS) and not name.startswith(OWN):
                for labels, value in found.items():
                    assert value >= self.counts.get((name, labels), 0.0), f"{name}{{{labels} went back to {value}"
                    self.counts[name, labels] = value
        return values

    def when_all_is_read(self) -> Values:
        def read() -> Values | None:
            values = self.scrape()
            return values if values.get("aws_support_accounts", {}).get('state="ok"}') == ACCOUNTS else None

        return wait_until(read, 60, self.log.read_text)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kills", [4, pytest.param(50, marks=pytest.mark.slow)])
def test_counts_are_those_of_the_fleet_after_any_number_of_kills(kills: int, tmp_path: Path) -> None:
    rng = random.Random(kills)  # noqa: S311 - moments, not secrets
    fleet = Fleet.empty(time.time)
    for _ in range(ACCOUNTS):
        fleet.add_account().add_case(body="help")
    ids = "".join(f'\n- {{id: "{account.account_id}"}}' for account in fleet.accounts)
    config, port, log = tmp_path / "config.yaml", free_port(), tmp_path / "log"
    config.write_text(f"poll: {{interval: 10s}}\naws: {{role_name: AwsSupportExporter}}\naccounts: {ids}")
    flags = (f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}", f"--storage.path={tmp_path}/state")
    with Simulator(fleet, throttle=False) as simulator:
        env = environment(simulator.environment())
        exporter = Exporter([sys.executable, "-m", "exporter", *flags], f"http://127.0.0.1:{port}", env, log)
        exporter.start()
        exporter.when_all_is_read()
        life = Life(fleet, rng)
        living = threading.Thread(target=life.run)
        living.start()
        try:
            for number in range(kills):
                if number % 4 == 2:
                    open_cases = fleet.open_cases()
                    exporter.when_all_is_read()
                    life.shown = open_cases
                elif rng.random() < 0.7:
                    wait_until(lambda: exporter.scrape() or None, 60, log.read_text)
                until = time.monotonic() + rng.uniform(0.0, 0.8)
                while time.monotonic() < until:
                    exporter.scrape()
                exporter.kill()
                exporter.start()
        finally:
            life.ended.set()
            living.join()
            exporter.kill()
        exporter.start()
        values = exporter.when_all_is_read()
        exporter.kill()
    found = {name: sum(values[f"aws_support_{name}"].values()) for name in ("cases_opened_total", "cases_resolved_total")}
    found |= {name: sum(values[f"aws_support_{name}_count"].values()) for name in ("first_response_seconds", "reply_seconds")}
    assert found == {
        "cases_opened_total": life.counts["opened"],
        "cases_resolved_total": life.counts["resolved"],
        "first_response_seconds": life.counts["answered"],
        "reply_seconds": 0,
    }
    assert min(life.counts.values()) > kills, life.counts
    assert (tmp_path / "state" / "state.db").stat().st_mode & 0o777 == 0o600
    assert "not used" not in log.read_text()
    assert "Traceback" not in log.read_text()
