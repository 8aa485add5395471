"""Many peers at once, and few that matter."""

import resource
import socket
import ssl
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from exporter.web.guard import Limits
from tests.support.certificates import Authority
from tests.support.process import ExporterProcess
from tests.support.serving import Serving
from tests.support.site import site_of
from tests.support.waiting import wait_until
from tests.web.conftest import GOOD, LARGE, SCRAPE, TLS, Crowd, busy_site, until_end

LAST_SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
GZIP = {"Accept-Encoding": "gzip"}
FEW_FILES = ("/bin/sh", "-c", 'ulimit -n 64; exec "$@"', "sh")
ACCOUNTS = 500


def ended(peer: socket.socket) -> bool:
    """Return whether the server has closed the connection of a peer that was answered at most shortly."""
    peer.settimeout(0.2)
    try:
        return peer.recv(65536) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def scrape_seconds(server: Serving | ExporterProcess, tls: ssl.SSLContext | None = None) -> float:
    """Return how long a scrape takes, over a connection of its own."""
    began = time.monotonic()
    assert server.get("/metrics", GZIP, tls=tls).status == 200
    return time.monotonic() - began


@pytest.mark.parametrize("sent", [SCRAPE[:28], SCRAPE * 50], ids=["half-sent", "pipelining and never reading"])
def test_hundreds_of_hostile_peers_leave_scrapes_quick(crowd: Crowd, sent: bytes) -> None:
    with Serving(site_of(LARGE), Limits(drain=0.1)) as serving:
        scrape_seconds(serving)
        crowd(serving.port, 300, sent)
        assert statistics.median(scrape_seconds(serving) for _ in range(9)) < 0.2


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
        assert serving.get("/-/healthy").status == 200
        whole = len(serving.get("/metrics").body)
        assert len(until_end(first)) < whole <= len(until_end(third))


def test_connections_that_are_answered_are_kept_and_others_turned_away(crowd: Crowd) -> None:
    app, begun, release = busy_site()
    with Serving(app, Limits(connections=3)) as serving:
        crowd(serving.port, 3, SCRAPE)
        assert all(begun.acquire(timeout=5) for _ in range(3))
        for _ in range(3):
            with pytest.raises(ConnectionError):
                serving.get("/metrics")
        release()
        assert serving.log.events == ["connection limit reached"], "once a minute, however many are turned away"


@pytest.mark.parametrize(
    ("method", "path", "requests", "most"),
    [("GET", "/metrics", 2, 2), ("GET", "/metrics", 0, None), ("POST", "/-/reload", 1, 8), ("GET", "/api/v1/cases", 1, 8)],
)
def test_more_requests_than_may_be_are_told_to_come_back_and_those_of_other_kinds_need_not_wait(
    crowd: Crowd, method: str, path: str, requests: int, most: int | None
) -> None:
    app, begun, release = busy_site()
    with Serving(app, Limits(requests=requests)) as serving:
        crowd(serving.port, most or 60, f"{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert all(begun.acquire(timeout=5) for _ in range(most or 60))
        if most:
            response = serving.get(path, method=method)
            assert (response.status, response.headers["retry-after"]) == (503, "1")
            assert response.text == f"Limit of {most} concurrent requests reached; try again in a second.\n"
        assert [serving.get(f"/-/{name}").status for name in ("healthy", "ready")] == [200, 200]
        crowd(serving.port, 1, SCRAPE if path != "/metrics" else b"GET /api/v1/cases HTTP/1.1\r\nHost: a\r\n\r\n")
        assert begun.acquire(timeout=5)
        release()


def test_it_answers_what_is_in_flight_when_it_is_told_to_stop_and_ends_other_connections(crowd: Crowd) -> None:
    app, begun, release = busy_site()
    with Serving(app) as serving:
        (idle,), (asking,) = crowd(serving.port, 1, b""), crowd(serving.port, 1, SCRAPE)
        assert begun.acquire(timeout=5)
        serving.stop()
        assert idle.recv(1) == b""
        release()
        answer = until_end(asking)
    assert answer.endswith(b"\r\n\r\ndone")
    assert b"Connection: close" in answer


def test_readers_of_old_pages_give_way_once_the_pages_in_flight_need_much_memory(crowd: Crowd) -> None:
    size = 12 * 1024 * 1024

    async def another_page(_: web.Request) -> web.Response:
        return web.Response(body=bytes(size))

    app = web.Application()
    app.router.add_get("/metrics", another_page)
    with Serving(app, Limits(drain=0.1)) as serving:
        first, second, _ = (crowd(serving.port, 1, LAST_SCRAPE, reads=1)[0] for _ in range(3))
        assert len(until_end(first)) < size, "three pages are more than 32 MiB"
        second.settimeout(20)
        assert len(until_end(second)) > size


def test_with_few_descriptors_health_answers_beside_many_idle_peers(crowd: Crowd) -> None:
    fleet = Fleet.uniform(time.time, accounts=1, cases=1)
    with Simulator(fleet) as aws, ExporterProcess([], aws.environment(), wrapper=FEW_FILES) as exporter:
        crowd(int(exporter.url.rpartition(":")[2]), 100, b"")
        assert exporter.get("/-/healthy").status == 200
        exporter.wait_for(lambda text: 'aws_support_accounts{state="ok"} 1.0' in text)
        assert len(list(Path(f"/proc/{exporter.pid}/fd").iterdir())) < 40, "AWS needs some, too"


@pytest.fixture(scope="module")
def aws() -> Iterator[Simulator]:
    fleet = Fleet.uniform(time.time, accounts=ACCOUNTS, cases=20, communications=1, body_chars=10)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2000), hard))  # there are 500 peers to come
    with Simulator(fleet, throttle=False, verify_signatures=False) as simulator:
        yield simulator
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_five_hundred_readers_that_never_read_need_little_memory_and_give_it_back(
    crowd: Crowd, aws: Simulator, tmp_path: Path, authority: Authority, scheme: str
) -> None:
    tls = authority.client_context() if scheme == "https" else None
    authority.sign("127.0.0.1").write(tmp_path, "server")
    (tmp_path / "web.yml").write_text(TLS if tls else "{}")
    (tmp_path / "config.yaml").write_text("aws: {role_name: AwsSupportExporter}\norganizations: [{name: acme}]")
    flags = [f"--config.file={tmp_path}/config.yaml", f"--web.config.file={tmp_path}/web.yml"]
    with ExporterProcess(flags, aws.environment()) as exporter:

        def mib() -> int:
            status = Path(f"/proc/{exporter.pid}/status").read_text(encoding="ascii")
            return int(status.partition("VmRSS:")[2].split()[0]) // 1024

        def is_filled() -> bool | None:
            page = exporter.get("/metrics", GZIP, tls=tls).text
            return page.count("aws_support_account_up{") == ACCOUNTS or None

        wait_until(is_filled, 90, lambda: exporter.stderr, pause_seconds=0.5)
        exporter.get(tls=tls)  # as they ask for it: the page is there in this form from then on
        before, taken, most = mib(), [0.0], 0
        peers: list[socket.socket] = []
        for _ in range(10):
            peers += crowd(int(exporter.url.rpartition(":")[2]), 50, SCRAPE, tls)
            taken.append(scrape_seconds(exporter, tls))
            most = max(most, mib())
        for peer in peers:
            peer.close()
        wait_until(lambda: mib() < before + 30 or None, 20, lambda: f"{before} MiB before, {mib()} after")
    assert (max(taken) < 1, most < min(200, before + 80)) == (True, True), f"{max(taken):.2f} s, {before} MiB, then {most}"
