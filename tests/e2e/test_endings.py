"""How commands end when they are ended, and what they cannot write."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import Silence
from exporter.simulator.server import Simulator
from tests.e2e.conftest import StartExporter
from tests.support.fetch import fetch, free_port
from tests.support.process import run_exporter
from tests.support.waiting import wait_until

CONFIG = 'aws: {role_name: AwsSupportExporter}\naccounts: [{id: "111111111111", name: "Büro 東京"}]'


@pytest.fixture
def config(tmp_path: Path, fleet: Fleet) -> str:
    fleet.add_account(account_id="111111111111").add_case()
    (tmp_path / "config.yaml").write_text(CONFIG)
    return f"--config.file={tmp_path}/config.yaml"


def popen(simulator: Simulator, *arguments: str, **streams: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "exporter", *arguments]
    return subprocess.Popen(command, env=os.environ | simulator.environment(), stdin=subprocess.DEVNULL, text=True, **streams)  # type: ignore[call-overload,no-any-return]  # of the streams


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Start processes as a terminal does; one in the background of a shell ignores SIGINT, and so do those that it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(("command", "number", "code"), [("check", signal.SIGTERM, 143), ("once", signal.SIGINT, 130)])
def test_a_signal_ends_it_at_once_and_without_a_traceback(
    command: str, number: signal.Signals, code: int, config: str, simulator: Simulator
) -> None:
    silent = simulator.faults.add(Fault(Silence(), operation="DescribeCases"))
    with popen(simulator, config, command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            wait_until(lambda: silent.hits or None, 20, lambda: "it asked nothing")
            process.send_signal(number)
            stdout, stderr = process.communicate(timeout=5)
        finally:
            process.kill()
    assert (process.returncode, stdout) == (code, "")
    assert "Traceback" not in stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_exporter_within_seconds_with_a_call_in_flight(
    number: signal.Signals, simulator: Simulator, start: StartExporter
) -> None:
    silent = simulator.faults.add(Fault(Silence()))
    exporter = start("poll: {timeout: 60s}", simulator.environment())
    wait_until(lambda: silent.hits or None, 20, lambda: "it asked nothing")
    assert exporter.stop(number, timeout_seconds=5) == 0
    assert "Traceback" not in exporter.stderr


def test_a_name_that_the_terminal_cannot_show_ends_nothing(config: str, simulator: Simulator) -> None:
    ended = run_exporter([config, "check"], simulator.environment() | {"PYTHONIOENCODING": "ascii"})
    assert (ended.returncode, ended.stderr) == (0, "")
    assert r"B\xfcro" in ended.stdout


def test_a_full_disk_is_told(config: str, simulator: Simulator) -> None:
    with Path("/dev/full").open("wb") as full:
        process = popen(simulator, config, "once", stdout=full.fileno(), stderr=subprocess.PIPE)
    with process:
        _, stderr = process.communicate(timeout=20)
    assert (process.returncode, stderr) == (1, "cannot write to standard output: No space left on device\n")


def test_whoever_reads_no_further_ends_it_without_a_word(config: str, simulator: Simulator) -> None:
    """As with `aws-support-exporter once | head -0`."""
    with popen(simulator, config, "once", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert (process.stderr.read(), process.wait(20)) == ("", 141)


def test_sigterm_ends_it_when_nobody_reads_its_full_log(config: str, simulator: Simulator) -> None:
    address = f"127.0.0.1:{free_port()}"
    unread, log = os.pipe()
    os.set_blocking(log, False)
    with suppress(BlockingIOError):
        while True:
            os.write(log, bytes(4096))
    os.set_blocking(log, True)
    with popen(simulator, config, f"--web.listen-address={address}", stderr=log) as process:
        try:
            wait_until(lambda: answers(f"http://{address}/metrics"), 20, lambda: "it does not listen")
            process.send_signal(signal.SIGTERM)
            assert process.wait(5) == 0
        finally:
            process.kill()
            os.close(unread)
            os.close(log)


def answers(url: str) -> bool | None:
    with suppress(OSError):
        return fetch(url).status == 200 or None
    return None
