"""What the fuzzer calls a failure is one."""

import logging

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.fuzz.server import Target


def fail(_: Request) -> Response:
    raise RuntimeError("a failure")


def complain(_: Request) -> Response:
    logging.getLogger("library").warning("a complaint")
    return PlainTextResponse("fine")


def refuse(_: Request) -> Response:
    return PlainTextResponse("no", 503)


APP = Starlette(
    routes=[Route("/metrics", lambda _: PlainTextResponse("fine")), Route("/fail", fail), Route("/complain", complain)]
)


@pytest.mark.parametrize(("path", "problem"), [("fail", "500"), ("complain", "a complaint")])
def test_a_server_that_fails_is_found_out(path: str, problem: str) -> None:
    with Target(APP) as failing, pytest.raises(AssertionError, match=problem):
        failing.give(f"GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())


def test_a_server_that_serves_nobody_any_more_is_found_out() -> None:
    with Target(Starlette(routes=[Route("/metrics", refuse)])) as failing, pytest.raises(AssertionError, match="503"):
        failing.give(b"")
