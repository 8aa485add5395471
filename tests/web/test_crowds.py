"""Many peers at once, and few that matter."""

import asyncio
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from exporter.web.limits import Limits
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message

from tests.support.fetch import fetch
from tests.support.serving import Serving

HALF = b"GET /metrics HTTP/1.1\r\nHost:"
SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
HOSTILE = {"silent": b"", "half-sent": HALF, "never reading": SCRAPE, "pipelining": SCRAPE * 50}
GZIP = {"Accept-Encoding": "gzip"}


@pytest.fixture
def crowd() -> Iterator[Callable[[int, int, bytes], list[socket.socket]]]:
    """Connect many peers that read nothing."""
    with ExitStack() as stack:

        def connect(port: int, count: int, sent: bytes) -> list[socket.socket]:
            peers = []
            for _ in range(count):
                sock = stack.enter_context(socket.socket())
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                sock.connect(("127.0.0.1", port))
                sock.sendall(sent)
                peers.append(sock)
            return peers

        yield connect


Crowd = Callable[[int, int, bytes], list[socket.socket]]


def scrape_seconds(port: int, count: int = 15) -> list[float]:
    """Return how long scrapes take, one after the other, each over a connection of its own."""
    taken = []
    for _ in range(count):
        began = time.monotonic()
        assert fetch(f"http://127.0.0.1:{port}/metrics", GZIP).status == 200
        taken.append(time.monotonic() - began)
    return taken


@pytest.mark.parametrize("kind", HOSTILE)
def test_five_hundred_hostile_peers_leave_scrapes_quick(
    large_site: ASGIApp, crowd: Crowd, kind: str, record_property: Callable[[str, object], None]
) -> None:
    with Serving(large_site, Limits(drain=0.1)) as serving:
        scrape_seconds(serving.port, 1)
        crowd(serving.port, 500, HOSTILE[kind])
        taken = scrape_seconds(serving.port)
        record_property("scrape_ms", [round(1000 * seconds, 1) for seconds in sorted(taken)])
    assert statistics.median(taken) < 0.2


def test_who_asks_for_nothing_gives_way(large_site: ASGIApp, crowd: Crowd) -> None:
    with Serving(large_site, Limits(connections=10)) as serving:
        silent = crowd(serving.port, 10, b"")
        assert fetch(f"http://127.0.0.1:{serving.port}/-/healthy").status == 200
        silent[0].settimeout(5)
        assert silent[0].recv(1) == b""


def test_connections_that_are_answered_are_kept_and_others_turned_away(crowd: Crowd) -> None:
    with busy_site() as (app, begun, release), Serving(app, Limits(connections=3)) as serving:
        crowd(serving.port, 3, SCRAPE)
        assert all(begun.acquire(timeout=5) for _ in range(3))
        with pytest.raises(ConnectionError):
            fetch(f"http://127.0.0.1:{serving.port}/metrics")
        release()
        assert "all connections are taken" in serving.log.events


def test_more_requests_than_may_be_are_told_to_come_back(crowd: Crowd) -> None:
    with busy_site() as (app, begun, release), Serving(app, Limits(requests=2)) as serving:
        crowd(serving.port, 2, SCRAPE)
        assert all(begun.acquire(timeout=5) for _ in range(2))
        response = fetch(f"http://127.0.0.1:{serving.port}/metrics")
        assert (response.status, response.headers["retry-after"]) == (503, "1")
        assert fetch(f"http://127.0.0.1:{serving.port}/-/healthy").status == 200
        release()


def test_readers_that_do_not_read_keep_nobody_out(large_site: ASGIApp, crowd: Crowd) -> None:
    with Serving(large_site, Limits(requests=1, drain=0.1)) as serving:
        scrape_seconds(serving.port, 1)
        fetch(f"http://127.0.0.1:{serving.port}/metrics")  # either form of the page is made once
        crowd(serving.port, 20, SCRAPE)
        assert len(scrape_seconds(serving.port, 5)) == 5


@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/status"])
def test_many_readers_that_do_not_read_hold_little_of_an_answer_each(large_site: ASGIApp, path: str) -> None:
    held: asyncio.Queue[int] = asyncio.Queue()

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def never_read(message: Message) -> None:
        if message.get("body"):
            held.put_nowait(len(message["body"]))
            await asyncio.Event().wait()

    async def ask() -> list[int]:
        scope = {"type": "http", "method": "GET", "path": path, "headers": []}
        readers = [asyncio.ensure_future(large_site(scope, receive, never_read)) for _ in range(100)]
        sizes = [await held.get() for _ in readers]
        for reader in readers:
            reader.cancel()
        return sizes

    large = [size for size in asyncio.run(asyncio.wait_for(ask(), 10)) if size > 128 * 1024]
    assert (len(large), max(large) <= 1024 * 1024) == (8, True), "each would hold a copy of all of it"


class busy_site:  # noqa: N801 - used as a function
    """Yield an application that answers when it is told to, a semaphore that counts requests, and what tells it."""

    def __enter__(self) -> tuple[ASGIApp, threading.Semaphore, Callable[[], None]]:
        begun = threading.Semaphore(0)
        released = threading.Event()

        async def wait(_: Request) -> PlainTextResponse:
            begun.release()
            await asyncio.to_thread(released.wait, 10)
            return PlainTextResponse("done")

        async def healthy(_: Request) -> PlainTextResponse:
            return PlainTextResponse("Healthy.\n")

        self._released = released
        return Starlette(routes=[Route("/metrics", wait), Route("/-/healthy", healthy)]), begun, released.set

    def __exit__(self, *_: object) -> None:
        self._released.set()
