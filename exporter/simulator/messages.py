"""HTTP/1.1 messages, as little of them as AWS's clients use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

JSON = "application/x-amz-json-1.1"
XML = "text/xml"
HTML = "text/html"
_REASONS = {status.value: status.phrase for status in HTTPStatus}


class BadRequest(Exception):  # noqa: N818 - the name that HTTP gives it
    """What arrived is not a request that can be answered."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """One response before it is put on the wire.

    Attributes:
        status: The HTTP status.
        body: What follows the headers.
        content_type: The media type of the body.
        request_id: What AWS tells requests apart by.
        error_type: The error's code, for services that repeat it in a header; empty otherwise.
    """

    status: int
    body: bytes = field(repr=False)
    content_type: str = JSON
    request_id: str = ""
    error_type: str = ""

    def head(self, content_length: int | None = None) -> bytes:
        """Return the status line and headers.

        Args:
            content_length: What to claim; the length of the body when left out.
        """
        length = len(self.body) if content_length is None else content_length
        error_type = f"x-amzn-ErrorType: {self.error_type}\r\n" if self.error_type else ""
        return (
            f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Unknown')}\r\n"
            f"x-amzn-RequestId: {self.request_id}\r\n"
            f"{error_type}"
            f"Content-Type: {self.content_type}\r\n"
            f"Content-Length: {length}\r\n\r\n"
        ).encode()

    def encoded(self) -> bytes:
        """Return the response as it goes over the wire."""
        return self.head() + self.body


@dataclass(frozen=True, slots=True)
class _Head:
    method: str
    target: str
    headers: Mapping[str, str]
    body_start: int
    body_length: int


class RequestReader:
    """Cuts a stream of bytes into requests."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: _Head | None = None

    def feed(self, data: bytes) -> None:
        """Take in what arrived."""
        self._buffer += data

    def next_request(self) -> Request | None:
        """Return the next complete request, or None when more has to arrive first.

        Raises:
            BadRequest: What arrived is not HTTP, or a body of unknown length.
        """
        head = self._head or self._read_head()
        self._head = head
        if head is None or len(self._buffer) < head.body_start + head.body_length:
            return None
        end = head.body_start + head.body_length
        body = bytes(self._buffer[head.body_start : end])
        del self._buffer[:end]
        self._head = None
        return Request(head.method, head.target, head.headers, body)

    def _read_head(self) -> _Head | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        try:
            method, target, _version = first.split(" ")
            headers = {name.strip().lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
            length = int(headers.get("content-length", "0"))
        except ValueError:
            raise BadRequest(first) from None
        if length < 0 or "transfer-encoding" in headers:
            raise BadRequest("a body needs a Content-Length")
        return _Head(method, target, headers, end + 4, length)
