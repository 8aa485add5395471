"""Peers that come in hundreds and read nothing take neither the memory, nor the sockets, nor the time of the exporter."""

import resource
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.e2e.conftest import StartExporter
from tests.support.certificates import Authority
from tests.support.fetch import fetch
from tests.support.process import ExporterProcess
from tests.support.waiting import wait_until

READERS = 500
MOST_MIB = 200.0
GIVEN_BACK_MIB = 30.0
SCRAPE_SECONDS = 1.0
ACCOUNTS, CASES = 1000, 20
IDLE = 200
FEW_FILES = ("/bin/sh", "-c", 'ulimit -n 64; exec "$@"', "sh")
REQUEST = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"


def test_idle_peers_beyond_the_limit_of_open_files_keep_nobody_out(simulator: Simulator) -> None:
    with ExitStack() as stack:
        exporter = stack.enter_context(ExporterProcess([], simulator.environment(), wrapper=FEW_FILES))
        for _ in range(IDLE):
            stack.enter_context(socket.create_connection(_address(exporter), timeout=10))
        for _ in range(3):
            assert exporter.get("/-/healthy", timeout_seconds=5).status == 200
        exporter.wait_for(lambda text: text == "Ready.\n", path="/-/ready")
        assert exporter.get("/metrics", timeout_seconds=5).status == 200
        assert "Traceback" not in exporter.stderr


@pytest.fixture(scope="module")
def aws() -> Iterator[Simulator]:
    fleet = Fleet.uniform(time.time, accounts=ACCOUNTS, cases=CASES, communications=1, body_chars=10)
    with Simulator(fleet, throttle=False, verify_signatures=False) as simulator:
        yield simulator


@pytest.fixture
def _many_files() -> Iterator[None]:
    """Let this process have as many sockets as it needs."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], 4 * READERS), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.usefixtures("_many_files")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_readers_that_never_read_take_no_memory_and_hold_up_no_scrape(
    scheme: str, aws: Simulator, start: StartExporter, tmp_path: Path
) -> None:
    authority, flags, tls = Authority(), list[str](), None
    if scheme == "https":
        authority.sign("127.0.0.1").write(tmp_path, "server")
        (tmp_path / "web.yml").write_text("tls_server_config: {cert_file: server.crt, key_file: server.key}")
        flags, tls = [f"--web.config.file={tmp_path}/web.yml"], authority.client_context()
    config = "aws: {role_name: AwsSupportExporter}\norganizations: [{name: acme}]\npoll: {concurrency: 64}"
    exporter = start(config, aws.environment(), *flags)
    gzipped = {"Accept-Encoding": "gzip"}
    wait_until(lambda: fetch(f"{exporter.url}/-/ready", tls=tls).status == 200 or None, 90, lambda: exporter.stderr)
    wait_until(
        lambda: fetch(f"{exporter.url}/metrics", gzipped, tls=tls).text.count("aws_support_account_up{") == ACCOUNTS or None,
        20,
        lambda: "not all are shown",
        pause_seconds=0.5,
    )
    fetch(f"{exporter.url}/metrics", tls=tls)  # as they ask for it: the page in this form is there from then on
    before = _rss_mib(exporter)
    with ExitStack() as stack:
        slowest = most = 0.0
        for number in range(READERS):
            _start_reading(stack, exporter, tls)
            if number % 50 == 49:
                began = time.monotonic()
                assert fetch(f"{exporter.url}/metrics", gzipped, tls=tls).status == 200
                slowest, most = max(slowest, time.monotonic() - began), max(most, _rss_mib(exporter))
        assert (slowest < SCRAPE_SECONDS, most < MOST_MIB) == (True, True), f"{slowest:.2f} s, {most:.0f} MiB"
    wait_until(
        lambda: _rss_mib(exporter) < before + GIVEN_BACK_MIB or None,
        20,
        lambda: f"{before:.0f} MiB before, {_rss_mib(exporter):.0f} MiB after",
    )


def _start_reading(stack: ExitStack, exporter: ExporterProcess, tls: ssl.SSLContext | None) -> None:
    """Ask for the page, and never read it; whoever is turned away has asked, too."""
    peer = stack.enter_context(socket.socket())
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.settimeout(20)
    with suppress(OSError):
        peer.connect(_address(exporter))
        if tls is not None:
            peer = stack.enter_context(tls.wrap_socket(peer, server_hostname="127.0.0.1"))
        peer.sendall(REQUEST)


def _address(exporter: ExporterProcess) -> tuple[str, int]:
    return "127.0.0.1", int(exporter.url.rpartition(":")[2])


def _rss_mib(exporter: ExporterProcess) -> float:
    status = Path(f"/proc/{exporter.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024
