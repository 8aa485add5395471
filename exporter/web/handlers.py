"""What is served where."""

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from aiohttp import web

from exporter.cases.listing import Query, problem
from exporter.cases.policy import Policy
from exporter.cases.report import AccountReport, FleetReport
from exporter.metrics.exposition import PageStore
from exporter.metrics.negotiation import accepts_gzip, negotiate
from exporter.web.status.json import account_document, cases_document, fleet_document
from exporter.web.status.page import ASSETS, StatusPage

_DOCUMENT_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Vary": "Accept-Encoding",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
}
_ASSET_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=31536000, immutable"}


def is_reserved(path: str) -> bool:
    """Return whether a path is taken: the root is, and so is everything below the other paths of its own."""
    return path == "/" or f"{path}/".startswith(("/config/", "/-/", "/api/", "/assets/"))


class Paths(NamedTuple):
    """What is served where; none ends in a slash."""

    telemetry: str = "/metrics"  # below the prefix
    prefix: str = ""  # of everything
    links: str = ""  # what links on pages begin with, where a proxy adds to the prefix or takes from it


@dataclass(frozen=True, slots=True)
class Site:
    """What the handlers show; `report`, `about` and `config` are called in a thread."""

    version: str
    paths: Paths
    pages: PageStore
    report: Callable[[], FleetReport]
    about: Callable[[], Mapping[str, object]]  # what is known of the exporter itself, for the JSON
    config: Callable[[], str]  # in use, as YAML, without secrets
    problems: Callable[[], Sequence[str]]  # of the configuration file last read
    health_problems: Callable[[], Sequence[str]]  # what keeps accounts from being polled and pages from being made
    ready: Callable[[], bool]  # whether every account was tried once
    now: Callable[[], float]  # Unix seconds
    policy: Callable[[], Policy]
    reload: Callable[[], Awaitable[Sequence[str]]]  # returns the problems of the configuration
    refresh: Callable[[str], Awaitable[tuple[AccountReport, bool] | None]]  # polls an account that is here; was it in time?
    lifecycle: bool  # whether requests may have it reload or poll
    shard: Callable[[], str] = str  # which this is, as a sentence; empty when there is one
    notice: str = ""  # for the top of the page


def application(site: Site) -> web.Application:
    handlers = _Handlers(site)
    prefix = site.paths.prefix
    app = web.Application()
    for path, handler in {
        site.paths.telemetry: handlers.metrics,
        "/": _Document(handlers.render_page, site.pages, "text/html").handle,
        "/config": _Document(lambda _: site.config().encode(), site.pages, "text/plain").handle,
        "/api/v1/status": _Document(handlers.render_status, site.pages, "application/json", queried=True).handle,
        "/api/v1/cases": _Document(handlers.render_cases, site.pages, "application/json", queried=True).handle,
        "/assets/{name}": handlers.asset,
        "/-/healthy": handlers.healthy,
        "/-/ready": handlers.ready,
    }.items():
        app.router.add_get(f"{prefix}{path}", handler)
    for method in ("POST", "PUT"):
        app.router.add_route(method, f"{prefix}/-/reload", handlers.reload)
    app.router.add_post(f"{prefix}/api/v1/accounts/{{account_id}}/refresh", handlers.refresh)
    for path in ("/", prefix) if prefix else ():
        app.router.add_get(path, handlers.redirect)
    return app


class _Document:
    """A document that is made in a thread, once for each page of metrics and query, however many ask for it."""

    def __init__(self, make: Callable[[Query], bytes], pages: PageStore, media_type: str, *, queried: bool = False) -> None:
        self._make, self._pages, self._queried = make, pages, queried
        self._headers = {**_DOCUMENT_HEADERS, "Content-Type": f"{media_type}; charset=utf-8"}
        self._lock = asyncio.Lock()
        self._made_for: tuple[int, Query] = -1, ()
        self._bodies = b"", b""

    async def handle(self, request: web.Request) -> web.Response:
        async with self._lock:
            made_for = self._pages.generation, (*request.query.items(),) if self._queried else ()
            if made_for != self._made_for:
                document = await asyncio.to_thread(self._make, made_for[1])
                self._bodies = document, await asyncio.to_thread(gzip.compress, document, compresslevel=1)
                self._made_for = made_for
        is_gzip = accepts_gzip(_joined(request, "Accept-Encoding"))
        return _response(self._bodies[is_gzip], self._headers, is_gzip=is_gzip)


class _Handlers:
    def __init__(self, site: Site) -> None:
        self._site = site
        retry = f"SIGHUP or POST {site.paths.links}/-/reload retries now." if site.lifecycle else "SIGHUP retries now."
        self._page = StatusPage(site.version, site.paths.links, site.paths.telemetry, site.shard, site.notice, retry)
        self._encoding = asyncio.Lock()

    def render_page(self, _: Query) -> bytes:
        site = self._site
        return self._page.render(site.report(), site.problems(), site.policy(), site.now()).encode(errors="replace")

    def render_status(self, query: Query) -> bytes:
        site = self._site
        return _encoded(fleet_document(site.report(), site.about(), site.policy(), dict(query[::-1]).get("filter", "")))

    def render_cases(self, query: Query) -> bytes:
        site = self._site
        if site.policy().case_limit is None:
            raise web.HTTPForbidden(reason="Per-case data is disabled: set metrics.cases.enabled to true.")
        report = site.report()
        if wrong := problem(report, query):
            raise web.HTTPBadRequest(reason=" ".join(wrong.split()))  # AWS's words may have line breaks
        return _encoded({"time": site.now()} | cases_document(report, query, site.policy(), site.paths.links))

    async def metrics(self, request: web.Request) -> web.Response:
        pages = self._site.pages
        encoding = negotiate(_joined(request, "Accept"), _joined(request, "Accept-Encoding"))
        body = pages.get(encoding)
        if body is None:
            async with self._encoding:  # of many who ask at once, one has it made
                body = pages.get(encoding)
                if body is None:
                    body = await asyncio.to_thread(pages.uncompressed, encoding.text_format)
        headers = {"Content-Type": encoding.text_format.value, "Vary": "Accept, Accept-Encoding"}
        return _response(body, headers, is_gzip=encoding.gzip)

    async def asset(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if (content := self._page.assets.get(name)) is None:
            return _plain("Not found.", 404)
        return web.Response(body=content, headers={**_ASSET_HEADERS, "Content-Type": ASSETS[name]})

    async def redirect(self, _: web.Request) -> web.Response:
        # Not to what the Host header says.
        return web.Response(status=307, headers={"Location": f"{self._site.paths.links}/", "Cache-Control": "no-store"})

    async def healthy(self, _: web.Request) -> web.Response:
        problems = self._site.health_problems()
        return _plain(f"Not healthy: {'; '.join(problems)}.", 503) if problems else _plain("Healthy.")

    async def ready(self, _: web.Request) -> web.Response:
        not_ready = "Not ready: accounts are being polled for the first time."
        return _plain("Ready.") if self._site.ready() else _plain(not_ready, 503)

    async def reload(self, request: web.Request) -> web.Response:
        self._check(request, "reloaded")
        problems = await self._site.reload()
        if problems:
            return _plain("\n".join(("Not reloaded:", *problems)), 500)
        return _plain("Reloaded.")

    async def refresh(self, request: web.Request) -> web.Response:
        self._check(request, "refreshed")
        account, is_read = await self._site.refresh(request.match_info["account_id"]) or (None, False)
        if account is None:
            raise web.HTTPNotFound(reason=f"Not refreshed: the account is not polled here. {self._site.shard()}".strip())
        document = await asyncio.to_thread(account_document, account, self._site.policy())
        return web.json_response(document, status=200 if is_read else 202, headers=_DOCUMENT_HEADERS)

    def _check(self, request: web.Request, done: str) -> None:
        """Refuse a request that would change something, and may not."""
        foreign = "the request comes from another site" if _is_from_another_site(request) else ""
        if why := foreign or ("" if self._site.lifecycle else "the exporter was started without --web.enable-lifecycle"):
            raise web.HTTPForbidden(reason=f"Not {done}: {why}.")


def _is_from_another_site(request: web.Request) -> bool:
    """Return whether a browser says that another site's page sends a request in its user's name.

    Over plain HTTP it says so by the Origin only, which people's own tools do not send.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        return site not in {"none", "same-origin"}
    return origin is not None and origin.partition("://")[2] != request.headers.get("Host")


def _joined(request: web.Request, name: str) -> str:
    return ",".join(request.headers.getall(name, []))


def _encoded(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode(errors="replace") + b"\n"


def _plain(text: str, status: int = 200) -> web.Response:
    return web.Response(text=f"{text}\n", status=status)


def _response(body: bytes, headers: Mapping[str, str], *, is_gzip: bool) -> web.Response:
    return web.Response(body=body, headers={**headers, "Content-Encoding": "gzip"} if is_gzip else headers)
