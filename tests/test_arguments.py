"""What the command says of arguments that cannot be, before it starts anything."""

import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporter import __version__, cli, options

Main = Callable[..., tuple[object, str, str]]
NOT_A_PATH, RESERVED = "is not a path: write", "is a reserved path"
NOT_A_PREFIX, NOT_A_URL = "is not a path prefix", "is not a URL"
NO_ADDRESS = "is not an address to listen on: write host:port, [ipv6]:port or :port"
OUTPUT = "--output: set table or json for check, a directory for backfill"


@pytest.fixture
def main(capsys: pytest.CaptureFixture[str]) -> Iterator[Main]:
    """Run the command in this process, and return its exit code and what it wrote to each stream."""
    before = signal.getsignal(signal.SIGTERM)

    def run(*arguments: str) -> tuple[object, str, str]:
        try:
            code: object = cli.main(arguments)
        except SystemExit as ended:
            code = ended.code
        return code, *capsys.readouterr()

    yield run
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    ("flag", "values", "told"),
    [
        ("web.telemetry-path", ("", "metrics", "/m/", "//m", "/a b", "/{x}", "/a/./b", "/é", "/a%20"), NOT_A_PATH),
        ("web.telemetry-path", ("/config", "/-/ready", "/-/new"), RESERVED),
        ("web.route-prefix", ("/a b", "/..", "/a//b"), NOT_A_PREFIX),
        ("web.external-url", ("", "example.com", "ftp://x", "http://", "http://a/?q", "http://u:p@a"), NOT_A_URL),
        ("web.external-url", ("http://a:x", "http://a/<", "http://[x]/"), NOT_A_URL),
        ("config.auto-reload-interval", ("1",), "is not a duration"),
        ("config.auto-reload-interval", ("10ms",), "is too short"),
        ("web.listen-address", ("", "10047", "host", "host:", "host:http", "host:70000", "host:-1"), NO_ADDRESS),
        ("web.listen-address", ("::1:80", "[]:0", "[host]:1", "a b:1", "host:\u0661", f"{'x' * 64}:1"), NO_ADDRESS),
        ("web.max-requests", ("-1",), "is not an integer of 0 or more"),
        ("web.max-connections", ("0",), "is not an integer of 1 or more"),
        ("shard.index", ("-1",), "is not an integer of 0 or more"),
        ("shard.total", ("many",), "is not an integer of 0 or more"),
        ("until", ("yesterday",), "is not a time: write it like 2026-01-31T12:00:00Z"),
        ("label", ("job", "job=", "=x", "1=x", "__a=x", "label_a=x"), "is not a label: write it like job="),
        ("label", ("account_id=x", "le=x", "organization=x"), "is already a label of the metrics"),
    ],
)
def test_a_bad_value_is_refused_with_its_flag(main: Main, flag: str, values: tuple[str, ...], told: str) -> None:
    for value in values:
        code, stdout, stderr = main(f"--{flag}={value}")
        usage, problem = stderr.splitlines()
        assert (code, stdout) == (2, "")
        assert usage == "usage: aws-support-exporter [FLAG ...] [run | check | once | backfill]"
        assert problem.startswith(f'aws-support-exporter: error: argument --{flag}: "{value}" ')
        assert told in problem


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--demo", "--config.file=x"], "--demo and --config.file are mutually exclusive: remove one of them"),
        (["--shard.total=3"], "--shard.total=3: say which one this is with --shard.index or --shard.from-hostname"),
        (["--shard.total=3", "--shard.index=3"], "--shard.index=3: not between 0 and 2, as --shard.total=3"),
        (["--shard.index=1", "--config.check"], "--shard.index=1: not between 0 and 0, as --shard.total=1"),
        (["--shard.total=0"], "--shard.total=0: there are 1 to 1000 shards"),
        (["--shard.total=1001", "--shard.index=0"], "--shard.total=1001: there are 1 to 1000 shards"),
        (["--shard.from-hostname", "--shard.index=1"], "--shard.index and --shard.from-hostname are mutually exclusive"),
        (["--shard.statefulset=a", "--shard.index=1"], "--shard.index and --shard.statefulset are mutually exclusive"),
        (["--shard.statefulset=a", "--shard.total=3"], "--shard.total and --shard.statefulset are mutually exclusive"),
        (["backfill"], OUTPUT),
        (["backfill", "--output=json"], OUTPUT),
        (["check", "--output=yaml"], OUTPUT),
        (["once", "--account=111111111111"], "--account: only for check and backfill: remove it"),
        (["--strict"], "--strict: only for check: remove it"),
        (["check", "--organization=acme"], "--organization: only for backfill: remove it"),
    ],
)
def test_flags_that_do_not_fit_together_are_refused(main: Main, arguments: list[str], told: str) -> None:
    assert main(*arguments) == (2, "", f"{told}\n")


@pytest.mark.parametrize(
    ("name", "flags", "told"),
    [
        ("exporter-3", ["--shard.from-hostname", "--shard.total=3"], "not between 0 and 2, as --shard.total=3"),
        ("exporter", ["--shard.from-hostname", "--shard.total=3"], "does not end in -NUMBER"),
        ("exporter2", ["--shard.statefulset=exporter"], "does not end in -NUMBER"),
    ],
)
def test_a_host_name_that_tells_no_shard_is_told(
    main: Main, name: str, flags: list[str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: name)
    code, _, stderr = main(*flags)
    assert code == 2
    assert stderr.startswith(f"{flags[0].partition('=')[0]}: the host name {name}")
    assert stderr.endswith(f"{told}\n")
    assert main(*flags, "--config.check")[0] == 0, "it may be checked on another host"


def test_the_host_name_tells_the_ordinal_and_a_statefulset_takes_a_queue_for_each_shard(
    main: Main, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "exporter-7")
    assert options.parse(["--shard.statefulset=exporter"]).shard.index == 7
    assert options.parse(["--shard.from-hostname", "--shard.total=9"]).shard.index == 7
    config = tmp_path / "config.yaml"
    config.write_text("events: {queue_url: 'https://sqs.us-east-1.amazonaws.com/999988887777/events'}")
    code, _, stderr = main("--shard.statefulset=exporter", "--config.check", f"--config.file={config}")
    assert (code, "is one queue for all shards" in stderr) == (2, True)


def test_a_time_without_a_zone_is_in_utc() -> None:
    times = ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00", "2026-01-31T14:00:00+02:00")
    assert {options.parse(["backfill", "--output=x", f"--until={time}"]).until for time in times} == {1769860800.0}


def test_links_begin_with_the_external_url_also_where_that_has_no_path_and_the_exporter_a_prefix() -> None:
    paths = options.parse(["--web.external-url=https://example.com", "--web.route-prefix=/support"]).paths
    assert (paths.prefix, paths.links) == ("/support", "")


def test_it_tells_its_version_and_takes_no_part_of_a_flag_for_the_flag(main: Main) -> None:
    assert main("--version") == (0, f"aws-support-exporter {__version__}\n", "")
    assert "unrecognized arguments: --log.lev=info" in main("--log.lev=info")[2]
