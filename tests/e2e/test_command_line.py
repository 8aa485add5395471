"""The command as users start it: what it says when it cannot run, and what its flags do."""

import json
import re
import select
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from exporter import __version__
from exporter.simulator.server import Simulator
from tests.e2e.conftest import StartExporter
from tests.support.fetch import fetch, free_port
from tests.support.process import ExporterProcess, run_exporter
from tests.support.waiting import wait_until

FILES = {
    "config.yaml": "pool: {}",
    "web.yaml": "basic_auth_users: {alice: hunter2}",
    "aws": "aws_secret_access_key hunter2\n",
}


@pytest.mark.parametrize(
    ("arguments", "variables", "told"),
    [
        ("--config.file={}/config.yaml", {}, "{}/config.yaml:1: pool: unknown key: did you mean poll[?]"),
        ("--config.file={}/none --config.check", {}, "{}/none: the configuration cannot be read: no such file or directory"),
        ("--web.config.file={}/web.yaml", {}, r"{}/web.yaml:1: basic_auth_users.alice: the value \(not shown\) is not a .*"),
        ("--log.level=debug", {"AWS_PROFILE": "dev"}, "AWS_PROFILE: there is no profile dev .*"),
        ("--config.check", {"AWS_MAX_ATTEMPTS": "abc"}, "AWS_MAX_ATTEMPTS: .*"),
        ("check", {"AWS_CONFIG_FILE": "{}/aws"}, "{}/aws:1: cannot be parsed as .*"),
        ("once", {"AWS_ENDPOINT_URL": "foo"}, "AWS_ENDPOINT_URL: .*"),
        ("once", {"AWS_CA_BUNDLE": "{}/aws"}, "AWS_CA_BUNDLE names {}/aws, which contains no PEM certificates"),
    ],
    ids=lambda value: value if isinstance(value, str) else "".join(value),
)
def test_a_setting_that_cannot_be_used_ends_every_command_with_one_line(
    arguments: str, variables: dict[str, str], told: str, simulator: Simulator, tmp_path: Path
) -> None:
    for name, content in FILES.items():
        (tmp_path / name).write_text(content)
    environment = simulator.environment() | {name: value.format(tmp_path) for name, value in variables.items()}
    ended = run_exporter(["--web.listen-address=127.0.0.1:0", *arguments.format(tmp_path).split()], environment)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert re.fullmatch(told.replace("{}", str(tmp_path)) + "\n", ended.stderr), ended.stderr
    assert "hunter2" not in ended.stderr
    assert simulator.log.counts() == {}


def test_a_port_in_use_ends_it_before_anything_is_started(simulator: Simulator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run_exporter([f"--web.listen-address=127.0.0.1:{port}"], simulator.environment())
    told = f"cannot listen on 127.0.0.1:{port}: Address already in use; choose one: --web.listen-address=localhost:10048\n"
    assert (ended.returncode, ended.stderr) == (1, told)
    assert simulator.log.counts() == {}


def test_an_empty_profile_is_none(simulator: Simulator) -> None:
    ended = run_exporter(["--output=json", "check"], simulator.environment() | {"AWS_PROFILE": "", "AWS_DEFAULT_PROFILE": ""})
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout


def test_the_demo_shows_a_living_fleet_and_which_build_it_is() -> None:
    with ExporterProcess(["--demo"], {"AWS_SUPPORT_EXPORTER_REVISION": "c0ffee"}) as exporter:
        page = exporter.first_page()
        assert page.text.count("aws_support_open_cases{") > 20
        assert page.total("aws_support_accounts") > 10
        assert page.values("aws_support_exporter_build_info", version=__version__, revision="c0ffee") == [1]
        failing = page.label_values("aws_support_account_failure_info", "account_name") - {"sandbox"}
        assert "acquired-subsidiary" in failing
        notice = re.findall(r'<p class="alert note">(.*)</p>', exporter.get("/").text)[0]
        assert notice in exporter.stdout, "it says so in the terminal and on the page"
        assert all(name in notice for name in failing), "who fails does so on purpose"
        assert exporter.stop() == 0
        assert "Traceback" not in exporter.stderr
        assert all(" demo=true" in line for line in exporter.stderr.splitlines())


def test_it_listens_on_several_addresses_below_a_prefix_and_logs_json_of_no_request(
    simulator: Simulator, start: StartExporter
) -> None:
    addresses = f"127.0.0.1:{free_port()}", f"[::1]:{free_port()}"
    prefix = "/team/support"
    flags = f"--web.external-url=https://example.com{prefix}/", "--web.telemetry-path=/figures", "--log.format=json"
    exporter = start(None, simulator.environment(), *(f"--web.listen-address={address}" for address in addresses), *flags)
    exporter.wait_for(lambda text: text == "Ready.\n", path="/-/ready")
    for address in addresses:
        statuses = [fetch(f"http://{address}{path}").status for path in ("/figures", f"{prefix}/metrics", f"{prefix}/figures")]
        assert statuses == [404, 404, 200]
    exporter.stop()
    lines = [json.loads(line) for line in exporter.stderr.splitlines()]
    assert [line["url"] for line in lines if line["event"] == "listening"] == [f"http://{each}{prefix}" for each in addresses]
    assert {line["event"] for line in lines} == {"accounts discovered", "listening", "stopped"}


def test_no_more_requests_and_connections_are_kept_than_the_flags_say(simulator: Simulator, start: StartExporter) -> None:
    exporter = start(None, simulator.environment(), "--web.max-requests=1", "--web.max-connections=50")
    address = "127.0.0.1", int(exporter.url.rpartition(":")[2])
    with ExitStack() as stack:
        peers = [stack.enter_context(socket.create_connection(address, timeout=10)) for _ in range(50)]
        for peer in peers:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert {int(peer.recv(12).split()[1]) for peer in peers} == {200, 503}
        idle = [stack.enter_context(socket.create_connection(address, timeout=10)) for _ in range(53)]
        assert exporter.get("/-/healthy").status == 200
        wait_until(lambda: len(select.select(idle, (), (), 0)[0]) >= 3 or None, 5, lambda: "more are kept")
