"""Many peers at once, and few that matter."""

import asyncio
import resource
import socket
import ssl
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Self

import pytest
from aiohttp import web

from exporter.web.guard import Limits
from tests.support.certificates import Authority
from tests.support.fetch import fetch
from tests.support.serving import Serving
from tests.support.site import site_of
from tests.support.tools import ROOT
from tests.support.waiting import wait_until
from tests.web.conftest import LARGE

HALF = b"GET /metrics HTTP/1.1\r\nHost:"
SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
LAST_SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
GOOD = b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n"
HOSTILE = {"silent": b"", "half-sent": HALF, "never reading": SCRAPE, "pipelining": SCRAPE * 50}
GZIP = {"Accept-Encoding": "gzip"}
LIMIT_REACHED = "connection limit reached"

Crowd = Callable[..., list[socket.socket]]


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    """Connect many peers that read nothing, but as much as they are told to."""
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


def ended(peer: socket.socket) -> bool:
    """Return whether the server has closed the connection of a peer that was answered at most shortly."""
    peer.settimeout(0.2)
    try:
        return peer.recv(65536) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def length_of_rest(peer: socket.socket) -> int:
    """Return how much a peer gets until the server closes its connection."""
    received = 0
    try:
        while data := peer.recv(65536):
            received += len(data)
    except ConnectionError:
        pass
    return received


def scrape_seconds(port: int, count: int = 15, tls: ssl.SSLContext | None = None) -> list[float]:
    """Return how long scrapes take, one after the other, each over a connection of its own."""
    taken = []
    for _ in range(count):
        began = time.monotonic()
        assert fetch(f"http{'s' if tls else ''}://127.0.0.1:{port}/metrics", GZIP, tls=tls).status == 200
        taken.append(time.monotonic() - began)
    return taken


@pytest.mark.parametrize("kind", HOSTILE)
def test_five_hundred_hostile_peers_leave_scrapes_quick(
    crowd: Crowd, kind: str, record_property: Callable[[str, object], None]
) -> None:
    with Serving(site_of(LARGE), Limits(drain=0.1)) as serving:
        scrape_seconds(serving.port, 1)
        crowd(serving.port, 500, HOSTILE[kind])
        taken = scrape_seconds(serving.port)
        record_property("scrape_ms", [round(1000 * seconds, 1) for seconds in sorted(taken)])
    assert statistics.median(taken) < 0.2


def test_who_never_asked_gives_way_first_and_then_who_asked_nothing_for_longest(crowd: Crowd) -> None:
    with Serving(site_of(2), Limits(connections=3)) as serving:
        older, newer = crowd(serving.port, 2, GOOD, reads=4096)
        (silent,) = crowd(serving.port, 1, b"")
        time.sleep(1.1)  # as long as a new connection may take to ask
        crowd(serving.port, 1, GOOD, reads=4096)
        assert [ended(peer) for peer in (silent, older, newer)] == [True, False, False]
        crowd(serving.port, 1, GOOD, reads=4096)
        assert [ended(peer) for peer in (older, newer)] == [True, False]
        assert serving.log.events == []


def test_the_reader_that_has_not_read_for_longest_gives_way_last(crowd: Crowd) -> None:
    with Serving(site_of(100), Limits(connections=3, drain=0.1)) as serving:
        first, _, third = (crowd(serving.port, 1, LAST_SCRAPE, reads=1)[0] for _ in range(3))
        assert fetch(f"http://127.0.0.1:{serving.port}/-/healthy").status == 200
        whole = len(fetch(f"http://127.0.0.1:{serving.port}/metrics").body)
        assert length_of_rest(first) < whole <= length_of_rest(third)


def test_connections_that_are_answered_are_kept_and_others_turned_away(crowd: Crowd) -> None:
    with busy_site() as (app, begun, release), Serving(app, Limits(connections=3)) as serving:
        crowd(serving.port, 3, SCRAPE)
        assert all(begun.acquire(timeout=5) for _ in range(3))
        for _ in range(3):
            with pytest.raises(ConnectionError):
                fetch(f"http://127.0.0.1:{serving.port}/metrics")
        release()
        assert serving.log.events == [LIMIT_REACHED], "once a minute, however many are turned away"


def test_more_requests_than_may_be_are_told_to_come_back(crowd: Crowd) -> None:
    with busy_site() as (app, begun, release), Serving(app, Limits(requests=2)) as serving:
        crowd(serving.port, 2, SCRAPE)
        assert all(begun.acquire(timeout=5) for _ in range(2))
        response = fetch(f"http://127.0.0.1:{serving.port}/metrics")
        assert (response.status, response.headers["retry-after"]) == (503, "1")
        assert fetch(f"http://127.0.0.1:{serving.port}/-/healthy").status == 200
        release()


def test_without_a_limit_any_number_of_requests_is_worked_on(crowd: Crowd) -> None:
    with busy_site() as (app, begun, release), Serving(app, Limits(requests=0)) as serving:
        crowd(serving.port, 60, SCRAPE)
        assert all(begun.acquire(timeout=5) for _ in range(60))
        release()


def test_readers_that_do_not_read_keep_nobody_out(crowd: Crowd) -> None:
    with Serving(site_of(LARGE), Limits(requests=1, drain=0.1)) as serving:
        scrape_seconds(serving.port, 1)
        fetch(f"http://127.0.0.1:{serving.port}/metrics")  # either form of the page is made once
        crowd(serving.port, 20, SCRAPE)
        assert len(scrape_seconds(serving.port, 5)) == 5


def test_readers_of_old_pages_give_way_once_the_pages_in_flight_need_much_memory(crowd: Crowd) -> None:
    size = 12 * 1024 * 1024

    async def another_page(_: web.Request) -> web.Response:
        return web.Response(body=bytes(size))

    app = web.Application()
    app.router.add_get("/metrics", another_page)
    with Serving(app, Limits(drain=0.1)) as serving:
        first, second, _ = (crowd(serving.port, 1, LAST_SCRAPE, reads=1)[0] for _ in range(3))
        assert length_of_rest(first) < size, "three pages are more than 32 MiB"
        second.settimeout(20)
        assert length_of_rest(second) > size


@contextmanager
def busy_site() -> Iterator[tuple[web.Application, threading.Semaphore, Callable[[], None]]]:
    """Yield an application that answers when it is told to, a semaphore that counts requests, and what tells it."""
    begun = threading.Semaphore(0)
    waiting: list[Callable[[], object]] = []

    async def wait(_: web.Request) -> web.Response:
        released = asyncio.Event()
        waiting.append(partial(asyncio.get_running_loop().call_soon_threadsafe, released.set))
        begun.release()
        await released.wait()
        return web.Response(text="done")

    def release() -> None:
        while waiting:
            waiting.pop()()

    async def healthy(_: web.Request) -> web.Response:
        return web.Response(text="Healthy.\n")

    app = web.Application()
    app.router.add_get("/metrics", wait)
    app.router.add_get("/-/healthy", healthy)
    yield app, begun, release


class Crowded:
    """A server in a process of its own, with the page of a fleet."""

    def __init__(self, accounts: int, web_config: Path | None = None, descriptors: int | None = None) -> None:
        command = [sys.executable, "-m", "tests.support.crowded", str(accounts), *([str(web_config)] if web_config else [])]
        limit = None if descriptors is None else partial(resource.setrlimit, resource.RLIMIT_NOFILE, (descriptors, descriptors))
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, preexec_fn=limit)  # noqa: PLW1509
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=10)

    def descriptors(self) -> int:
        """Return how many files and sockets it has open."""
        return len(list(Path(f"/proc/{self._process.pid}/fd").iterdir()))

    def mib(self) -> int:
        """Return how much memory it has."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) // 1024


@pytest.mark.parametrize("text", ["plain", "tls"])
def test_five_hundred_readers_that_never_read_need_little_memory_and_give_it_back(
    crowd: Crowd, tmp_path: Path, authority: Authority, text: str, record_property: Callable[[str, object], None]
) -> None:
    tls = authority.client_context() if text == "tls" else None
    web_config = tmp_path / "web-config.yml"
    web_config.write_text("tls_server_config: {cert_file: server.crt, key_file: server.key}")
    authority.sign("127.0.0.1").write(tmp_path, "server")
    with Crowded(1000, web_config if tls else None) as serving:
        fetch(f"http{'s' if tls else ''}://127.0.0.1:{serving.port}/metrics", tls=tls)
        scrape_seconds(serving.port, 3, tls)
        before = serving.mib()
        peers, taken, during = [], [], 0
        for _ in range(10):
            peers += crowd(serving.port, 50, SCRAPE, tls)
            taken += scrape_seconds(serving.port, 1, tls)
            during = max(during, serving.mib())
        for peer in peers:
            peer.close()
        wait_until(lambda: serving.mib() < before + 20 or None, 20, lambda: f"{before} MiB before, {serving.mib()} after")
    record_property("mib", (before, during))
    assert max(taken) < 1
    assert during - before < 80


def test_with_few_descriptors_health_answers_beside_many_idle_peers(crowd: Crowd) -> None:
    with Crowded(2, descriptors=64) as serving:
        crowd(serving.port, 200, b"")
        assert fetch(f"http://127.0.0.1:{serving.port}/-/healthy").status == 200
        assert serving.descriptors() < 40, "AWS needs some, too"
