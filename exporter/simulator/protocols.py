"""AWS's two protocols on the wire: JSON 1.1, and the query protocol with XML."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from aiohttp import web

from exporter.simulator.errors import ApiError
from exporter.simulator.parameters import Parameters

JSON: Final = "application/x-amz-json-1.1"
_XML: Final = "text/xml"
_STS_NAMESPACE: Final = "https://sts.amazonaws.com/doc/2011-06-15/"
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
        """Whether the request carries no page token."""
        return not any(self.parameters.values.get(name) for name in _TOKEN_NAMES)

    def without_token(self) -> "Call":
        """Return the same call for the first page."""
        values = {name: value for name, value in self.parameters.values.items() if name not in _TOKEN_NAMES}
        return Call(self.service, self.operation, Parameters(values))


@dataclass(frozen=True, slots=True)
class Answer:
    """What AWS answers, before a fault changes it."""

    status: int
    body: bytes = field(repr=False)
    content_type: str
    headers: Mapping[str, str]

    def response(self) -> web.Response:
        """Return the answer for the web server to send."""
        return web.Response(status=self.status, body=self.body, headers={"Content-Type": self.content_type, **self.headers})


class WireProtocol(Protocol):
    """How calls are read, and results and errors written."""

    def read(self, headers: Mapping[str, str], body: bytes) -> Call:
        """Return the call that a request makes, or raise ApiError."""

    def result(self, call: Call, body: bytes, request_id: str) -> Answer:
        """Return the answer that carries a result."""

    def refusal(self, error: ApiError, request_id: str) -> Answer:
        """Return the answer that carries an error."""


class JsonProtocol:
    """AWS JSON 1.1, as Support and Organizations speak it."""

    def read(self, headers: Mapping[str, str], body: bytes) -> Call:
        """Return the call named by the X-Amz-Target header."""
        prefix, _, operation = headers["X-Amz-Target"].partition(".")
        service = _SERVICE_BY_TARGET.get(prefix)
        if service is None:
            raise ApiError("UnknownOperationException", "")
        try:
            values = json.loads(body or b"{}")
        except (ValueError, RecursionError):
            raise ApiError("SerializationException", "The body is not JSON") from None
        if not isinstance(values, dict):
            raise ApiError("SerializationException", "The body is not an object")
        return Call(service, operation, Parameters(values))

    def result(self, call: Call, body: bytes, request_id: str) -> Answer:  # noqa: ARG002 - the query protocol names it
        """Return the body as it is."""
        return Answer(HTTPStatus.OK, body, JSON, {"x-amzn-RequestId": request_id})

    def refusal(self, error: ApiError, request_id: str) -> Answer:
        """Return the error as `__type` and `message`, with its type in a header too."""
        body = json.dumps({"__type": error.code, "message": error.message}).encode()
        return Answer(error.status, body, JSON, {"x-amzn-RequestId": request_id, "x-amzn-ErrorType": error.code})


class QueryProtocol:
    """The query protocol, as STS speaks it."""

    def read(self, headers: Mapping[str, str], body: bytes) -> Call:  # noqa: ARG002 - the other protocol needs it
        """Return the call named by the form's Action."""
        values: Mapping[str, object] = dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True))
        return Call("sts", str(values.get("Action", "")), Parameters(values))

    def result(self, call: Call, body: bytes, request_id: str) -> Answer:
        """Return the result in its two envelopes."""
        name = call.operation
        document = (
            f'<{name}Response xmlns="{_STS_NAMESPACE}"><{name}Result>{body.decode()}</{name}Result>'
            f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>"
        ).encode()
        return Answer(HTTPStatus.OK, document, _XML, {"x-amzn-RequestId": request_id})

    def refusal(self, error: ApiError, request_id: str) -> Answer:
        """Return the error as XML, under the query protocol's name for it."""
        code = _QUERY_CODES.get(error.code, error.code)
        fault = "Receiver" if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "Sender"
        body = (
            f'<ErrorResponse xmlns="{_STS_NAMESPACE}"><Error><Type>{fault}</Type><Code>{escape(code)}</Code>'
            f"<Message>{escape(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        ).encode()
        return Answer(error.status, body, _XML, {"x-amzn-RequestId": request_id})


def protocol_of(headers: Mapping[str, str]) -> WireProtocol:
    """Return the protocol that a request is written in."""
    return JsonProtocol() if "X-Amz-Target" in headers else QueryProtocol()
