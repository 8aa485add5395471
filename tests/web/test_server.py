import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from aiohttp import web

from exporter.errors import StartupError
from exporter.web.server import Address, listen, run, url_of
from tests.support.fetch import Response, fetch
from tests.support.log import Log


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        (":10047", "", 10047),
        ("127.0.0.1:0", "127.0.0.1", 0),
        ("localhost:9100", "localhost", 9100),
        ("[::1]:10047", "::1", 10047),
    ],
)
def test_an_address_is_read_as_prometheus_writes_it(text: str, host: str, port: int) -> None:
    address = Address.parse(text)
    assert (address.host, address.port) == (host, port)
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10047",
        "host",
        "host:",
        "host:http",
        "host:70000",
        "::1:80",
        "host:-1",
        "[]:0",
        "[host]:1",
        "a b:1",
        "h\x00st:1",
        "h\udcffst:1",
        f"{'x' * 64}:1",
        "host:\u0661",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an address to listen on"):
        Address.parse(text)


def test_a_port_in_use_is_told_plainly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            StartupError,
            match=f"^cannot listen on 127.0.0.1:{port}: Address already in use; choose another --web.listen-address$",
        ):
            listen(Address("127.0.0.1", port))


def test_a_host_that_nobody_knows_is_told_plainly() -> None:
    with pytest.raises(StartupError, match=r"^cannot listen on nobody\.invalid:0: .*(not known|in name resolution|No address)"):
        listen(Address("nobody.invalid", 0))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_it_serves_and_answers_what_is_in_flight_when_it_is_told_to_stop(host: str) -> None:
    async def serve() -> Response:
        stop, asked = asyncio.Event(), asyncio.Event()

        async def slow(_: web.Request) -> web.Response:
            asked.set()
            await stop.wait()
            await asyncio.sleep(0.2)
            return web.Response(text="finished")

        app = web.Application()
        app.router.add_get("/", slow)

        sock = listen(Address(host, 0))
        url = url_of(sock)
        server = asyncio.create_task(run(app, [sock], stop, Log().logger))
        with ThreadPoolExecutor(1) as pool:
            request = asyncio.get_running_loop().run_in_executor(pool, fetch, f"{url}/")
            await asked.wait()
            stop.set()
            response = await request
            await asyncio.wait_for(server, 5)
        return response

    response = asyncio.run(serve())
    assert (response.status, response.text) == (200, "finished")
    assert "server" not in response.headers
