"""How `check` and `once` end when they are ended, and what they cannot write."""

import fcntl
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import Silence
from exporter.simulator.server import Simulator
from tests.support.fetch import free_port
from tests.support.process import run_exporter
from tests.support.waiting import wait_until

PIPE_BYTES, A_LINE = 4096, 300
CONFIG = 'aws: {role_name: AwsSupportExporter}\naccounts: [{id: "111111111111", name: "Büro 東京"}]'


@pytest.fixture
def config(tmp_path: Path, fleet: Fleet) -> Path:
    fleet.add_account(account_id="111111111111").add_case()
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    return path


def start(simulator: Simulator, *arguments: str, **streams: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "exporter", *arguments]
    return subprocess.Popen(command, env=os.environ | simulator.environment(), stdin=subprocess.DEVNULL, text=True, **streams)  # type: ignore[call-overload,no-any-return]  # of the streams


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Start processes as a terminal does; one in the background of a shell ignores SIGINT, and so do those that it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("command", ["check", "once"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_it_at_once_and_without_a_traceback(
    command: str, number: signal.Signals, code: int, config: Path, simulator: Simulator
) -> None:
    simulator.faults.add(Fault(Silence(), operation="DescribeCases"))
    with start(simulator, f"--config.file={config}", command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            wait_until(lambda: simulator.log.counts() or None, 20, lambda: "it asked nothing")
            process.send_signal(number)
            stdout, stderr = process.communicate(timeout=5)
        finally:
            process.kill()
    assert (process.returncode, stdout) == (code, "")
    assert "Traceback" not in stderr


@pytest.mark.parametrize("command", ["check", "once"])
def test_a_name_that_the_terminal_cannot_show_ends_nothing(command: str, config: Path, simulator: Simulator) -> None:
    ended = run_exporter([f"--config.file={config}", command], simulator.environment() | {"PYTHONIOENCODING": "ascii"})
    assert (ended.returncode, ended.stderr) == (0, "")
    assert r"B\xfcro" in ended.stdout


def test_a_full_disk_is_told(config: Path, simulator: Simulator) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    with start(simulator, f"--config.file={config}", "once", stdout=full, stderr=subprocess.PIPE) as process:
        os.close(full)
        _, stderr = process.communicate(timeout=20)
    assert (process.returncode, stderr) == (1, "cannot write to standard output: No space left on device\n")


def test_whoever_reads_no_further_ends_it_without_a_word(config: Path, simulator: Simulator) -> None:
    """As with `aws-support-exporter once | head -0`."""
    arguments = ["--log.level=error", f"--config.file={config}", "once"]
    with start(simulator, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert (process.stderr.read(), process.wait(20)) == ("", 141)


def test_sigterm_ends_it_when_nobody_reads_its_full_log(simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("{}")
    address = f"--web.listen-address=127.0.0.1:{free_port()}"
    arguments = [f"--config.file={tmp_path}/config.yaml", address, "--log.level=debug"]
    unread, log = os.pipe()
    fcntl.fcntl(log, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    with start(simulator, *arguments, stderr=log) as process:
        try:
            wait_until(lambda: _is_filled(unread, process) or None, 20, lambda: "the pipe has room left")
            process.send_signal(signal.SIGTERM)
            assert process.wait(5) == 0
        finally:
            process.kill()
            os.close(unread)
            os.close(log)


def _is_filled(pipe: int, process: subprocess.Popen[str]) -> bool:
    """Have the exporter log one more line once it runs, and return whether the next does not fit into its pipe."""
    held = int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)
    if held:
        process.send_signal(signal.SIGHUP)
    return held > PIPE_BYTES - A_LINE
