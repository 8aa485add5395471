"""The running exporter behind TLS and logins: a real Prometheus gets in, and a last scrape is finished."""

import os
import signal
import socket
from pathlib import Path

import pytest

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.conftest import StartPrometheus
from tests.e2e.conftest import StartExporter
from tests.support.certificates import Authority
from tests.support.fetch import fetch
from tests.support.logins import hashed, login
from tests.support.process import ExporterProcess
from tests.support.waiting import wait_until

CONFIG = 'accounts: [{id: "111111111111"}]\naws: {role_name: AwsSupportExporter}\n'
TLS = "cert_file: server.crt, key_file: server.key"
CLIENTS = "client_ca_file: ca.crt, client_auth_type: RequireAndVerifyClientCert, client_allowed_sans: [prometheus.example]"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """An authority whose certificates for the exporter and for a client lie beside the web-config."""
    signer = Authority()
    signer.sign("127.0.0.1").write(tmp_path, "server")
    signer.sign("prometheus.example").write(tmp_path, "client")
    (tmp_path / "ca.crt").write_text(signer.certificate)
    return signer


def web_config(directory: Path, tls: str, password: str) -> str:
    """Write a web-config file, and return the flag that names it."""
    path = directory / "web-config.yml"
    path.write_text(f"tls_server_config: {{{tls}}}\nbasic_auth_users: {{prometheus: {hashed(password)}}}")
    return f"--web.config.file={path}"


@pytest.mark.slow
@pytest.mark.usefixtures("authority")
def test_prometheus_scrapes_over_mutual_tls_with_a_login(
    fleet: Fleet, simulator: Simulator, start: StartExporter, start_prometheus: StartPrometheus, tmp_path: Path
) -> None:
    account = fleet.add_account(account_id="111111111111")
    for _ in range(7):
        account.add_case()
    exporter = start(CONFIG, simulator.environment(), web_config(tmp_path, f"{TLS}, {CLIENTS}", "secret"))
    files = {"ca_file": "ca.crt", "cert_file": "client.crt", "key_file": "client.key"}
    client = {
        "basic_auth": {"username": "prometheus", "password": "secret"},
        "tls_config": {key: str(tmp_path / name) for key, name in files.items()},
    }
    prometheus = start_prometheus(f"{exporter.url}/metrics", client=client)
    assert [value for _, value in prometheus.wait_for("sum(aws_support_open_cases)", bool)] == [7]


def test_a_new_password_is_taken_and_sigterm_lets_a_scrape_in_flight_come_through(tmp_path: Path, authority: Authority) -> None:
    headers, tls = login("prometheus", "secret"), authority.client_context()
    with ExporterProcess(["--demo", web_config(tmp_path, TLS, "old")]) as exporter:
        web_config(tmp_path, TLS, "secret")
        assert exporter.url.startswith("https://")
        wait_until(
            lambda: len(fetch(f"{exporter.url}/metrics", headers, tls=tls).body) > 60_000 or None, 20, lambda: exporter.stderr
        )
        with socket.socket() as plain:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            plain.settimeout(10)
            plain.connect(("127.0.0.1", int(exporter.url.rpartition(":")[2])))
            with tls.wrap_socket(plain, server_hostname="127.0.0.1") as sock:
                request = f"GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: {headers['Authorization']}\r\n\r\n"
                sock.sendall(request.encode())
                received = sock.recv(1024)
                os.kill(exporter.pid, signal.SIGTERM)
                while data := sock.recv(65536):
                    received += data
        wait_until(lambda: exporter.returncode == 0 or None, 10, lambda: f"it goes on\n{exporter.stderr}")
    head, _, body = received.partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in head.lower()
    assert "process_cpu_seconds_total" in body.decode()
