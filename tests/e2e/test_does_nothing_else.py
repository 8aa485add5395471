"""Python itself tells what a running exporter does to the system: it writes and runs nothing, calls AWS alone, has one port."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.e2e.conftest import StartExporter
from tests.support.page import Page
from tests.support.process import ExporterProcess, environment

A, B = "111111111111", "222222222222"
CONFIG = f"""
aws: {{role_name: AwsSupportExporter}}
organizations: [{{name: acme}}]
accounts: [{{id: "{A}"}}]
"""
LISTENING = "0A"
WATCHER = """
import json, os, sys

written = os.open({told!r}, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
programs = ("subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "pty.")
made = ("os.mkdir", "os.link", "os.symlink", "os.rename", "shutil.")
changed = ("os.remove", "os.rmdir", "os.truncate", "os.chmod", "os.chown", "os.utime")
for_writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def watch(event, args):
    if event == "open":
        kind = "writes" if (args[2] or 0) & for_writing else ""
    elif event == "socket.connect":
        kind = "connects"
    else:
        kind = "runs" if event.startswith(programs) else "writes" if event.startswith(made + changed) else ""
    if kind:
        what = args[1] if kind == "connects" else args
        os.write(written, (json.dumps([kind, what], default=str) + "\\n").encode())


sys.addaudithook(watch)
"""


@dataclass(frozen=True, slots=True)
class Watch:
    """What processes with this environment do to the system."""

    environment: dict[str, str]
    told: Path

    def did(self, kind: str) -> list[list[object]]:
        """Return what they did of one kind, each with its arguments."""
        return [what for each, what in map(json.loads, self.told.read_text().splitlines()) if each == kind]


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watch:
    folder = tmp_path / "watcher"
    folder.mkdir()
    told = folder / "told.jsonl"
    (folder / "sitecustomize.py").write_text(WATCHER.format(told=str(told)))
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # it writes what it measured
    paths = filter(None, (str(folder), os.environ.get("PYTHONPATH")))
    return Watch({"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}, told)


def listening_ports(pid: int) -> list[int]:
    """Return the TCP ports on which a process listens, as the system tells."""
    folder = Path(f"/proc/{pid}")
    own = {str(path.readlink()) for path in (folder / "fd").iterdir() if path.is_symlink()}
    rows = [row.split() for name in ("tcp", "tcp6") for row in (folder / "net" / name).read_text().splitlines()[1:]]
    return [int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == LISTENING and f"socket:[{row[9]}]" in own]


def test_it_writes_no_file_runs_no_program_calls_aws_only_and_has_one_port(
    watch: Watch, simulator: Simulator, fleet: Fleet, start: StartExporter, read_page: Callable[[ExporterProcess], Page]
) -> None:
    for account_id in (A, B):
        fleet.add_account(account_id=account_id).add_case()
    exporter = start(CONFIG, simulator.environment() | watch.environment, "--web.enable-lifecycle", "--log.level=debug")
    assert set(read_page(exporter).up().values()) == {1}
    for path in ("/", "/api/v1/status", "/config", "/metrics"):
        assert exporter.get(path).status == 200
    assert exporter.get("/-/reload", method="POST").status == 200
    os.kill(exporter.pid, signal.SIGHUP)
    exporter.wait_for_log(lambda line: "cause=SIGHUP" in line)
    assert listening_ports(exporter.pid) == [urlsplit(exporter.url).port]
    assert exporter.stop() == 0

    assert (watch.did("writes"), watch.did("runs")) == ([], [])
    aws = urlsplit(simulator.url)
    assert {tuple(address) for address in watch.did("connects")} == {(aws.hostname, aws.port)}


@pytest.mark.parametrize(
    ("does", "kind"),
    [
        ("open('here', 'w')", "writes"),
        ("pathlib.Path('here').mkdir()", "writes"),
        ("os.unlink('watched')", "writes"),
        ("subprocess.run(['true'])", "runs"),
        ("os.system('true')", "runs"),
        ("socket.socket().connect_ex(('127.0.0.1', 1))", "connects"),
    ],
)
def test_what_it_must_not_do_would_be_seen(does: str, kind: str, watch: Watch, tmp_path: Path) -> None:
    (tmp_path / "watched").touch()
    command = [sys.executable, "-c", f"import os, pathlib, socket, subprocess; {does}"]
    subprocess.run(command, env=environment(watch.environment), cwd=tmp_path, check=True)
    assert watch.did(kind)
