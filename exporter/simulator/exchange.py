"""One request on its way through the simulator, the ways to answer it, and the log of what was asked."""

import asyncio
import socket
import struct
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from exporter.simulator import protocols
from exporter.simulator.errors import ApiError
from exporter.simulator.keys import KeyRing
from exporter.simulator.protocols import Answer, Call
from exporter.simulator.signature import SignedRequest

_NO_LINGER = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class RequestRecord:
    """One request and what became of it.

    Attributes:
        time: When it arrived, by the fleet's clock, in Unix seconds.
        account_id: The account of the access key; empty when the key is unknown.
        region: The region that the request was signed for.
        status: The HTTP status sent, or 0 when there was none: silence, or a connection that was closed or reset.
    """

    time: float
    operation: str
    account_id: str
    access_key_id: str
    region: str
    service: str
    is_first_page: bool
    status: int = 0


class RequestLog:
    """The latest requests, and how many there were of each operation. Safe to use from any thread."""

    def __init__(self, size: int) -> None:
        self._lock = threading.Lock()
        self._records: deque[RequestRecord] = deque(maxlen=size)
        self._by_operation: Counter[str] = Counter()

    def add(self, record: RequestRecord) -> None:
        with self._lock:
            self._records.append(record)
            self._by_operation[record.operation] += 1

    def records(self, operation: str | None = None) -> list[RequestRecord]:
        with self._lock:
            return [record for record in self._records if operation in {None, record.operation}]

    def counts(self) -> dict[str, int]:
        """Return how many requests there were by operation, also those no longer kept."""
        with self._lock:
            return dict(self._by_operation)

    def clear(self) -> None:
        with self._lock:
            self._records.clear()
            self._by_operation.clear()


class Exchange:
    """A request and its answer.

    Args:
        perform: Authenticates the request, carries out the call, and returns the body of its result.

    Attributes:
        asked: What the log keeps of the request, without a status.
        call: Which operation it asks for.
        role_account_id: The account of the role that is to be assumed; empty where none is.
    """

    def __init__(
        self,
        request: web.BaseRequest,
        body: bytes,
        *,
        request_id: str,
        time: float,
        keys: KeyRing,
        log: RequestLog,
        perform: Callable[[SignedRequest, Call], bytes],
    ) -> None:
        self._request = request
        self._request_id = request_id
        self._log: RequestLog | None = log
        self._perform = perform
        self._signed = signed = SignedRequest(request.method, request.raw_path, request.headers, body, time)
        self.call = call = protocols.read_call(request.headers, body)
        key_id = signed.claim.access_key_id if signed.claim else ""
        key = keys.find(key_id)
        self.asked = RequestRecord(
            time=time,
            operation=call.operation,
            account_id=key.account_id if key else "",
            access_key_id=key_id,
            region=signed.claim.region if signed.claim else "",
            service=call.service,
            is_first_page=call.is_first_page,
        )
        arn = str(call.parameters.values.get("RoleArn")).split(":")
        self.role_account_id = arn[4] if len(arn) > 4 else ""  # noqa: PLR2004 - arn:partition:service:region:account:resource

    def serve(self, *, first_page: bool = False) -> Answer:
        """Return what AWS would answer, or would answer if the request carried no page token."""
        call = self.call.without_token() if first_page else self.call
        try:
            if call.problem is not None:
                raise call.problem
            body = self._perform(self._signed, call)
        except ApiError as error:
            return self.refuse(error)
        self.record(HTTPStatus.OK)
        return protocols.result(call, body, self._request_id)

    def refuse(self, error: ApiError) -> Answer:
        """Return an error in the words of the service's protocol."""
        self.record(error.status)
        return protocols.refusal(self.call, error, self._request_id)

    def record(self, status: int = 0) -> None:
        """Log the request, once: before the client can see anything of what becomes of it."""
        log, self._log = self._log, None
        if log is not None:
            self.asked.status = int(status)
            log.add(self.asked)

    async def begin(self, answer: Answer, content_length: int) -> web.StreamResponse:
        """Send the head of an answer, and return the response whose body is still to be written."""
        response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type, **answer.headers})
        response.content_length = content_length
        await response.prepare(self._request)
        return response

    def send_raw(self, data: bytes) -> None:
        """Put bytes on the wire that need not be HTTP; nothing but close or reset may follow."""
        self.record()
        if self._request.transport is not None:
            self._request.transport.write(data)

    async def hang(self) -> web.StreamResponse:
        self.record()
        await asyncio.Event().wait()
        return web.Response()

    def close(self) -> web.StreamResponse:
        """Send what is queued, then a FIN."""
        self.record()
        if self._request.transport is not None:
            self._request.transport.close()
        return web.Response()  # the web server does not send it on a closed connection

    def reset(self) -> web.StreamResponse:
        """Send an RST: everything in flight is lost."""
        self.record()
        if (transport := self._request.transport) is not None:
            # Without lingering, closing a socket discards what is queued and sends an RST.
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            transport.abort()
        return web.Response()
