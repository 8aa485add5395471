"""The script of `helm test`, against servers that answer as exporters do, and as they do not."""

import datetime as dt
import http.server
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.chart import Helm4, named
from tests.support.fetch import free_port
from tests.support.process import environment

PAGE = b"aws_support_exporter_build_info 1\n"
Run = subprocess.CompletedProcess[str]
Serve = Callable[..., str]


@contextmanager
def serving(status: int, body: bytes, context: ssl.SSLContext | None) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep silent."""

    class Server(http.server.HTTPServer):
        def handle_error(self, *_: object) -> None:
            """Keep silent about clients that leave."""

    with Server(("127.0.0.1", 0), Handler) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}/metrics"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(status: int = 200, body: bytes = PAGE, context: ssl.SSLContext | None = None) -> str:
            return stack.enter_context(serving(status, body, context))

        yield start


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "exporter")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "tls.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return file


def tls(certificate: Path, *, client: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificate)
    return context


def run(helm4: Helm4, *urls: str, auth: bool = False) -> Run:
    objects = helm4.render({"web": {"config": {"existingSecret": "own", "auth": auth}}})
    script = named(objects, "Pod")["spec"]["containers"][0]["args"][0]
    command = [sys.executable, "-c", script, *urls]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=20, check=False)


def test_every_page_has_to_be_the_exporters(helm4: Helm4, serve: Serve) -> None:
    good, other = serve(), serve(body=b"something else")
    done = run(helm4, good, other)
    assert (done.returncode, done.stdout) == (1, f"{good}: works\n")
    assert done.stderr == f"{other}: this is not the exporter's page\n"


def test_where_nothing_listens_it_says_so(helm4: Helm4) -> None:
    url = f"http://127.0.0.1:{free_port()}/metrics"
    done = run(helm4, url, auth=True)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{url}: ")
    assert "Connection refused" in done.stderr


def test_a_certificate_for_another_name_is_taken(helm4: Helm4, serve: Serve, certificate: Path) -> None:
    url = serve(context=tls(certificate, client=False))
    assert run(helm4, url).stdout == f"{url}: works\n"


def test_being_asked_for_a_password_is_right_only_where_one_is_wanted(helm4: Helm4, serve: Serve) -> None:
    url = serve(status=401)
    assert run(helm4, url, auth=True).stdout == f"{url}: works\n"
    refused = run(helm4, url)
    assert (refused.returncode, refused.stderr) == (1, f"{url}: HTTP Error 401: Unauthorized\n")


def test_being_asked_for_a_certificate_is_right_only_where_one_is_wanted(helm4: Helm4, serve: Serve, certificate: Path) -> None:
    url = serve(context=tls(certificate, client=True))
    done = run(helm4, url, auth=True)
    assert (done.stdout, done.stderr) == (f"{url}: works\n", "")
    assert run(helm4, url).returncode == 1


def test_an_error_of_the_server_is_told(helm4: Helm4, serve: Serve) -> None:
    url = serve(status=500)
    assert run(helm4, url, auth=True).stderr == f"{url}: HTTP Error 500: Internal Server Error\n"
