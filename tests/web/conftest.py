import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from exporter.cases.changes import Changes
from exporter.cases.model import Account, Case, Reading, Reason
from exporter.cases.status import AccountStatus, Poll
from exporter.config.web import parse_web_config
from exporter.config.yaml_lines import read
from exporter.web.guard import Limits
from exporter.web.settings import WebSettings
from exporter.web.tls import WebConfigFile
from tests.support.certificates import Authority
from tests.support.log import Log
from tests.support.serving import Serving
from tests.support.site import NOW, site, site_of

LARGE = 400
"""Accounts whose page is larger than what kernels buffer."""


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


ReadWebConfig = Callable[..., WebConfigFile]


@pytest.fixture
def web_config(tmp_path: Path, authority: Authority) -> ReadWebConfig:
    """Write a web-config file, with a certificate for loopback beside it, and read it."""

    def written(text: str, log: Log | None = None) -> WebConfigFile:
        if not (tmp_path / "server.crt").exists():
            authority.sign("127.0.0.1", "localhost").write(tmp_path, "server")
            (tmp_path / "ca.crt").write_text(authority.certificate)
        path = tmp_path / "web-config.yml"
        path.write_text(text)

        def load() -> WebSettings:
            return parse_web_config(read(path, "web-config"), source="web-config.yml", directory=tmp_path)

        return WebConfigFile("web-config.yml", load, (log or Log()).logger)

    return written


ServeWith = Callable[..., Serving]


@pytest.fixture
def serve_with(web_config: ReadWebConfig) -> ServeWith:
    """Serve a large page as a web-config says."""
    return lambda text, limits=None: Serving(site_of(LARGE), limits or Limits(), web_config(text))


CASE = Case("case-1", "1", "opened", "low", "ec2", "other", "en", NOW - 100, subject="Secret plans")


def status(
    name: str,
    account_id: str = "111111111111",
    reason: Reason | None = None,
    detail: str = "",
    **known: Any,  # noqa: ANN401
) -> AccountStatus:
    """Return what is known of an account that was read, or could never be; `known` has its cases and partition."""
    before = AccountStatus(Account(account_id, name, "us-east-1", known.get("partition", "aws")))
    if reason is not None:
        return before.after_failure(reason, Poll(NOW, 0.1, reason, detail))
    return before.after_success(Reading(NOW, known.get("cases", (CASE,))), Poll(NOW, 0.1), Changes())


Serve = Callable[..., Serving]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve a site over some accounts."""
    with ExitStack() as stack:
        yield lambda *statuses, **options: stack.enter_context(Serving(site(statuses, **options)))


def until_end(sock: socket.socket) -> bytes:
    """Return all that comes until the server ends the connection."""
    received = bytearray()
    with suppress(ConnectionError, ssl.SSLError):
        while data := sock.recv(65536):
            received += data
    return bytes(received)


def busy_site() -> tuple[web.Application, threading.Semaphore, Callable[[], None]]:
    """Return an application that answers on a signal, a semaphore that counts its requests, and that signal."""
    begun, released = threading.Semaphore(0), threading.Event()

    async def wait(_: web.Request) -> web.Response:
        begun.release()
        await asyncio.to_thread(released.wait, 10)
        return web.Response(text="done")

    async def healthy(_: web.Request) -> web.Response:
        return web.Response(text="Healthy.\n")

    app = web.Application()
    app.router.add_get("/metrics", wait)
    app.router.add_get("/api/v1/cases", wait)
    app.router.add_post("/-/reload", wait)
    app.add_routes([web.get(path, healthy) for path in ("/-/healthy", "/-/ready")])
    return app, begun, released.set
