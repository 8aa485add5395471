"""What the fuzzer calls a failure is one."""

import logging

import pytest
from aiohttp import web

from tests.fuzz.server import Target


async def fail(_: web.Request) -> web.Response:
    raise RuntimeError("a failure")


async def complain(_: web.Request) -> web.Response:
    logging.getLogger("library").warning("a complaint")
    return web.Response(text="fine")


async def refuse(_: web.Request) -> web.Response:
    return web.Response(text="no", status=503)


async def answer(_: web.Request) -> web.Response:
    return web.Response(text="fine")


@pytest.mark.parametrize(("handler", "problem"), [(fail, "500"), (complain, "a complaint")])
def test_a_server_that_fails_is_found_out(handler: object, problem: str) -> None:
    app = web.Application()
    app.router.add_get("/metrics", answer)
    app.router.add_get("/odd", handler)  # type: ignore[arg-type]  # either is a handler
    with Target(app) as failing, pytest.raises(AssertionError, match=problem):
        failing.give(b"GET /odd HTTP/1.1\r\nHost: a\r\n\r\n")


def test_a_server_that_serves_nobody_any_more_is_found_out() -> None:
    app = web.Application()
    app.router.add_get("/metrics", refuse)
    with Target(app) as failing, pytest.raises(AssertionError, match="503"):
        failing.give(b"")
