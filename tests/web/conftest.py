import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from exporter.cases.changes import Changes
from exporter.cases.model import Account, Author, Case, Communication, Reading, Reason, pack
from exporter.cases.report import EventQueueStatus, OrganizationStatus, finding
from exporter.cases.status import AccountStatus, Poll
from exporter.cases.targets import SupportPlan, targets
from exporter.config.web import parse_web_config
from exporter.config.yaml_lines import read
from exporter.web.guard import Limits
from exporter.web.settings import WebSettings
from exporter.web.tls import WebConfigFile
from tests.support.certificates import Authority
from tests.support.log import Log
from tests.support.serving import Serving
from tests.support.site import NOW, POLICY, report_of, site, site_of

DAY = 86400.0
LARGE = 400
"""Accounts whose page is larger than what kernels buffer."""
CASE = Case("case-1", "1", "opened", "low", "ec2", "other", "en", NOW - 100, subject="Secret plans")
WITH_CASES = replace(POLICY, case_limit=9)
WITH_SUBJECTS = replace(WITH_CASES, subjects=True)
HOSTILE = "<script>document.title='x'</script>"
TLS = "tls_server_config: {cert_file: server.crt, key_file: server.key}"
GOOD = b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n"
SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"

ReadWebConfig = Callable[..., WebConfigFile]
ServeWith = Callable[..., Serving]
Serve = Callable[..., Serving]
Crowd = Callable[..., list[socket.socket]]
Golden = Callable[[str, str], None]


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


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


@pytest.fixture
def serve_with(web_config: ReadWebConfig) -> ServeWith:
    """Serve a large page as a web-config says."""
    return lambda text, limits=None: Serving(site_of(LARGE), limits or Limits(), web_config(text))


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve a site over some accounts."""
    with ExitStack() as stack:
        yield lambda *statuses, **options: stack.enter_context(Serving(site(statuses, **options)))


@pytest.fixture
def golden(pytestconfig: pytest.Config) -> Golden:
    """Compare a text with a file."""

    def compare(name: str, text: str) -> None:
        path = Path(__file__).parent / "golden" / name
        if pytestconfig.getoption("rewrite_golden"):
            path.write_text(text)
        assert text == path.read_text(), "if that is meant: make test PYTEST_ARGS='tests/web --rewrite-golden'"

    return compare


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    """Connect many peers that read only as much as asked for."""
    with ExitStack() as stack:

        def connect(
            port: int, count: int, sent: bytes, tls: ssl.SSLContext | None = None, reads: int = 0
        ) -> list[socket.socket]:
            peers = []
            for _ in range(count):
                sock = stack.enter_context(socket.socket())
                sock.settimeout(5)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                sock.connect(("127.0.0.1", port))
                if tls is not None:
                    sock = stack.enter_context(tls.wrap_socket(sock, server_hostname="127.0.0.1"))
                sock.sendall(sent)
                if reads:
                    assert sock.recv(reads)
                peers.append(sock)
            return peers

        yield connect


def status(
    name: str,
    account_id: str = "111111111111",
    reason: Reason | None = None,
    detail: str = "",
    *,
    cases: tuple[Case, ...] = (CASE,),
    **account: Any,  # noqa: ANN401 - other fields of an Account
) -> AccountStatus:
    """Return what is known of an account that was read, or could never be."""
    before = AccountStatus(replace(Account(account_id, name, "us-east-1", "aws"), **account))
    if reason is not None:
        return before.after_failure(reason, Poll(NOW, 0.1, reason, detail))
    return before.after_success(Reading(NOW, cases), Poll(NOW, 0.1), Changes())


def cases(count: int, created: float = NOW - 100, **fields: Any) -> tuple[Case, ...]:  # noqa: ANN401 - other ones of a Case
    """Return cases that were created one second after the other."""
    numbered = ((n, replace(CASE, case_id=f"case-{n}", display_id=str(n), **fields)) for n in range(count))
    return tuple(replace(case, created=created + n) for n, case in numbered)


def everything() -> web.Application:
    """Return a site on whose page there is all that can be, with markup in each text that others write."""
    asked, answer = Communication(NOW - 60, Author.CUSTOMER), Communication(NOW - 30, Author.AWS)
    answered: dict[str, Any] = {"latest": answer, "first_aws": NOW - 30, "packed": pack((asked, answer))}
    various = (
        replace(CASE, display_id="1", severity_code="critical", created=NOW - 960, latest=asked, packed=pack((asked,))),
        replace(CASE, display_id="2", severity_code="urgent", status="pending-customer-action", **answered),
        replace(CASE, display_id="3", severity_code="high", status="work-in-progress", **answered),  # an interim update
        replace(CASE, display_id="4", severity_code="normal", created=NOW - 60),
        replace(CASE, display_id="5", service_code="billing", created=NOW - 2 * DAY),  # without a target
        replace(CASE, display_id=HOSTILE, status=HOSTILE, severity_code=HOSTILE, service_code=HOSTILE, subject=HOSTILE),
    )
    shown = tuple(replace(case, case_id=f"case-{number}") for number, case in enumerate(various))
    owner: dict[str, Any] = {"organization": "acme", "organizational_unit": "Root/Work loads", "labels": (("a", "1"),)}
    refused = Reason.CREDENTIALS, f"the default credential chain: {HOSTILE}"
    stale = status("stale", "777777777777")
    statuses = [
        status("payments", cases=shown, **owner, tags=(("team", "core"), ("a", "2")), targets=targets(SupportPlan.ENTERPRISE)),
        replace(status("cn", "211111111111", partition="aws-cn"), next_poll=NOW + 90),
        replace(status("gov", "311111111111", partition="aws-us-gov"), next_poll=NOW - 1),
        status("iso", "411111111111", partition="aws-iso"),
        status(HOSTILE, "222222222222", Reason.ASSUME_ROLE_DENIED, HOSTILE, organization=HOSTILE),
        *(replace(status(f"alike {n}", f"33333333333{n}", *refused), next_poll=NOW + 40 + n) for n in range(3)),
        AccountStatus(Account("555555555555", "pending", "eu-west-1", "aws")),
        status("no plan", "666666666666", Reason.SUBSCRIPTION_REQUIRED, "no plan"),
        replace(stale, last_success=NOW - DAY),
    ]
    left = finding("acme", {})._replace(detail=f"25 of 31 accounts left at once: {HOSTILE}", advice="check the organization")
    denied = finding("acme", {}, Reason.ACCESS_DENIED, f"ListTagsForResource: AccessDeniedException {HOSTILE}")
    organizations = [
        OrganizationStatus("acme", 6, NOW - 90, *refused, warnings=(left, denied)),
        OrganizationStatus(HOSTILE, 0, NOW, Reason.NO_ACCOUNTS, f"ListAccounts: 3 accounts, none matches {HOSTILE}"),
    ]
    detail = f"ReceiveMessage: QueueDoesNotExist {HOSTILE}"
    queue = EventQueueStatus("https://queue", last_receive=NOW - 3, last_event=NOW - 7, count=5, delay=1.4)
    queue = replace(queue, up=False, reason=Reason.ACCESS_DENIED, detail=detail)
    report = replace(report_of(statuses, organizations, WITH_SUBJECTS), events=queue)
    problems = [HOSTILE, *(f"config.yaml:{line}: odd" for line in range(1, 7))]
    return site(
        statuses,
        policy=WITH_SUBJECTS,
        report=lambda: report,
        problems=problems,
        notice=f"Demo {HOSTILE}",
        shard=lambda: "This is shard 1 of 3.",
    )


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
    app.add_routes([web.get(path, wait) for path in ("/metrics", "/api/v1/cases")])
    app.add_routes([web.post("/-/reload", wait), web.get("/-/healthy", healthy), web.get("/-/ready", healthy)])
    return app, begun, released.set
