"""The command as users start it: what it says when it cannot run, and how it ends."""

import json
import socket
from pathlib import Path

import pytest

from exporter import __version__
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.e2e.conftest import StartExporter
from tests.support.fetch import fetch, free_port
from tests.support.page import Page
from tests.support.process import ExporterProcess, host_named, run_exporter

BAD_FILES = {
    "empty": ("", "the file is empty"),
    "not YAML": ("accounts: [", "not YAML"),
    "unknown key": ("pool: {}", "config.yaml:1: pool: unknown key: did you mean poll?"),
    "wrong type": ("accounts: 5", "config.yaml:1: accounts: 5 is not a list"),
    "id of 11 digits": ('accounts: [{id: "11111111111"}]', "it has 11 digits, not 12"),
    "unquoted id": ("accounts: [{id: 111111111111}]", "is a number to YAML, not text: write it in quotes"),
    "account twice": (
        'accounts:\n- id: "111111111111"\n- id: "111111111111"',
        'config.yaml:3: accounts[1].id: "111111111111" is there twice, first at accounts[0] (line 2)',
    ),
    "malformed ARN": ('accounts: [{id: "111111111111", role_arn: "arn:aws:iam::1:role/x"}]', "is not a role ARN"),
    "two partitions": ("aws: {regions: [us-east-1, cn-north-1]}", "aws.regions: the list spans partitions"),
    "bare interval": ("poll: {interval: 5}", "5 is not a duration: write 5s or 5m"),
}


@pytest.mark.parametrize(("content", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_gets_a_clear_line_and_starts_nothing(
    content: str, message: str, simulator: Simulator, tmp_path: Path
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(content)
    ended = run_exporter([f"--config.file={path}", f"--web.listen-address=127.0.0.1:{free_port()}"], simulator.environment())
    assert ended.returncode == 2
    assert message in ended.stderr
    assert ended.stderr.startswith(f"{path}:")
    assert "Traceback" not in ended.stderr
    assert "listening" not in ended.stderr
    assert simulator.log.counts() == {}


def test_a_missing_file_is_told_by_name() -> None:
    ended = run_exporter(["--config.file=/nowhere/config.yaml"])
    told = "/nowhere/config.yaml: the configuration cannot be read: no such file or directory\n"
    assert (ended.returncode, ended.stderr) == (2, told)


def test_a_port_in_use_ends_it_before_anything_is_started(simulator: Simulator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run_exporter([f"--web.listen-address=127.0.0.1:{port}"], simulator.environment())
    assert (ended.returncode, ended.stderr) == (
        1,
        f"cannot listen on 127.0.0.1:{port}: Address already in use; choose another --web.listen-address\n",
    )
    assert simulator.log.counts() == {}


@pytest.mark.parametrize(
    "argument", ["--web.listen-address=nonsense", "--web.telemetry-path=metrics", "--log.level=loud", "--nope"]
)
def test_a_bad_argument_is_named(argument: str) -> None:
    ended = run_exporter([argument])
    assert ended.returncode == 2
    usage, told = ended.stderr.splitlines()
    assert usage == "usage: aws-support-exporter [FLAG ...] [run | check | once]"
    assert argument.split("=", maxsplit=1)[0] in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--shard.total=3"], "--shard.total=3: say which one this is with --shard.index or --shard.from-hostname"),
        (["--shard.total=3", "--shard.index=3"], "--shard.index=3: of --shard.total=3 the last one is 2, as they count from 0"),
        (["--shard.index=1"], "--shard.index=1: of --shard.total=1 the last one is 0, as they count from 0"),
        (["--shard.total=0"], "--shard.total=0: there are 1 to 1000 shards"),
        (["--shard.total=1001", "--shard.index=0"], "--shard.total=1001: there are 1 to 1000 shards"),
        (["--shard.total=3", "--shard.index=-1"], 'argument --shard.index: "-1" is not a whole number, 0 or more'),
        (["--shard.total=many"], 'argument --shard.total: "many" is not a whole number, 0 or more'),
        (
            ["--shard.total=3", "--shard.from-hostname", "--shard.index=1"],
            "--shard.index and --shard.from-hostname: give one of them",
        ),
    ],
)
def test_a_shard_that_cannot_be_is_told(arguments: list[str], message: str) -> None:
    ended = run_exporter(arguments)
    assert ended.returncode == 2
    assert message in ended.stderr


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("exporter-3", "the host name exporter-3: of --shard.total=3 the last one is 2, as they count from 0"),
        ("exporter", "the host name exporter does not end in -NUMBER"),
        ("exporter2", "the host name exporter2 does not end in -NUMBER"),
    ],
)
def test_a_host_name_that_tells_no_shard_is_told(name: str, message: str, tmp_path: Path) -> None:
    ended = run_exporter(["--shard.total=3", "--shard.from-hostname"], host_named(name, tmp_path))
    assert (ended.returncode, ended.stderr) == (2, f"--shard.from-hostname: {message}\n")


def test_a_demo_takes_no_file(tmp_path: Path) -> None:
    ended = run_exporter(["--demo", f"--config.file={tmp_path / 'config.yaml'}"])
    told = "--demo and --config.file: give one of them, as the demo has a configuration of its own\n"
    assert (ended.returncode, ended.stderr) == (2, told)


def test_it_tells_its_version() -> None:
    assert run_exporter(["--version"]).stdout == f"aws-support-exporter {__version__}\n"


def test_a_good_file_passes_the_check(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("{}")
    ended = run_exporter(["--config.check", f"--config.file={path}"])
    assert (ended.returncode, ended.stdout) == (0, "The configuration is valid.\n")


def test_a_check_of_no_file_says_so_and_checks_the_flags() -> None:
    ended = run_exporter(["--config.check"])
    defaults = "The configuration is valid. There is no --config.file: it is that of the defaults.\n"
    assert (ended.returncode, ended.stdout) == (0, defaults)
    ended = run_exporter(["--config.check", "--shard.index=3", "--shard.total=2"])
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("--shard.index=3: ")


def test_the_demo_shows_a_living_fleet() -> None:
    with ExporterProcess(["--demo"]) as exporter:
        page = Page(exporter.wait_for(lambda text: text.count("aws_support_open_cases{") > 20))
        assert page.total("aws_support_accounts") > 10
        assert exporter.stop() == 0
        assert "Traceback" not in exporter.stderr


def test_the_metrics_can_be_elsewhere(simulator: Simulator, start: StartExporter) -> None:
    exporter = start(None, simulator.environment(), "--web.telemetry-path=/support")
    assert exporter.get("/support").status == 200
    assert exporter.get("/metrics").status == 404


def test_logs_can_be_json_and_tell_of_no_requests(simulator: Simulator, start: StartExporter, fleet: Fleet) -> None:
    del fleet
    exporter = start(None, simulator.environment(), "--log.format=json")
    exporter.wait_for(lambda text: text == "Ready.\n", path="/-/ready")
    for path in ("/metrics", "/", "/nothing"):
        exporter.get(path)
    exporter.stop()
    assert all(line.startswith("{") for line in exporter.stderr.splitlines())
    events = [json.loads(line)["event"] for line in exporter.stderr.splitlines()]
    assert events == [
        "listening",
        "accounts discovered",
        "stopped",
    ]


def test_it_listens_on_several_addresses_below_a_prefix(simulator: Simulator, start: StartExporter) -> None:
    ports = free_port(), free_port()
    addresses = (f"--web.listen-address=127.0.0.1:{ports[0]}", f"--web.listen-address=[::1]:{ports[1]}")
    exporter = start(None, simulator.environment(), *addresses, "--web.external-url=https://example.com/team/support/")
    for base in (f"http://127.0.0.1:{ports[0]}", f"http://[::1]:{ports[1]}"):
        assert fetch(f"{base}/team/support/-/healthy").status == 200
        assert fetch(f"{base}/team/support/metrics").status == 200
        assert fetch(f"{base}/metrics").status == 404
    exporter.wait_for_log(lambda line: f"url=http://[::1]:{ports[1]}/team/support" in line)


def test_the_prefix_can_differ_from_the_path_outside(simulator: Simulator, start: StartExporter) -> None:
    exporter = start(None, simulator.environment(), "--web.external-url=https://example.com/x", "--web.route-prefix=/")
    assert exporter.get("/metrics").status == 200
    assert 'href="/x/metrics"' in exporter.get("/").text
