"""Reading the bodies of AWS's answers, bounded in time and size.

botocore's session bounds each read from the socket, not the whole body: an answer that drips, or that never ends, would hold
its thread and its memory for as long as it likes.
"""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.response import HTTPResponse

from exporter.cases.model import Reason
from exporter.errors import ReadFailure

LARGEST_BODY_BYTES = 32 * 1024 * 1024
"""Some times the largest page of cases that AWS can send: 100 cases with five communications of 8,000 characters."""
_CHUNK_BYTES = 65_536


class Session(Protocol):
    """What sends requests in a botocore client."""

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """Send a request, and return its answer."""

    def close(self) -> None:
        """Close all connections."""


class Bounds(Protocol):
    """What bounds a request."""

    @property
    def operation(self) -> str:
        """AWS's name of the operation."""

    @property
    def deadline(self) -> float:
        """When its answer is of no more use, on the monotonic clock."""


class BoundedSession:
    """Sends requests through a session of botocore's, and reads the answers itself.

    Args:
        session: Sends the requests.
        monotonic: The clock that deadlines are on.
        bounds: Returns what bounds the request that this thread makes.
    """

    def __init__(self, session: Session, monotonic: Callable[[], float], bounds: Callable[[], Bounds]) -> None:
        self._session = session
        self._monotonic = monotonic
        self._bounds = bounds

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """Send a request, and return its answer once it is read.

        Raises:
            ReadFailure: Its body took too long, broke off, or is larger than any answer of AWS.
        """
        request.stream_output = True
        # botocore's own kind compares names letter by letter; urllib3 asks for each of them several times.
        request.headers = dict(request.headers.items())  # type: ignore[assignment]
        response = self._session.send(request)
        response.raw = _Whole(self._body(response.raw))
        return response

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def _body(self, raw: HTTPResponse) -> bytes:
        bounds = self._bounds()
        chunks: list[bytes] = []
        size = 0

        def failure(reason: Reason, what: str) -> ReadFailure:
            return ReadFailure(reason, f"{bounds.operation}: the answer {what}")

        try:
            while chunk := raw.read1(_CHUNK_BYTES):
                chunks.append(chunk)
                size += len(chunk)
                if size > LARGEST_BODY_BYTES:
                    raise failure(Reason.MALFORMED, f"is larger than {LARGEST_BODY_BYTES >> 20} MiB")
                if self._monotonic() > bounds.deadline:
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


class _Whole:
    """A body that is read already, as botocore reads one."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Iterator[bytes]:  # noqa: ANN401 - as urllib3 has it
        yield self._body
