"""Requests to AWS: one client per endpoint, each request signed with the credentials it is made for.

A session and client per account would cost some 85 ms of CPU and 0.2 MB each. The clients here hold no usable credentials of
their own: a request made outside of `Api.request` fails before it is sent.
"""

import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from boto3.session import Session
from botocore import xform_name
from botocore.awsrequest import AWSRequest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from exporter.aws.endpoints import Endpoint
from exporter.aws.failures import as_failure
from exporter.aws.gate import ComputeGate
from exporter.aws.health import ENDPOINT_FAULTS, EndpointDown, EndpointHealth
from exporter.aws.timing import Timing
from exporter.aws.transport import BoundedSession
from exporter.cases.model import Reason
from exporter.errors import ReadFailure

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 20.0
_SHORTEST_TIMEOUT = 0.05

Body = bytes
Parser = Callable[[Body], object]
_PARSED = "Parsed"


class RequestObserver(Protocol):
    """Is told of every request to AWS once it has ended."""

    def request_ended(self, operation: str, duration: float, reason: Reason | None) -> None:
        """Take note of one request: its duration in seconds, and why it failed or None."""


@dataclass(slots=True)
class _Request:
    """What the event handlers need to know of the request that this thread is making, and whether it was answered."""

    operation: str
    credentials: Credentials
    read_timeout: float
    deadline: float
    parser: Parser | None
    is_answered: bool = False


_request: ContextVar[_Request] = ContextVar("request")


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
            # Retries are the caller's: botocore's draw on one quota per client, which one bad account would use up for all.
            retries={"mode": "standard", "total_max_attempts": 1},
            tcp_keepalive=True,
        )
        self._gate = ComputeGate()
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
            subject: On whose behalf: an account's id, a role's ARN, an organization's name.
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
        request = _Request(operation, credentials, timeout, deadline, parser)
        token = _request.set(request)
        reason: Reason | None = Reason.INTERNAL
        try:
            with self._gate:
                answer = getattr(client, xform_name(operation))(**parameters)
            reason = None
        except (ClientError, BotoCoreError, ResponseParserError) as error:
            failure = as_failure(error, operation)
            reason = failure.reason
            raise failure from error
        except ReadFailure as failure:
            reason = failure.reason
            raise
        except Exception as error:
            # botocore's parsers raise whatever a field of another type leads them to.
            if not request.is_answered:
                raise
            reason = Reason.MALFORMED
            raise ReadFailure(reason, f"{operation}: the answer cannot be read: {type(error).__name__}") from None
        finally:
            _request.reset(token)
            if reason in ENDPOINT_FAULTS:
                health.failed(subject)
            else:
                health.answered(subject)
            self._observer.request_ended(operation, self._timing.monotonic() - started, reason)
        return answer[_PARSED] if parser else answer

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
        events = client.meta.events
        events.register(f"before-call.{service}", _limit_time)
        events.register(f"before-sign.{service}", _sign_for_account)
        events.register(f"before-send.{service}", self._wait)
        events.register(f"before-parse.{service}", self._parse)
        if service == "sts":
            events.register(f"before-parse.{service}", _refuse_document_types)
        endpoint = client._endpoint  # type: ignore[attr-defined]  # noqa: SLF001 - botocore lets no one pass a session to a client
        endpoint.http_session = BoundedSession(endpoint.http_session, self._timing.monotonic, _request.get)
        return client

    def _wait(self, **_: object) -> None:
        self._gate.waits()

    def _parse(self, response_dict: dict[str, Any], customized_response_dict: dict[str, object], **_: object) -> None:
        self._gate.computes()
        request = _request.get()
        request.is_answered = True
        parser = request.parser
        if parser is not None and response_dict["status_code"] == 200:  # noqa: PLR2004 - HTTP's OK
            customized_response_dict[_PARSED] = parser(response_dict["body"])
            response_dict["body"] = b"{}"


def _refuse_document_types(response_dict: dict[str, Any], **_: object) -> None:
    """Leave nothing of XML that declares entities: each that is expanded costs memory. AWS declares none."""
    body = response_dict["body"]
    if b"<!" in body or b"\0" in body:
        response_dict["body"] = b""


def _limit_time(context: dict[str, object], **_: object) -> None:
    context["read_timeout"] = _request.get().read_timeout


def _sign_for_account(request: AWSRequest, **_: object) -> None:
    # LookupError here is meant: a request that nobody gave credentials for must not go out.
    request.context.setdefault("signing", {})["request_credentials"] = _request.get().credentials
