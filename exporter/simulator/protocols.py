"""AWS's two protocols on the wire: JSON for Support, Organizations and SQS, the query protocol with XML for STS."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from aiohttp import web

from exporter.simulator.errors import ApiError
from exporter.simulator.parameters import Parameters

JSON: Final = "application/x-amz-json-1.1"
_XML: Final = "text/xml"
_NAMESPACE: Final = "https://sts.amazonaws.com/doc/2011-06-15/"
_SERVICE_BY_TARGET: Final = {"AWSSupport_20130415": "support", "AWSOrganizationsV20161128": "organizations", "AmazonSQS": "sqs"}
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
    """Which operation of which service a request asks for; a problem instead if it cannot be read."""

    service: str
    operation: str = ""
    parameters: Parameters = field(default_factory=lambda: Parameters({}))
    problem: ApiError | None = None

    @property
    def is_first_page(self) -> bool:
        return not any(self.parameters.values.get(name) for name in _TOKEN_NAMES)

    def without_token(self) -> "Call":
        values = {name: value for name, value in self.parameters.values.items() if name not in _TOKEN_NAMES}
        return Call(self.service, self.operation, Parameters(values), self.problem)


@dataclass(frozen=True, slots=True)
class Answer:
    """What AWS answers, before a fault changes it."""

    status: int
    body: bytes = field(repr=False)
    content_type: str
    headers: Mapping[str, str]

    def response(self) -> web.Response:
        return web.Response(status=self.status, body=self.body, headers={"Content-Type": self.content_type, **self.headers})


def read_call(headers: Mapping[str, str], body: bytes) -> Call:
    """Return the call that a request makes: named by the X-Amz-Target header, or by the form's Action for STS."""
    if "X-Amz-Target" not in headers:
        form: Mapping[str, object] = dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True))
        return Call("sts", str(form.get("Action", "")), Parameters(form))
    prefix, _, operation = headers["X-Amz-Target"].partition(".")
    service = _SERVICE_BY_TARGET.get(prefix)
    if service is None:
        return Call("", problem=ApiError("UnknownOperationException", ""))
    try:
        values = json.loads(body.decode() or "{}")
    except (ValueError, RecursionError):
        return Call("", problem=ApiError("SerializationException", "The body is not JSON"))
    if not isinstance(values, dict):
        return Call("", problem=ApiError("SerializationException", "The body is not an object"))
    return Call(service, operation, Parameters(values))


def result(call: Call, body: bytes, request_id: str) -> Answer:
    """Return the answer that carries a result; XML gets its two envelopes."""
    if call.service != "sts":
        return Answer(HTTPStatus.OK, body, JSON, {"x-amzn-RequestId": request_id})
    document = (
        f'<{call.operation}Response xmlns="{_NAMESPACE}"><{call.operation}Result>{body.decode()}</{call.operation}Result>'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{call.operation}Response>"
    )
    return Answer(HTTPStatus.OK, document.encode(), _XML, {"x-amzn-RequestId": request_id})


def refusal(call: Call, error: ApiError, request_id: str) -> Answer:
    """Return the answer that carries an error, under the protocol's name for it."""
    if call.service != "sts":
        body = json.dumps({"__type": error.code, "message": error.message}).encode()
        return Answer(error.status, body, JSON, {"x-amzn-RequestId": request_id, "x-amzn-ErrorType": error.code})
    code = _QUERY_CODES.get(error.code, error.code)
    fault = "Receiver" if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "Sender"
    document = (
        f'<ErrorResponse xmlns="{_NAMESPACE}"><Error><Type>{fault}</Type><Code>{escape(code)}</Code>'
        f"<Message>{escape(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    return Answer(error.status, document.encode(), _XML, {"x-amzn-RequestId": request_id})
