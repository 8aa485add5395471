"""Credentials that come after the exporter has started are found in seconds."""

import json
import time
from pathlib import Path

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.e2e.conftest import StartExporter
from tests.support.agent import TOKEN, Agent, credentials
from tests.support.page import Page

OWN_KEYS = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), "")
AGENT, AGENT_TOKEN = "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
LATE, SOON = 4.0, 3.0
BY_ROLE = "aws: {role_name: AwsSupportExporter}\n"


def test_files_that_are_written_later_are_found_within_seconds(
    fleet: Fleet, simulator: Simulator, start: StartExporter, tmp_path: Path
) -> None:
    """A token that the webhook mounts late, what a program needs that tells credentials, and a profile."""
    token, aws_config, said = tmp_path / "token", tmp_path / "aws-config", tmp_path / "said"
    by_process, by_profile, *roles = ids = [fleet.add_account().account_id for _ in range(12)]
    process = f"[profile process]\ncredential_process = /bin/cat {said}\n"
    aws_config.write_text(process)
    entries = [
        {"id": by_process, "profile": "process"},
        {"id": by_profile, "profile": "late"},
        *({"id": each} for each in roles),
    ]
    with Agent(lambda: credentials(fleet.base_key)) as agent:
        environment = {AGENT: agent.url, AGENT_TOKEN: str(token), "AWS_CONFIG_FILE": str(aws_config)}
        exporter = start(f"{BY_ROLE}accounts: {entries}", simulator.environment() | OWN_KEYS | environment, "--log.level=debug")
        exporter.wait_for(lambda text: Page(text).up() == dict.fromkeys(ids, 0))
        assert exporter.get("/-/ready").status == 200
        time.sleep(LATE)
        page = exporter.first_page()
        assert [page.reasons(account_id).keys() for account_id in ids] == [{"credentials"}] * len(ids)
        token.write_text(TOKEN)
        key = fleet.keys.issue_user(by_process, "reader")
        told = {"Version": 1, "AccessKeyId": key.access_key_id, "SecretAccessKey": key.secret_access_key}
        said.write_text(json.dumps(told))
        key = fleet.keys.issue_user(by_profile, "reader")
        keys = f"aws_access_key_id = {key.access_key_id}\naws_secret_access_key = {key.secret_access_key}\n"
        aws_config.write_text(f"{process}[profile late]\n{keys}")
        exporter.wait_for(lambda text: Page(text).up() == dict.fromkeys(ids, 1), SOON)
    assert agent.asked < 5, "accounts share what is their own"
    assert exporter.stop() == 0
    assert "Traceback" not in exporter.stderr
    assert "botocore" not in exporter.stderr
