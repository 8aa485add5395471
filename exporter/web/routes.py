"""What is served where."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from string import Template
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from exporter.cases.report import FleetReport
from exporter.collector.store import PageStore
from exporter.metrics.encode import TextFormat
from exporter.metrics.families import View
from exporter.metrics.negotiate import negotiate
from exporter.web import status_page
from exporter.web.assets import assets, text
from exporter.web.cached import CachedDocument
from exporter.web.sliced import Readers, SlicedResponse
from exporter.web.status_json import as_json
from exporter.web.status_page import Frame

_COMMON_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
_PAGE_HEADERS = {
    **_COMMON_HEADERS,
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
}
_FOR_A_YEAR = {"X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=31536000, immutable"}


OWN_PATHS = ("/config", "/-", "/api", "/assets")
"""Paths that are taken, with everything below them, and so is the root."""


def is_reserved(path: str) -> bool:
    """Return whether a path is taken."""
    return path == "/" or any(f"{path}/".startswith(f"{own}/") for own in OWN_PATHS)


class Paths(NamedTuple):
    """What is served where; none ends in a slash.

    Attributes:
        telemetry: Where the metrics are, below the prefix.
        prefix: Below which everything is served; empty for the root.
        links: What links on pages begin with, where a proxy adds to the prefix or takes from it.
    """

    telemetry: str = "/metrics"
    prefix: str = ""
    links: str = ""


class ReloadRefused(Exception):  # noqa: N818 - nothing is wrong with the exporter
    """There is no reload by a request; says why.

    Attributes:
        status: Of the response.
    """

    def __init__(self, why: str, status: int = 403) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class Site:
    """What the routes show.

    Attributes:
        version: The exporter's version.
        paths: What is served where.
        store: Holds the page.
        live: Encodes the live part of a page.
        report: Returns how the fleet is doing.
        about: Returns what is known of the exporter itself, for programs.
        config: Returns the configuration in force as YAML, without secrets.
        problems: Returns what is wrong with the configuration file that was last read.
        ailments: Returns what keeps accounts from being read and pages from being made, a line each.
        ready: Whether every account has been tried once.
        now: Unix seconds.
        view: Returns how cases are to be shown.
        reload: Puts the changed configuration file in force; returns what is wrong with it, or raises `ReloadRefused`.
        share: Which share of the accounts this is, in words; empty when it is all of them.
    """

    version: str
    paths: Paths
    store: PageStore
    live: Callable[[TextFormat], bytes]
    report: Callable[[], FleetReport]
    about: Callable[[], Mapping[str, object]]
    config: Callable[[], str]
    problems: Callable[[], Sequence[str]]
    ailments: Callable[[], Sequence[str]]
    ready: Callable[[], bool]
    now: Callable[[], float]
    view: Callable[[], View]
    reload: Callable[[], Awaitable[Sequence[str]]]
    share: str = ""


class _Answers:
    """Answers the requests for each route."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._assets = assets()
        self._template = Template(text("status.html"))
        keys = {asset.name: asset.key for asset in self._assets.values()}
        self._frame = Frame(site.version, site.paths.links, site.paths.telemetry, site.share, keys)
        generation = partial(getattr, site.store, "generation")
        self._readers = readers = Readers()
        self._page = CachedDocument(self._render, generation, "text/html", _PAGE_HEADERS, readers)
        self._status = CachedDocument(self._encode_status, generation, "application/json", _COMMON_HEADERS, readers)
        self._config = CachedDocument(lambda: site.config().encode(), generation, "text/plain", _COMMON_HEADERS, readers)

    async def metrics(self, request: Request) -> Response:
        site = self._site
        accept = ",".join(request.headers.getlist("accept"))
        encoding = negotiate(accept, ",".join(request.headers.getlist("accept-encoding")))
        body = site.store.prepared(encoding) or await asyncio.to_thread(site.store.prepare, encoding)
        if body is None:
            return _plain("There is no page yet; try again in a second.", 503)
        headers = {"Content-Type": encoding.text_format.value, "Vary": "Accept, Accept-Encoding"}
        if encoding.gzip:
            headers["Content-Encoding"] = "gzip"
        return SlicedResponse(body.stored, headers, self._readers, body.complete(site.live(encoding.text_format)))

    async def index(self, request: Request) -> Response:
        return await self._page.answer(request)

    async def status(self, request: Request) -> Response:
        return await self._status.answer(request)

    async def config(self, request: Request) -> Response:
        return await self._config.answer(request)

    async def asset(self, request: Request) -> Response:
        asset = self._assets.get(request.path_params["name"])
        if asset is None:
            return _plain("There is no such file.", 404)
        return Response(asset.content, media_type=asset.media_type, headers=_FOR_A_YEAR)

    async def redirect(self, _: Request) -> Response:
        return RedirectResponse(f"{self._site.paths.links}/", headers={"Cache-Control": "no-store"})

    async def healthy(self, _: Request) -> Response:
        ailments = self._site.ailments()
        if not ailments:
            return _plain("Healthy.")
        return _plain(f"Not healthy: {'; '.join(ailments)}.", 503)

    async def ready(self, _: Request) -> Response:
        if self._site.ready():
            return _plain("Ready.")
        return _plain("Not ready: the first round over all accounts is under way.", 503)

    async def reload(self, request: Request) -> Response:
        if _is_from_another_site(request.headers):
            return _plain("Not reloaded: the request comes from another site.", 403)
        try:
            problems = await self._site.reload()
        except ReloadRefused as refused:
            return _plain(f"Not reloaded: {refused}.", refused.status)
        if problems:
            return _plain("\n".join(("Not reloaded, all is as it was:", *problems)), 500)
        return _plain("Reloaded.")

    def _render(self) -> bytes:
        site, view = self._site, self._site.view()
        html = status_page.render(
            self._template,
            self._frame,
            site.report(),
            site.problems(),
            now=site.now(),
            case_limit=view.case_limit,
            subjects=view.subjects,
        )
        return html.encode(errors="replace")

    def _encode_status(self) -> bytes:
        view = self._site.view()
        report, about = self._site.report(), self._site.about()
        return as_json(report, about, case_limit=view.case_limit, subjects=view.subjects)


def application(site: Site) -> Starlette:
    """Return the ASGI application that serves a site."""
    answers = _Answers(site)
    prefix = site.paths.prefix
    read = {
        site.paths.telemetry: answers.metrics,
        "/": answers.index,
        "/config": answers.config,
        "/api/v1/status": answers.status,
        "/assets/{name}": answers.asset,
        "/-/healthy": answers.healthy,
        "/-/ready": answers.ready,
    }
    routes = [Route(f"{prefix}{path}", answer, methods=["GET"]) for path, answer in read.items()]
    routes.append(Route(f"{prefix}/-/reload", answers.reload, methods=["POST", "PUT"]))
    if prefix:
        routes += [Route(path, answers.redirect, methods=["GET"]) for path in ("/", prefix)]
    site_app = Starlette(routes=routes)
    # A redirect would be to what the Host header says.
    site_app.router.redirect_slashes = False
    return site_app


def _is_from_another_site(headers: Headers) -> bool:
    """Return whether a browser says that another site's page sends a request in its user's name.

    Over plain HTTP it does not say so in so many words, but by the Origin, which people's own tools do not send.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site not in {"none", "same-origin"}
    return origin is not None and origin.partition("://")[2] != headers.get("host")


def _plain(text: str, status: int = 200) -> Response:
    return PlainTextResponse(f"{text}\n", status_code=status)
