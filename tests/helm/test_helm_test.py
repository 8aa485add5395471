"""The script of `helm test`, against servers that answer as exporters do, and as they do not."""

import http.server
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.certificates import Authority
from tests.support.chart import Helm4, named
from tests.support.fetch import free_port
from tests.support.process import environment

PAGE = b"aws_support_exporter_build_info 1\n"
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
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start servers; with `tls`, with a certificate for another name, and where `client` is given, that ask for one."""
    authority = Authority()

    def context(*, client: bool) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(*authority.sign("exporter").write(tmp_path, "server"))
        if client:
            made.verify_mode = ssl.CERT_REQUIRED
            made.load_verify_locations(cadata=authority.certificate)
        return made

    with ExitStack() as stack:

        def start(status: int = 200, body: bytes = PAGE, *, tls: bool = False, client: bool = False) -> str:
            return stack.enter_context(serving(status, body, context(client=client) if tls else None))

        yield start


def run(helm4: Helm4, *urls: str, auth: bool = False) -> tuple[int, str, str]:
    """Return the script's exit code, and what it writes to standard output and error."""
    objects = helm4.render({"web": {"config": {"existingSecret": "own", "auth": auth}}})
    script = named(objects, "Pod")["spec"]["containers"][0]["args"][0]
    command = [sys.executable, "-c", script, *urls]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=20, check=False)
    return done.returncode, done.stdout, done.stderr


def test_every_page_has_to_be_the_exporters(helm4: Helm4, serve: Serve) -> None:
    good, other = serve(), serve(body=b"something else")
    assert run(helm4, good, other) == (1, f"{good}: works\n", f"{other}: this is not the exporter's page\n")


def test_where_nothing_listens_it_says_so(helm4: Helm4) -> None:
    url = f"http://127.0.0.1:{free_port()}/metrics"
    code, _, told = run(helm4, url, auth=True)
    assert (code, told.startswith(f"{url}: "), "Connection refused" in told) == (1, True, True)


def test_a_certificate_for_another_name_is_taken(helm4: Helm4, serve: Serve) -> None:
    url = serve(tls=True)
    assert run(helm4, url) == (0, f"{url}: works\n", "")


def test_being_asked_for_a_password_is_right_only_where_one_is_wanted(helm4: Helm4, serve: Serve) -> None:
    url = serve(status=401)
    assert run(helm4, url, auth=True) == (0, f"{url}: works\n", "")
    assert run(helm4, url) == (1, "", f"{url}: HTTP Error 401: Unauthorized\n")


def test_being_asked_for_a_certificate_is_right_only_where_one_is_wanted(helm4: Helm4, serve: Serve) -> None:
    url = serve(tls=True, client=True)
    assert run(helm4, url, auth=True) == (0, f"{url}: works\n", "")
    assert run(helm4, url)[0] == 1


def test_an_error_of_the_server_is_told(helm4: Helm4, serve: Serve) -> None:
    url = serve(status=500)
    assert run(helm4, url, auth=True) == (1, "", f"{url}: HTTP Error 500: Internal Server Error\n")
