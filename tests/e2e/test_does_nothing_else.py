"""Python itself tells what a running exporter does to the system: it writes and runs nothing, calls AWS alone, has one port."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.e2e.conftest import StartExporter

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
kinds = {{
    "runs": ("subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "pty."),
    "writes": (
        *("os.mkdir", "os.link", "os.symlink", "os.rename", "shutil."),
        *("os.remove", "os.rmdir", "os.truncate", "os.chmod", "os.chown", "os.utime"),
    ),
    "connects": ("socket.connect",),
}}
for_writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def watch(event, args):
    found = [kind for kind, events in kinds.items() if event.startswith(events)]
    if found or (event == "open" and (args[2] or 0) & for_writing):
        kind = found[0] if found else "writes"
        os.write(written, (json.dumps([kind, args[1] if kind == "connects" else args], default=str) + "\\n").encode())


sys.addaudithook(watch)
"""


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return an environment whose processes write down what they do to the system."""
    (tmp_path / "sitecustomize.py").write_text(WATCHER.format(told=str(tmp_path / "told.jsonl")))
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # it writes what it measured
    paths = filter(None, (str(tmp_path), os.environ.get("PYTHONPATH")))
    return {"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}


def did(kind: str, folder: Path) -> list[list[object]]:
    """Return what they did of one kind, each with its arguments."""
    return [what for each, what in map(json.loads, (folder / "told.jsonl").read_text().splitlines()) if each == kind]


def listening_ports(pid: int) -> list[int]:
    """Return the TCP ports on which a process listens, as the system tells."""
    folder = Path(f"/proc/{pid}")
    own = {str(path.readlink()) for path in (folder / "fd").iterdir() if path.is_symlink()}
    rows = [row.split() for name in ("tcp", "tcp6") for row in (folder / "net" / name).read_text().splitlines()[1:]]
    return [int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == LISTENING and f"socket:[{row[9]}]" in own]


def test_it_writes_no_file_runs_no_program_calls_aws_only_and_has_one_port(
    watched: dict[str, str], simulator: Simulator, fleet: Fleet, start: StartExporter, tmp_path: Path
) -> None:
    for account_id in (A, B):
        fleet.add_account(account_id=account_id).add_case()
    exporter = start(CONFIG, simulator.environment() | watched, "--web.enable-lifecycle", "--log.level=debug")
    assert set(exporter.first_page().up().values()) == {1}
    for path in ("/", "/api/v1/status", "/config", "/metrics"):
        assert exporter.get(path).status == 200
    for path in ("/-/reload", f"/api/v1/accounts/{A}/refresh"):
        assert exporter.get(path, method="POST", timeout_seconds=40).status == 200
    os.kill(exporter.pid, signal.SIGHUP)
    exporter.wait_for_log(lambda line: "cause=SIGHUP" in line)
    assert listening_ports(exporter.pid) == [urlsplit(exporter.url).port]
    assert exporter.stop() == 0

    assert (did("writes", tmp_path), did("runs", tmp_path)) == ([], [])
    aws = urlsplit(simulator.url)
    assert {tuple(address) for address in did("connects", tmp_path)} == {(aws.hostname, aws.port)}


def test_what_it_must_not_do_would_be_seen(watched: dict[str, str], tmp_path: Path) -> None:
    does = "import os; open('a', 'w'); os.mkdir('b'); os.unlink('a'); os.system('true')"
    subprocess.run([sys.executable, "-c", does], env=os.environ | watched, cwd=tmp_path, check=True)
    assert (len(did("writes", tmp_path)), len(did("runs", tmp_path))) == (3, 1)
