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


def test_every_page_has_to_be_the_exporters_unless_a_login_or_certificate_is_wanted(helm4: Helm4, serve: Serve) -> None:
    good, other, failing = serve(tls="simple"), serve(body=b"something else"), serve(status=500)
    nothing, login, mutual = f"http://127.0.0.1:{free_port()}/metrics", serve(status=401), serve(tls="mutual")
    wrong = {
        other: "this is not the exporter's page",
        failing: "HTTP Error 500: Internal Server Error",
        nothing: "<urlopen error [Errno 111] Connection refused>",
    }
    for auth, works, fails in (
        (False, [good], [*wrong.items(), (login, "HTTP Error 401: Unauthorized"), (mutual, "")]),
        (True, [good, login, mutual], [*wrong.items()]),
    ):
        objects = helm4.render({"web": {"config": {"existingSecret": "own", "auth": auth}}})
        script = named(objects, "Pod")["spec"]["containers"][0]["args"][0]
        command = [sys.executable, "-c", script, *works, *(url for url, _ in fails)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        assert (done.returncode, done.stdout.splitlines()) == (1, [f"{url}: works" for url in works])
        for line, (url, told) in zip(done.stderr.splitlines(), fails, strict=True):
            assert line.startswith(f"{url}: {told}")
