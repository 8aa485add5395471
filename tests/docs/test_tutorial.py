"""The tutorial, step by step as it stands there: only ports, tools and Slack are others."""

import json
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.docs.test_documents import commands, parts
from tests.support.fetch import free_port
from tests.support.process import environment
from tests.support.tools import ROOT, need_tool
from tests.support.waiting import wait_until

TUTORIAL = ROOT / "docs/tutorial.md"


@pytest.fixture
def slack() -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """The port of Slack's webhook, and the messages that came."""
    messages = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            messages.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_port, messages
        server.shutdown()


@contextmanager
def running(command: list[str], directory: Path) -> Iterator[None]:
    nothing = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=directory, env=environment(), stdout=nothing, stderr=nothing)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.slow
def test_who_follows_the_tutorial_gets_the_first_alert_in_slack(
    slack: tuple[int, list[dict[str, Any]]], tmp_path: Path
) -> None:
    port_of_slack, messages = slack
    tools = {name: need_tool(name) for name in ("prometheus", "alertmanager")}
    ports = {str(number): str(free_port()) for number in (10047, 9090, 9093)}
    (tmp_path / "helm").symlink_to(ROOT / "helm")
    (tmp_path / "slack-url").write_text(f"http://127.0.0.1:{port_of_slack}/\n")
    for text in parts(TUTORIAL, "yaml"):
        for documented, port in ports.items():
            text = text.replace(f"localhost:{documented}", f"127.0.0.1:{port}")  # noqa: PLW2901 - each port in turn
        (tmp_path / text.partition("\n")[0].removeprefix("# ")).write_text(text)
    lines = [line.replace("localhost:10047", f"127.0.0.1:{ports['10047']}") for line in commands(TUTORIAL)]
    started = [shlex.split(line) for line in lines if line.startswith(("aws-support-exporter --demo", "./"))]
    assert [command[0] for command in started] == ["aws-support-exporter", "./alertmanager", "./prometheus"]
    more = [
        [],
        [f"--web.listen-address=127.0.0.1:{ports['9093']}", "--cluster.listen-address=", f"--storage.path={tmp_path}/alerts"],
        [f"--web.listen-address=127.0.0.1:{ports['9090']}", f"--storage.tsdb.path={tmp_path}/data"],
    ]
    binaries = [[sys.executable, "-m", "exporter"], [str(tools["alertmanager"])], [str(tools["prometheus"])]]
    with ExitStack() as stack:
        for binary, command, flags in zip(binaries, started, more, strict=True):
            stack.enter_context(running([*binary, *command[1:], *flags], tmp_path))
        message = wait_until(
            lambda: next((one for one in messages if "first response" in json.dumps(one)), None),
            120,
            lambda: f"no alert about a first response came: {messages}",
        )
    (attachment,) = message["attachments"]
    assert "overdue" in attachment["title"]
    assert attachment["title_link"].startswith("https://")
    assert "/support/home#/case/?displayId=" in attachment["text"]
