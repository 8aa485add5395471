"""Sending requests, and reading AWS's answers bounded in time and size.

botocore's session bounds each read from the socket, not the whole body: an answer that drips, or that never ends, would hold
its thread and its memory for as long as it likes.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.response import HTTPResponse

from exporter.cases.model import Reason
from exporter.errors import ReadFailure

LARGEST_BODY_BYTES = 32 * 1024 * 1024
"""Some times the largest page of cases that AWS can send: 100 cases with five communications of 8,000 characters."""
_CHUNK_BYTES = 65_536


class HttpSession(Protocol):
    """What sends requests for a botocore client: it keeps connections, knows proxies and certificates."""

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """Send a request, and return its answer, whose body is not read yet."""


class Answer(NamedTuple):
    """What came back.

    Attributes:
        status: HTTP's status code.
        headers: Their names in any case.
        body: All of it.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


def send(
    session: HttpSession, request: AWSPreparedRequest, operation: str, deadline: float, monotonic: Callable[[], float]
) -> Answer:
    """Send a request, and return its whole answer.

    Args:
        session: Sends it.
        request: Signed, with its answer to be streamed.
        operation: AWS's name of the operation, for messages.
        deadline: When an answer is of no more use.
        monotonic: The clock that the deadline is on.

    Raises:
        ReadFailure: The body took too long, broke off, or is larger than any answer of AWS.
        botocore.exceptions.BotoCoreError: There was no answer.
    """
    response = session.send(request)
    return Answer(response.status_code, response.headers, _body(response.raw, operation, deadline, monotonic))


def _body(raw: HTTPResponse, operation: str, deadline: float, monotonic: Callable[[], float]) -> bytes:
    chunks: list[bytes] = []
    size = 0

    def failure(reason: Reason, what: str) -> ReadFailure:
        return ReadFailure(reason, f"{operation}: the answer {what}")

    try:
        while chunk := raw.read1(_CHUNK_BYTES):
            chunks.append(chunk)
            size += len(chunk)
            if size > LARGEST_BODY_BYTES:
                raise failure(Reason.MALFORMED, f"is larger than {LARGEST_BODY_BYTES >> 20} MiB")
            if monotonic() > deadline:
                raise failure(Reason.TIMEOUT, f"came too slowly: it did not end in time ({size} bytes)")
    except ReadTimeoutError:
        raise failure(Reason.TIMEOUT, f"stopped after {size} bytes") from None
    except (HTTPError, OSError) as error:
        raise failure(Reason.UNREACHABLE, f"broke off after {size} bytes: {type(error).__name__}") from None
    finally:
        if not raw.closed:
            raw.close()
    # Read by parts, a body that is cut off looks like a whole one to urllib3.
    announced = raw.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > size:
        raise failure(Reason.UNREACHABLE, f"broke off after {size} of {announced} bytes")
    return b"".join(chunks)
