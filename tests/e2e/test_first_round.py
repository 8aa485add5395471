"""Ready means read: what is shown then, and that nobody waits for credentials that never come."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.e2e.conftest import StartExporter
from tests.support.fetch import fetch
from tests.support.page import Page
from tests.support.process import run_exporter

A, B, SLOW = "111111111111", "222222222222", "333333333333"
PATIENCE = 13.0
CONFIG = f"""
poll: {{interval: 10s, timeout: 3s}}
aws: {{role_name: AwsSupportExporter}}
accounts: [{{id: "{A}"}}, {{id: "{B}"}}, {{id: "{SLOW}", profile: slow}}]
"""


@pytest.fixture
def slow_profile(fleet: Fleet, simulator: Simulator, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Yield an environment with a profile whose program takes 90 s to tell credentials."""
    for account_id in (A, B, SLOW):
        fleet.add_account(account_id=account_id).add_case()
    started, program, profiles = tmp_path / "started", tmp_path / "program", tmp_path / "aws-config"
    program.write_text(f"#!/bin/sh\necho $$ >>{started}\nexec sleep 90\n")
    program.chmod(0o755)
    profiles.write_text(f"[profile slow]\ncredential_process = {program}\n")
    yield simulator.environment() | {"AWS_CONFIG_FILE": str(profiles)}
    for pid in started.read_text().split():
        os.kill(int(pid), signal.SIGKILL)


def test_a_program_that_hangs_holds_up_one_account_alone_and_no_check(
    slow_profile: dict[str, str], start: StartExporter, tmp_path: Path
) -> None:
    exporter = start(CONFIG, slow_profile)
    exporter.wait_for(lambda text: Page(text).up() == {A: 1, B: 1}, PATIENCE)
    exporter.wait_for(lambda text: text == "Ready.\n", PATIENCE, path="/-/ready")
    page = Page(exporter.wait_for(lambda text: SLOW in Page(text).up(), PATIENCE))
    assert page.reasons(SLOW).keys() == {"credentials"}
    assert page.open_cases() == {A: 1, B: 1}
    assert exporter.get("/-/healthy").status == 200
    assert exporter.stop(timeout_seconds=5) == 0
    checking = [f"--config.file={tmp_path}/config.yaml", "--output=json", "check"]
    ended = run_exporter(checking, slow_profile, timeout_seconds=PATIENCE)
    reasons = [account["reason"] for account in json.loads(ended.stdout)["accounts"]]
    assert (ended.returncode, reasons) == (1, [None, None, "credentials"])


def test_whoever_scrapes_once_it_is_ready_gets_every_account(start: StartExporter) -> None:
    fleet = Fleet.uniform(time.time, accounts=150, cases=2, communications=1, body_chars=10)
    with Simulator(fleet, throttle=False, verify_signatures=False) as simulator:
        exporter = start("aws: {role_name: AwsSupportExporter}\norganizations: [{name: acme}]", simulator.environment())
        while fetch(f"{exporter.url}/-/ready").status != 200:
            pass  # no pause: what counts is the page of that very moment
        page = Page(exporter.get().text)
        exporter.stop()
    assert page.up() == dict.fromkeys((account.account_id for account in fleet.accounts), 1.0)
    assert page.values("aws_support_accounts", state="pending") == [0]
