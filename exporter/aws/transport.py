"""Reading the bodies of AWS's answers, bounded in time and size.

botocore's session bounds each read from the socket, not the whole body: an answer that drips, or that never ends, would hold
its thread and its memory for as long as it likes.
"""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.response import BaseHTTPResponse, HTTPResponse

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


class BoundedSession:
    """Sends requests through a session of botocore's, and reads the answers itself.

    Args:
        session: Sends the requests.
        monotonic: The clock that deadlines are on.
        deadline: Returns when the answer to the request that this thread makes is of no more use.
    """

    def __init__(self, session: Session, monotonic: Callable[[], float], deadline: Callable[[], float]) -> None:
        self._session = session
        self._monotonic = monotonic
        self._deadline = deadline

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """Send a request, and return its answer once it is read.

        Raises:
            ReadFailure: Its body took too long, broke off, or is larger than any answer of AWS.
        """
        request.stream_output = True
        response = self._session.send(request)
        raw = response.raw
        return AWSResponse(response.url, response.status_code, raw.headers, _Whole(self._body(raw)))

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def _body(self, raw: HTTPResponse) -> bytes:
        chunks: list[bytes] = []
        size = 0
        deadline = self._deadline()
        try:
            while chunk := raw.read1(_CHUNK_BYTES):
                chunks.append(chunk)
                size += len(chunk)
                if size > LARGEST_BODY_BYTES:
                    raise ReadFailure(Reason.MALFORMED, f"the answer is larger than {LARGEST_BODY_BYTES >> 20} MiB")
                if self._monotonic() > deadline:
                    raise ReadFailure(Reason.TIMEOUT, f"the answer was not whole in time, but for {size} bytes")
        except ReadTimeoutError:
            raise ReadFailure(Reason.TIMEOUT, f"the answer stopped after {size} bytes") from None
        except (HTTPError, OSError) as error:
            raise ReadFailure(Reason.UNREACHABLE, f"the connection broke after {size} bytes: {type(error).__name__}") from None
        finally:
            _release(raw)
        _refuse_cut_off(raw, size)
        return b"".join(chunks)


class _Whole:
    """A body that is read already, as botocore reads one."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Iterator[bytes]:  # noqa: ANN401 - as urllib3 has it
        yield self._body


def _release(raw: BaseHTTPResponse) -> None:
    """Close a connection whose answer was not read to its end; one that was is back in the pool already."""
    if not raw.closed:
        raw.close()


def _refuse_cut_off(raw: BaseHTTPResponse, size: int) -> None:
    """Tell a connection that broke within an answer from a wrong answer; read by parts, urllib3 does not."""
    announced = raw.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > size:
        raise ReadFailure(Reason.UNREACHABLE, f"the connection broke after {size} of {announced} bytes")
