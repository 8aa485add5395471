"""Ready means read; credentials that come late are found in seconds, and nobody waits for those that never come."""

import json
import os
import signal
import time
from pathlib import Path

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.e2e.conftest import StartExporter
from tests.support.agent import TOKEN, Agent, credentials
from tests.support.fetch import fetch
from tests.support.page import Page
from tests.support.process import run_exporter

OWN_KEYS = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), "")
AGENT, AGENT_TOKEN = "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
LATE, SOON, PATIENCE = 4.0, 6.0, 13.0
BY_ROLE = "aws: {role_name: AwsSupportExporter}\n"


def test_files_that_are_written_later_are_found_within_seconds(
    fleet: Fleet, simulator: Simulator, start: StartExporter, tmp_path: Path
) -> None:
    """A token that the webhook mounts late, what a program needs that tells credentials, and a profile."""
    token, aws_config, said = tmp_path / "token", tmp_path / "aws-config", tmp_path / "said"
    by_process, by_profile, *roles = ids = [fleet.add_account().account_id for _ in range(12)]
    process = f"[profile process]\ncredential_process = /bin/cat {said}\n"
    aws_config.write_text(process)
    profiles = [{"id": by_process, "profile": "process"}, {"id": by_profile, "profile": "late"}]
    config = f"{BY_ROLE}accounts: {profiles + [{'id': each} for each in roles]}"
    with Agent(lambda: credentials(fleet.base_key)) as agent:
        environment = {AGENT: agent.url, AGENT_TOKEN: str(token), "AWS_CONFIG_FILE": str(aws_config)}
        exporter = start(config, simulator.environment() | OWN_KEYS | environment, "--log.level=debug")
        exporter.wait_for(lambda text: Page(text).up() == dict.fromkeys(ids, 0))
        assert exporter.get("/-/ready").status == 200
        time.sleep(LATE)
        page = exporter.first_page()
        assert [page.reasons(account_id).keys() for account_id in ids] == [{"credentials"}] * len(ids)
        token.write_text(TOKEN)
        key = fleet.keys.issue_user(by_process, "reader")
        said.write_text(json.dumps({"Version": 1, "AccessKeyId": key.access_key_id, "SecretAccessKey": key.secret_access_key}))
        key = fleet.keys.issue_user(by_profile, "reader")
        keys = f"aws_access_key_id = {key.access_key_id}\naws_secret_access_key = {key.secret_access_key}\n"
        aws_config.write_text(f"{process}[profile late]\n{keys}")
        exporter.wait_for(lambda text: Page(text).up() == dict.fromkeys(ids, 1), SOON)
    assert agent.asked < 5, "accounts share what is their own"
    assert exporter.stop() == 0
    assert "Traceback" not in exporter.stderr
    assert "botocore" not in exporter.stderr


def test_a_program_that_hangs_holds_up_one_account_alone_and_no_check(
    fleet: Fleet, simulator: Simulator, start: StartExporter, tmp_path: Path
) -> None:
    first, second, slow = (fleet.add_account(account_id=number * 12).account_id for number in "123")
    started, program, aws_config = tmp_path / "started", tmp_path / "program", tmp_path / "aws-config"
    program.write_text(f"#!/bin/sh\necho $$ >>{started}\nexec sleep 90\n")
    program.chmod(0o755)
    aws_config.write_text(f"[profile slow]\ncredential_process = {program}\n")
    environment = simulator.environment() | {"AWS_CONFIG_FILE": str(aws_config)}
    accounts = [{"id": first}, {"id": second}, {"id": slow, "profile": "slow"}]
    exporter = start(f"{BY_ROLE}poll: {{interval: 10s, timeout: 3s}}\naccounts: {accounts}", environment)
    try:
        exporter.wait_for(lambda text: Page(text).up() == {first: 1, second: 1}, PATIENCE)
        exporter.wait_for(lambda text: text == "Ready.\n", PATIENCE, path="/-/ready")
        page = Page(exporter.wait_for(lambda text: slow in Page(text).up(), PATIENCE))
        assert page.up() == {first: 1, second: 1, slow: 0}
        assert page.reasons(slow).keys() == {"credentials"}
        assert exporter.get("/-/healthy").status == 200
        assert exporter.stop(timeout_seconds=5) == 0
        checking = [f"--config.file={tmp_path}/config.yaml", "--output=json", "check"]
        ended = run_exporter(checking, environment, timeout_seconds=PATIENCE)
        reasons = [account["reason"] for account in json.loads(ended.stdout)["accounts"]]
        assert (ended.returncode, reasons) == (1, [None, None, "credentials"])
    finally:
        for pid in started.read_text().split():
            os.kill(int(pid), signal.SIGKILL)


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
