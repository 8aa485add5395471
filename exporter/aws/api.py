"""Requests to AWS: one client per endpoint, each request signed with the credentials it is made for.

A session and client per account would cost some 85 ms of CPU and 0.2 MB each. The clients here hold no credentials and send
nothing: they write requests, which are signed and sent by `Api.request`.
"""

import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Protocol

from boto3.session import Session
from botocore.client import BaseClient
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import OperationModel
from botocore.parsers import create_parser

from exporter.aws.endpoints import Endpoint
from exporter.aws.failures import as_failure, unreadable
from exporter.aws.health import ENDPOINT_FAULTS, EndpointDown, EndpointHealth
from exporter.aws.signing import UnsignedRequest, never_send, unsigned_request
from exporter.aws.timing import Timing
from exporter.aws.transport import Answer, HttpSession, send
from exporter.aws.turns import Turns, take_turns
from exporter.cases.model import Reason
from exporter.errors import ReadFailure

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 20.0
_SHORTEST_TIMEOUT = 0.05

_KEPT_REQUESTS = 64
_OK = 200
_REDIRECTED = 300

Body = bytes
Parser = Callable[[Body], object]


class RequestObserver(Protocol):
    """Is told of every request to AWS once it has ended."""

    def request_ended(self, operation: str, duration: float, reason: Reason | None) -> None:
        """Take note of one request: its duration in seconds, and why it failed or None."""


class Api:
    """Makes requests to AWS on behalf of many accounts over shared connections; safe to use from many threads.

    Args:
        session: Gives clients their configuration, never their credentials.
        observer: Is told of every request.
        timing: The clock that deadlines are on.
        connections: How many connections to one endpoint are kept.
    """

    def __init__(self, session: Session, observer: RequestObserver, timing: Timing, connections: int) -> None:
        self._session = session
        self._observer = observer
        self._timing = timing
        self._config = Config(
            # CloudTrail shows it. botocore would put its own together anew for every request, twice.
            user_agent=f"aws-support-exporter {session._session.user_agent()}",  # noqa: SLF001 - boto3 has no public way
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            max_pool_connections=connections,
            tcp_keepalive=True,
        )
        self._turns = Turns()
        self._unsigned = lru_cache(_KEPT_REQUESTS)(_unsigned_request)
        self._clients: dict[tuple[str, str, str | None], BaseClient] = {}
        self._health: dict[BaseClient, EndpointHealth] = {}
        self._lock = threading.Lock()

    def support(self, endpoint: Endpoint) -> Any:  # noqa: ANN401 - boto3 makes client classes at run time
        """Return the client of a Support endpoint."""
        return self._client("support", endpoint.region, endpoint.url)

    def client(self, service: str, region: str) -> Any:  # noqa: ANN401 - as above
        """Return the client of another service in a region."""
        return self._client(service, region, None)

    def request(
        self,
        client: BaseClient,
        operation: str,
        parameters: Mapping[str, object],
        *,
        credentials: Credentials,
        subject: str,
        deadline: float,
        parser: Parser | None = None,
    ) -> Any:  # noqa: ANN401 - the shape is the operation's
        """Make one request, once.

        Args:
            client: A client of this object.
            operation: AWS's name of the operation, such as `DescribeCases`.
            parameters: Its parameters.
            credentials: What it is signed with.
            subject: On whose behalf: an account's id or an organization's name.
            deadline: When an answer is of no more use, on the monotonic clock.
            parser: Reads the body of a successful answer in place of botocore.

        Returns:
            What the parser made of the body, or botocore's dictionary where there is no parser.

        Raises:
            ReadFailure: For every way in which it can fail.
        """
        started = self._timing.monotonic()
        health = self._health[client]
        if not health.admits():
            raise EndpointDown(Reason.UNREACHABLE, f"{operation}: {client.meta.endpoint_url} is not answering")
        if deadline <= started:
            raise ReadFailure(Reason.TIMEOUT, f"{operation}: no time was left for it")
        timeout = max(_SHORTEST_TIMEOUT, min(READ_TIMEOUT, deadline - started))
        reason: Reason | None = Reason.INTERNAL
        try:
            with self._turns:
                unsigned = self._unsigned(client, operation, tuple(parameters.items()), temporary=bool(credentials.token))
                request = unsigned.signed(credentials, self._timing.time(), timeout)
                answer = send(_session(client), request, operation, deadline, self._timing.monotonic)
                result = _read(answer, unsigned.operation, parser)
            reason = None
        except (ClientError, BotoCoreError) as error:
            failure = as_failure(error, operation)
            reason = failure.reason
            raise failure from error
        except ReadFailure as failure:
            reason = failure.reason
            raise
        finally:
            if reason in ENDPOINT_FAULTS:
                health.failed(subject)
            else:
                health.answered(subject)
            self._observer.request_ended(operation, self._timing.monotonic() - started, reason)
        return result

    def _client(self, service: str, region: str, url: str | None) -> BaseClient:
        key = (service, region, url)
        with self._lock:
            client = self._clients.get(key)
            if client is None:
                client = self._clients[key] = self._new_client(service, region, url)
                self._health[client] = EndpointHealth(self._timing.monotonic)
            return client

    def _new_client(self, service: str, region: str, url: str | None) -> BaseClient:
        client: BaseClient = self._session.client(  # type: ignore[call-overload]  # the overloads want literal names
            service,
            region_name=region,
            endpoint_url=url,
            aws_access_key_id="none",
            aws_secret_access_key="none",  # noqa: S106 - it can sign nothing that AWS accepts
            config=self._config,
        )
        never_send(client, service)
        take_turns(_session(client), self._turns)
        return client


def _unsigned_request(
    client: BaseClient, operation: str, parameters: tuple[tuple[str, object], ...], *, temporary: bool
) -> UnsignedRequest:
    return unsigned_request(client, operation, dict(parameters), temporary=temporary)


def _session(client: BaseClient) -> HttpSession:
    """Return what sends requests for a client: it has the proxies and certificates that the user configured."""
    session: HttpSession = client._endpoint.http_session  # type: ignore[attr-defined]  # noqa: SLF001 - botocore has no public way
    return session


def _read(answer: Answer, operation: OperationModel, parser: Parser | None) -> object:
    """Return what an answer says.

    Raises:
        ClientError: AWS refused.
        ReadFailure: It says nothing that can be read: `malformed`, unless its status says more.
    """
    service = operation.service_model
    body = b"" if service.service_name == "sts" and _declares_entities(answer.body) else answer.body
    response = {"status_code": answer.status, "headers": answer.headers, "body": body, "context": {}}
    parsed: Any
    try:
        if parser is not None and answer.status == _OK:
            return parser(body)
        parsed = create_parser(service.resolved_protocol).parse(response, operation.output_shape)  # type: ignore[arg-type]  # None is fine
    except ReadFailure:
        raise
    except Exception as error:  # noqa: BLE001 - botocore's parsers raise whatever a field of another type leads them to
        raise unreadable(operation.name, answer.status, type(error).__name__) from None
    if not isinstance(parsed, dict):
        raise unreadable(operation.name, answer.status, "it is no object")
    if answer.status >= _REDIRECTED:
        raise ClientError(parsed, operation.name)  # type: ignore[arg-type]  # botocore made it
    return parsed


def _declares_entities(xml: bytes) -> bool:
    """Return whether XML could declare entities: each that is expanded costs memory. AWS declares none."""
    return b"<!" in xml or b"\0" in xml
