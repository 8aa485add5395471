"""The script of `helm test`, against servers that answer as exporters do, and as they do not."""

import http.server
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.certificates import Authority
from tests.support.chart import Helm4, named
from tests.support.fetch import free_port

Serve = Callable[..., str]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start servers; with `tls`, with a certificate for another name, and if it is `mutual`, that ask for one."""
    authority, servers = Authority(), list[http.server.HTTPServer]()

    def start(status: int = 200, body: bytes = b"aws_support_exporter_build_info 1\n", tls: str = "") -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*authority.sign("exporter").write(tmp_path, "server"))
            context.load_verify_locations(cadata=authority.certificate)
            context.verify_mode = ssl.CERT_REQUIRED if tls == "mutual" else ssl.CERT_NONE
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}/metrics"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def run(helm4: Helm4, *urls: str, auth: bool = False) -> tuple[int, str, str]:
    """Return the script's exit code, and what it writes to standard output and error."""
    objects = helm4.render({"web": {"config": {"existingSecret": "own", "auth": auth}}})
    script = named(objects, "Pod")["spec"]["containers"][0]["args"][0]
    command = [sys.executable, "-c", script, *urls]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return done.returncode, done.stdout, done.stderr


def test_every_page_has_to_be_the_exporters_whatever_name_its_certificate_has(helm4: Helm4, serve: Serve) -> None:
    good, other = serve(tls="simple"), serve(body=b"something else")
    assert run(helm4, good, other) == (1, f"{good}: works\n", f"{other}: this is not the exporter's page\n")


def test_where_nothing_listens_or_the_server_fails_it_says_so(helm4: Helm4, serve: Serve) -> None:
    nothing, failing = f"http://127.0.0.1:{free_port()}/metrics", serve(status=500)
    code, stdout, stderr = run(helm4, nothing, failing, auth=True)
    first, second = stderr.splitlines()
    assert (code, stdout, second) == (1, "", f"{failing}: HTTP Error 500: Internal Server Error")
    assert first.startswith(f"{nothing}: ")
    assert "Connection refused" in first


@pytest.mark.parametrize(("status", "tls", "told"), [(401, "", "HTTP Error 401: Unauthorized"), (200, "mutual", "")])
def test_being_asked_for_a_login_or_certificate_is_right_only_where_one_is_wanted(
    status: int, tls: str, told: str, helm4: Helm4, serve: Serve
) -> None:
    url = serve(status=status, tls=tls)
    assert run(helm4, url, auth=True) == (0, f"{url}: works\n", "")
    code, stdout, stderr = run(helm4, url)
    assert (code, stdout, stderr.startswith(f"{url}: {told}")) == (1, "", True)
