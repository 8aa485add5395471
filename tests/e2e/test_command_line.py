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

READY = "Ready.\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("pool: {}", "{}:1: pool: unknown key: did you mean poll?\n"),
        (None, "{}: the configuration cannot be read: no such file or directory\n"),
    ],
)
def test_a_file_that_cannot_be_used_gets_a_clear_line_and_starts_nothing(
    content: str | None, told: str, simulator: Simulator, tmp_path: Path
) -> None:
    path = tmp_path / "config.yaml"
    if content:
        path.write_text(content)
    ended = run_exporter([f"--config.file={path}", f"--web.listen-address=127.0.0.1:{free_port()}"], simulator.environment())
    assert (ended.returncode, ended.stderr) == (2, told.format(path))
    assert simulator.log.counts() == {}


def test_a_port_in_use_ends_it_before_anything_is_started(simulator: Simulator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run_exporter([f"--web.listen-address=127.0.0.1:{port}"], simulator.environment())
    assert (ended.returncode, ended.stderr) == (
        1,
        f"cannot listen on 127.0.0.1:{port}: Address already in use; choose one: --web.listen-address=localhost:10048\n",
    )
    assert simulator.log.counts() == {}


def test_the_demo_shows_a_living_fleet_and_which_build_it_is() -> None:
    with ExporterProcess(["--demo"], {"AWS_SUPPORT_EXPORTER_REVISION": "c0ffee"}) as exporter:
        page = exporter.first_page()
        assert page.text.count("aws_support_open_cases{") > 20
        assert page.total("aws_support_accounts") > 10
        assert page.values("aws_support_exporter_build_info", version=__version__, revision="c0ffee") == [1]
        shown = exporter.get("/").text
        failing = page.label_values("aws_support_account_failure_info", "account_name") - {"sandbox"}
        assert "acquired-subsidiary" in failing
        notice = re.findall(r'<p class="alert note">(.*)</p>', shown)[0]
        assert notice in exporter.stdout, "it says so in the terminal and on the page"
        assert all(name in notice for name in failing), "who fails does so on purpose"
        assert exporter.stop() == 0
        assert "Traceback" not in exporter.stderr
        assert all(" demo=true" in line for line in exporter.stderr.splitlines())


def test_logs_can_be_json_and_tell_of_no_requests(simulator: Simulator, start: StartExporter) -> None:
    exporter = start(None, simulator.environment(), "--log.format=json")
    exporter.wait_for(lambda text: text == READY, path="/-/ready")
    for path in ("/metrics", "/", "/nothing"):
        exporter.get(path)
    exporter.stop()
    *before, last = (json.loads(line)["event"] for line in exporter.stderr.splitlines())
    assert (sorted(before), last) == (["accounts discovered", "listening"], "stopped"), "it polls while it begins to listen"


def test_it_listens_on_several_addresses_and_has_its_metrics_below_a_prefix(simulator: Simulator, start: StartExporter) -> None:
    ports = free_port(), free_port()
    addresses = (f"--web.listen-address=127.0.0.1:{ports[0]}", f"--web.listen-address=[::1]:{ports[1]}")
    paths = "--web.external-url=https://example.com/team/support/", "--web.telemetry-path=/figures"
    exporter = start(None, simulator.environment(), *addresses, *paths)
    for base in (f"http://127.0.0.1:{ports[0]}", f"http://[::1]:{ports[1]}"):
        assert fetch(f"{base}/team/support/-/healthy").status == 200
        assert fetch(f"{base}/team/support/figures").status == 200
        assert {fetch(f"{base}{path}").status for path in ("/figures", "/team/support/metrics")} == {404}
    exporter.wait_for_log(lambda line: f"url=http://[::1]:{ports[1]}/team/support" in line)


@pytest.mark.parametrize(("most", "statuses"), [(1, {200, 503}), (0, {200})])
def test_no_more_requests_are_worked_on_than_the_flag_says(
    most: int, statuses: set[int], simulator: Simulator, start: StartExporter
) -> None:
    exporter = start(None, simulator.environment(), f"--web.max-requests={most}")
    with ExitStack() as stack:
        peers = [stack.enter_context(_connected(exporter)) for _ in range(50)]
        for peer in peers:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        heads = [peer.recv(12) for peer in peers]
    assert {int(head.split()[1]) for head in heads} == statuses


def _connected(exporter: ExporterProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(exporter.url.rpartition(":")[2])), timeout=10)


def test_no_more_connections_are_kept_than_the_flag_says(simulator: Simulator, start: StartExporter) -> None:
    exporter = start(None, simulator.environment(), "--web.max-connections=3")
    with ExitStack() as stack:
        peers = [stack.enter_context(_connected(exporter)) for _ in range(6)]
        assert exporter.get("/-/healthy").status == 200
        wait_until(lambda: len(select.select(peers, (), (), 0)[0]) >= 3 or None, 5, lambda: "more are kept")
