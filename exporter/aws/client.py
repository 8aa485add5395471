"""Requests to AWS: each signed with the credentials it is made for, over connections that all accounts share."""

import asyncio
import os
import re
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlencode
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from botocore.credentials import Credentials
from botocore.model import ServiceModel
from botocore.parsers import ResponseParserFactory
from botocore.serialize import create_serializer
from yarl import URL

from exporter import __version__
from exporter.aws import errors
from exporter.aws.endpoints import Endpoint, Endpoints
from exporter.aws.retry import Caller, CircuitBreaker, CredentialSource, Retries
from exporter.aws.sigv4 import signed
from exporter.cases.model import Reason
from exporter.clock import Clock

T = TypeVar("T")

LARGEST_BODY_BYTES = 32 * 1024 * 1024
"""Some times the largest page of cases that AWS can send: 100 cases with five communications of 8,000 characters."""
_ENDPOINT_FAULTS = frozenset({Reason.UNREACHABLE, Reason.TIMEOUT, Reason.SERVER_ERROR})
_HOST_OF_PROXY = re.compile(r"(?:^|[@/])((?:\[[\da-f:]+\]|[\w.-]+)(?::\d+)?)/*$")
"""Without the user and password before it."""

Parser = Callable[[bytes], Any]

Observer = Callable[[str, float, Reason | None], None]
"""Called after every request to AWS with its operation, its duration in seconds, and why it failed or None."""


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    """An AWS service at one endpoint."""

    model: ServiceModel
    region: str  # that requests are signed for
    url: URL
    host: str  # with its port
    way: str  # the settings that lead there, if any
    proxy: str | None
    circuit: CircuitBreaker


@dataclass(eq=False)
class Client:
    """Makes requests on behalf of many accounts; belongs to one event loop from its first request on."""

    endpoints: Endpoints
    observer: Observer
    clock: Clock
    random: Callable[[], float]
    _services: dict[tuple[str, Endpoint], Service] = field(default_factory=dict)
    _http: aiohttp.ClientSession | None = None

    def services(self, name: str, regions: Sequence[str]) -> tuple[Service, ...]:
        """Return a service at the endpoints that regions lead to, in their order, each once."""
        return tuple(dict.fromkeys(self._service(name, self.endpoints.resolve(name, region)) for region in regions))

    def retries(
        self, services: Sequence[Service], source: CredentialSource, caller: Caller, *, attempts: int = 1, rounds: int = 1
    ) -> Retries[Service]:
        return Retries(services, source, caller, self.clock, self.random, attempts, rounds)

    async def request(
        self,
        service: Service,
        operation: str,
        parameters: Mapping[str, object],
        credentials: Credentials,
        caller: Caller,
        parse: Parser | None = None,
    ) -> Any:  # noqa: ANN401 - what the parser returns, or botocore's dictionary
        """Make one request, once, without parameters that are None; `parse` reads a successful answer in place of botocore."""
        if not service.circuit.admits():
            detail = f"{operation}: {service.host}: not responding: the circuit is open"
            raise errors.RequestFailure(Reason.UNREACHABLE, detail, errors.Remedy.OTHER_ENDPOINT)
        self._http = http = self._http or self._new_session()
        caller.waits_for(f"{operation}: {service.host}")
        ended = partial(self._ended, service, operation, caller, self.clock.monotonic())
        try:
            headers, content = _written(service, operation, parameters)
            path, name = service.url.raw_path, service.model.signing_name
            headers = signed(headers, content, path, name, service.region, credentials=credentials, now=self.clock.time())
            status, body = await _send(http, service, operation, headers, content)
            result = parse(body) if parse and status == HTTPStatus.OK else read_answer(service.model, operation, status, body)
        except errors.RequestFailure as failure:
            ended(failure.reason)
            if service.way and failure.reason in {Reason.UNREACHABLE, Reason.MALFORMED}:
                raise errors.RequestFailure(failure.reason, f"{failure.detail} ({service.way})", failure.remedy) from None
            raise
        except asyncio.CancelledError:
            if caller.timeout and caller.timeout.expired():
                ended(Reason.TIMEOUT)
            raise
        ended(None)
        return result

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    def _ended(self, service: Service, operation: str, caller: Caller, started: float, reason: Reason | None) -> None:
        if reason in _ENDPOINT_FAULTS:
            service.circuit.failed(caller.subject)
        else:
            service.circuit.answered(caller.subject)
        self.observer(operation, self.clock.monotonic() - started, reason)

    def _new_session(self) -> aiohttp.ClientSession:
        agent = f"aws-support-exporter/{__version__} {self.endpoints.core.user_agent()}"
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self.endpoints.tls, resolver=_Resolver()),
            timeout=aiohttp.ClientTimeout(
                total=errors.LONGEST_REQUEST, connect=errors.CONNECT_TIMEOUT, sock_read=errors.READ_TIMEOUT
            ),
            # CloudTrail shows the user agent.
            headers={"User-Agent": agent, "Accept-Encoding": "identity"},
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    def _service(self, name: str, endpoint: Endpoint) -> Service:
        key = (name, endpoint)
        if key not in self._services:
            url = URL(endpoint.url)
            url = url.with_path(url.raw_path, encoded=True)  # "/" where there is none
            model = self.endpoints.core.get_service_model(name)
            circuit = CircuitBreaker(self.clock.monotonic)
            proxy, host, variable = _proxy(url), f"{url.host_subcomponent}:{url.port}", f"{url.scheme}_proxy"
            ways = [f"{endpoint.setting} leads to {host}"] if endpoint.setting else []
            if proxy:
                through = _HOST_OF_PROXY.search(proxy)
                variable = variable if os.environ.get(variable) else variable.upper()
                ways.append(f"{variable} leads through {through[1] if through else 'what is no URL'}")
            self._services[key] = Service(model, endpoint.region, url, host, "; ".join(ways), proxy, circuit)
        return self._services[key]


async def _send(
    http: aiohttp.ClientSession, service: Service, operation: str, headers: Mapping[str, str], content: bytes
) -> tuple[int, bytes]:
    try:
        async with http.post(
            service.url, data=content, headers=headers, proxy=service.proxy, allow_redirects=False
        ) as response:
            chunks, size = list[bytes](), 0
            async for chunk in response.content.iter_any():
                chunks.append(chunk)
                size += len(chunk)
                if size > LARGEST_BODY_BYTES:
                    raise errors.malformed(f"{operation}: the answer is larger than {LARGEST_BODY_BYTES >> 20} MiB")
            return response.status, b"".join(chunks)
    except (aiohttp.ClientError, OSError) as error:
        raise errors.unanswered(operation, service.host, error) from None


def _written(service: Service, operation: str, parameters: Mapping[str, object]) -> tuple[dict[str, str], bytes]:
    given = {name: value for name, value in parameters.items() if value is not None}
    serializer = create_serializer(service.model.resolved_protocol, include_validation=False)
    written: Any = serializer.serialize_to_request(given, service.model.operation_model(operation))
    headers = {name.lower(): value for name, value in written["headers"].items()}
    body = written["body"] if isinstance(written["body"], bytes) else urlencode(written["body"]).encode()
    return {"host": str(service.url.host_port_subcomponent), **headers}, body


_PARSERS = ResponseParserFactory()
_PARSERS.set_parser_defaults(timestamp_parser=lambda value: value)  # dateutil takes longer than all the rest


def read_answer(model: ServiceModel, operation: str, status: int, body: bytes) -> dict[str, Any]:
    """Return what an answer says, as botocore reads it, times as they are written, or raise what AWS refused with."""
    if model.resolved_protocol == "query" and (b"<!" in body or b"\0" in body):
        body = b""  # It could declare entities: each that is expanded costs memory. AWS declares none.
    if model.resolved_protocol == "json" and (body.lstrip()[:1], body.rstrip()[-1:]) != (b"{", b"}"):
        raise errors.unreadable(operation, status, "it is not a JSON object")  # botocore makes an empty answer of it
    response = {"status_code": status, "headers": {}, "body": body, "context": {}}
    parsed: dict[str, Any]
    shape: Any = model.operation_model(operation).output_shape
    try:
        parsed = _PARSERS.create_parser(model.resolved_protocol).parse(response, shape)
    except Exception as error:  # noqa: BLE001 - botocore's parsers raise whatever a field of another type leads them to
        raise errors.unreadable(operation, status, type(error).__name__) from None
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        said = parsed.get("Error") or {}
        raise errors.refused(operation, status, said.get("Code", ""), said.get("Message", ""))
    return parsed


def _proxy(url: URL) -> str | None:
    """Return the proxy that the environment names for a URL.

    aiohttp's own `trust_env` asks the environment and ~/.netrc again for every request, in a thread.
    """
    proxy = None if proxy_bypass(url.host or "") else getproxies().get(url.scheme)
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


class _Resolver(AbstractResolver):
    """Resolves names in threads that nobody has to wait for when a name server hangs."""

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        found = await in_thread(lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG))
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(hostname=host, host=str(address[0]), port=port, family=kind, proto=protocol, flags=flags)
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        pass


async def in_thread(function: Callable[[], T]) -> T:
    """Run what may block for long in a daemon thread: an executor's threads would be waited for when the process ends."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            future.set_exception(error)

    threading.Thread(target=run, name="blocking", daemon=True).start()
    return await asyncio.wrap_future(future)
