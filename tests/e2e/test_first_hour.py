"""What goes wrong while it is set up: said in one line, and forgotten in seconds once its cause is gone."""

import re
import threading
import time
from pathlib import Path

import pytest

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.e2e.conftest import StartExporter
from tests.support.agent import TOKEN, Agent, credentials
from tests.support.fetch import free_port
from tests.support.page import Page
from tests.support.process import run_exporter

MANAGEMENT = "999999999999"
OWN_KEYS = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), "")
AGENT, AGENT_TOKEN = "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
LATE, SOON, ROUND = 4.0, 3.0, 8.0
BY_ROLE = "aws: {role_name: AwsSupportExporter}\n"


def configuration(fleet: Fleet, rest: str = "") -> str:
    return BY_ROLE + "accounts:" + "".join(f"\n- {{id: '{account.account_id}'}}" for account in fleet.accounts[1:]) + rest


def test_an_agent_that_starts_after_the_exporter_costs_no_more_than_its_delay(
    fleet: Fleet, simulator: Simulator, start: StartExporter, tmp_path: Path
) -> None:
    accounts = [fleet.add_account().account_id for _ in range(50)]
    token = tmp_path / "token"
    token.write_text(TOKEN)
    port = free_port()
    agent = {AGENT: f"http://127.0.0.1:{port}/v1/credentials", AGENT_TOKEN: str(token)}
    exporter = start(configuration(fleet), simulator.environment() | OWN_KEYS | agent)
    began, agents = time.monotonic(), list[Agent]()
    timer = threading.Timer(LATE, lambda: agents.append(Agent(lambda: credentials(fleet.base_key), port).__enter__()))
    timer.start()
    exporter.wait_for(lambda text: Page(text).up() == dict.fromkeys(accounts, 1), began + ROUND - time.monotonic())
    assert time.monotonic() - began < ROUND
    timer.join()
    agents[0].__exit__()
    assert exporter.stop() == 0
    assert "Traceback" not in exporter.stderr
    assert "botocore" not in exporter.stderr
    assert agents[0].asked < 5


def test_files_that_are_written_later_are_found_within_seconds(
    fleet: Fleet, simulator: Simulator, start: StartExporter, tmp_path: Path
) -> None:
    """A token that the webhook mounts late, a profile, what a program needs that tells credentials, and a login."""
    token, aws_config, said = tmp_path / "token", tmp_path / "aws-config", tmp_path / "said"
    ids = [fleet.add_account().account_id for _ in range(3)]
    keys = [fleet.keys.issue_user(account_id, "reader") for account_id in ids]
    process = f"[profile process]\ncredential_process = /bin/cat {said}\n"
    aws_config.write_text(process)
    role, *profiles = ids
    entries = f"accounts: [{{id: '{role}'}}, {{id: '{profiles[0]}', profile: process}}, {{id: '{profiles[1]}', profile: late}}]"
    with Agent(lambda: credentials(fleet.base_key)) as agent:
        environment = {AGENT: agent.url, AGENT_TOKEN: str(token), "AWS_CONFIG_FILE": str(aws_config)}
        exporter = start(BY_ROLE + entries, simulator.environment() | OWN_KEYS | environment, "--log.level=debug")
        exporter.wait_for(lambda text: Page(text).up() == dict.fromkeys(ids, 0))
        assert exporter.get("/-/ready").status == 200
        time.sleep(LATE)
        for account_id in ids:
            assert exporter.first_page().reasons(account_id).keys() == {"credentials"}
        token.write_text(TOKEN)
        key, secret = keys[1].access_key_id, keys[1].secret_access_key
        said.write_text(f'{{"Version": 1, "AccessKeyId": "{key}", "SecretAccessKey": "{secret}"}}')
        key, secret = keys[2].access_key_id, keys[2].secret_access_key
        aws_config.write_text(f"{process}[profile late]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")
        exporter.wait_for(lambda text: Page(text).up() == dict.fromkeys(ids, 1), SOON)
    assert "Traceback" not in exporter.stderr


@pytest.mark.parametrize("arguments", [("--config.check",), ("check",), ("once",), ("--log.level=debug",)], ids=" ".join)
@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"AWS_PROFILE": "dev"}, r"AWS_PROFILE: there is no profile dev .*"),
        ({"AWS_CONFIG_FILE": "{dir}/bad"}, r"\S+/bad:1: cannot be parsed as .*"),
        ({"AWS_MAX_ATTEMPTS": "abc"}, "AWS_MAX_ATTEMPTS: .*"),
        ({"AWS_ENDPOINT_URL": "foo"}, "AWS_ENDPOINT_URL: .*"),
        ({"AWS_CA_BUNDLE": "{dir}/bad"}, r"AWS_CA_BUNDLE names \S+/bad, which contains no PEM certificates"),
    ],
    ids=lambda value: "".join(value) if isinstance(value, dict) else "",
)
def test_a_setting_that_cannot_be_used_ends_every_command_with_one_line(
    arguments: tuple[str, ...], variables: dict[str, str], said: str, tmp_path: Path
) -> None:
    (tmp_path / "bad").write_text("aws_secret_access_key HUSH\n")
    environment = {name: value.replace("{dir}", str(tmp_path)) for name, value in variables.items()}
    ended = run_exporter(["--web.listen-address=127.0.0.1:0", *arguments], environment)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert re.fullmatch(f"{said}\n", ended.stderr), ended.stderr
    assert "HUSH" not in ended.stderr


def test_an_empty_profile_is_none(simulator: Simulator) -> None:
    ended = run_exporter(["--output=json", "check"], simulator.environment() | {"AWS_PROFILE": "", "AWS_DEFAULT_PROFILE": ""})
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
