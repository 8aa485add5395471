"""What is served where."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from exporter.cases.status import AccountStatus
from exporter.collector.store import PageStore
from exporter.metrics.encode import TextFormat
from exporter.metrics.negotiate import negotiate
from exporter.web import status_page

_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Site:
    """What the routes show.

    Attributes:
        version: The exporter's version.
        telemetry_path: Where the metrics are, such as `/metrics`.
        store: Holds the page.
        live: Encodes the live part of a page.
        statuses: Returns what is known of every account.
        healthy: Whether accounts are being read and pages made.
        ready: Whether every account has been tried once.
        now: Unix seconds.
        max_staleness: For how many seconds the cases of a failing account are shown.
        share: Which share of the accounts this is, in words; empty when it is all of them.
    """

    version: str
    telemetry_path: str
    store: PageStore
    live: Callable[[TextFormat], bytes]
    statuses: Callable[[], Sequence[AccountStatus]]
    healthy: Callable[[], bool]
    ready: Callable[[], bool]
    now: Callable[[], float]
    max_staleness: float
    share: str = ""


_SLICE_BYTES = 32 * 1024


class _TwoPartResponse(Response):
    """A response that is sent in slices: the large stored part is never copied as a whole, nor buffered whole."""

    def __init__(self, stored: bytes, rest: bytes, headers: Mapping[str, str]) -> None:
        super().__init__(headers={**headers, "Content-Length": str(len(stored) + len(rest))})
        self._parts = (stored, rest)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response, or only its head when that is what was asked for."""
        del receive
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        stored, rest = (b"", b"") if scope["method"] == "HEAD" else self._parts
        for start in range(0, len(stored), _SLICE_BYTES):
            piece = memoryview(stored)[start : start + _SLICE_BYTES]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": rest})


def application(site: Site) -> Starlette:
    """Return the ASGI application that serves a site."""

    async def metrics(request: Request) -> Response:
        accept = ",".join(request.headers.getlist("accept"))
        encoding = negotiate(accept, ",".join(request.headers.getlist("accept-encoding")))
        body = site.store.prepared(encoding) or await asyncio.to_thread(site.store.prepare, encoding)
        if body is None:
            return PlainTextResponse("There is no page yet; try again in a second.\n", status_code=503)
        headers = {"Content-Type": encoding.text_format.value, "Vary": "Accept, Accept-Encoding"}
        if encoding.gzip:
            headers["Content-Encoding"] = "gzip"
        return _TwoPartResponse(body.stored, body.complete(site.live(encoding.text_format)), headers)

    async def index(_: Request) -> Response:
        html = status_page.render(
            site.statuses(),
            site.version,
            site.telemetry_path,
            share=site.share,
            now=site.now(),
            max_staleness=site.max_staleness,
        )
        return Response(html, media_type="text/html", headers=_PAGE_HEADERS)

    async def healthy(_: Request) -> Response:
        if site.healthy():
            return PlainTextResponse("Healthy.\n")
        return PlainTextResponse("Not healthy: a thread that reads accounts or makes pages has ended.\n", status_code=503)

    async def ready(_: Request) -> Response:
        if site.ready():
            return PlainTextResponse("Ready.\n")
        return PlainTextResponse("Not ready: the first round over all accounts is under way.\n", status_code=503)

    site_app = Starlette(
        routes=[
            Route(site.telemetry_path, metrics, methods=["GET"]),
            Route("/", index, methods=["GET"]),
            Route("/-/healthy", healthy, methods=["GET"]),
            Route("/-/ready", ready, methods=["GET"]),
        ]
    )
    # A redirect would be to what the Host header says.
    site_app.router.redirect_slashes = False
    return site_app
