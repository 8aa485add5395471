"""The two languages that AWS's services speak on the wire: JSON 1.1 and the query protocol with XML."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from exporter.simulator.errors import ApiError
from exporter.simulator.messages import JSON, XML, Request, Response
from exporter.simulator.parameters import Parameters

_SERVICE_BY_TARGET: Final = {"AWSSupport_20130415": "support", "AWSOrganizationsV20161128": "organizations"}
_TOKEN_NAMES: Final = ("nextToken", "NextToken")
_QUERY_CODES: Final = {
    "AccessDeniedException": "AccessDenied",
    "ExpiredTokenException": "ExpiredToken",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "MissingAuthenticationTokenException": "MissingAuthenticationToken",
    "ThrottlingException": "Throttling",
    "UnrecognizedClientException": "InvalidClientTokenId",
}
"""What the query protocol calls the errors that JSON services share."""


@dataclass(frozen=True, slots=True)
class Call:
    """Which operation of which service a request asks for."""

    service: str
    operation: str
    parameters: Parameters

    @property
    def is_first_page(self) -> bool:
        """Whether the request carries no paging token."""
        return not any(self.parameters.values.get(name) for name in _TOKEN_NAMES)

    def without_token(self) -> "Call":
        """Return the same call for the first page."""
        values = {name: value for name, value in self.parameters.values.items() if name not in _TOKEN_NAMES}
        return Call(self.service, self.operation, Parameters(values))


class Dialect(Protocol):
    """How a protocol reads calls and writes results and errors."""

    unauthenticated_status: int

    def read(self, request: Request) -> Call:
        """Return the call that a request makes.

        Raises:
            ApiError: The request cannot be read.
        """

    def result(self, call: Call, body: bytes, request_id: str) -> Response:
        """Return the response that carries a result."""

    def refusal(self, error: ApiError, request_id: str) -> Response:
        """Return the response that carries an error."""


class JsonDialect:
    """AWS JSON 1.1, as Support and Organizations speak it."""

    unauthenticated_status: int = HTTPStatus.BAD_REQUEST

    def read(self, request: Request) -> Call:
        """Return the call named by the X-Amz-Target header."""
        prefix, _, operation = request.headers.get("x-amz-target", "").partition(".")
        service = _SERVICE_BY_TARGET.get(prefix)
        if service is None:
            raise ApiError("UnknownOperationException", "")
        try:
            values = json.loads(request.body or b"{}")
        except (ValueError, RecursionError):
            raise ApiError("SerializationException", "The body is not JSON") from None
        if not isinstance(values, dict):
            raise ApiError("SerializationException", "The body is not an object")
        return Call(service, operation, Parameters(values))

    def result(self, call: Call, body: bytes, request_id: str) -> Response:  # noqa: ARG002 - the query protocol names it
        """Return the body as it is."""
        return Response(HTTPStatus.OK, body, JSON, request_id)

    def refusal(self, error: ApiError, request_id: str) -> Response:
        """Return the error as `__type` and `message`, with its type in a header too."""
        body = json.dumps({"__type": error.code, "message": error.message}).encode()
        return Response(error.status, body, JSON, request_id, error_type=error.code)


class QueryDialect:
    """The query protocol, as STS speaks it."""

    unauthenticated_status: int = HTTPStatus.FORBIDDEN
    _NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"

    def read(self, request: Request) -> Call:
        """Return the call named by the form's Action."""
        values: Mapping[str, object] = dict(parse_qsl(request.body.decode("latin-1"), keep_blank_values=True))
        return Call("sts", str(values.get("Action", "")), Parameters(values))

    def result(self, call: Call, body: bytes, request_id: str) -> Response:
        """Return the result in its two envelopes."""
        name = call.operation.encode()
        document = (
            b'<%sResponse xmlns="%s"><%sResult>%s</%sResult>'
            b"<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>"
        ) % (name, self._NAMESPACE.encode(), name, body, name, request_id.encode(), name)
        return Response(HTTPStatus.OK, document, XML, request_id)

    def refusal(self, error: ApiError, request_id: str) -> Response:
        """Return the error as XML, under the query protocol's name for it."""
        code = _QUERY_CODES.get(error.code, error.code)
        fault = "Receiver" if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "Sender"
        body = (
            f'<ErrorResponse xmlns="{self._NAMESPACE}"><Error><Type>{fault}</Type><Code>{escape(code)}</Code>'
            f"<Message>{escape(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        ).encode()
        return Response(error.status, body, XML, request_id)


def dialect_of(request: Request) -> Dialect:
    """Return the dialect that a request is written in."""
    return JsonDialect() if "x-amz-target" in request.headers else QueryDialect()
