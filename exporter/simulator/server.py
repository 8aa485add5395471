"""The simulator as a whole: a server on the loopback interface, in a thread of its own."""

import asyncio
import json
import os
import random
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from exporter.simulator import organizations, sqs, sts, support
from exporter.simulator.errors import ApiError
from exporter.simulator.exchange import Exchange, RequestLog
from exporter.simulator.faults import Faults
from exporter.simulator.fleet import Fleet
from exporter.simulator.protocols import Call
from exporter.simulator.signature import SignedRequest

_HOST = "127.0.0.1"
_BACKLOG = 2048
_LOG_SIZE = 100_000
_CALLS_PER_SECOND = 5.0
_BURST = 5.0
_ACCEPTING_SECONDS = 0.01
_LOOK_SECONDS = 0.02
_STOP_TIMEOUT_SECONDS = 5.0
_STATS_PATH = "/_simulator/stats"
"""Where another process can ask how many requests there were, and what the fleet holds."""


class Simulator:
    """A loopback AWS: `with Simulator(fleet) as simulator` serves at `simulator.url` until the block ends.

    Args:
        port: 0 takes a free one.
        throttle: Whether AWS's quota of five Support calls per second and account holds.
        verify_signatures: Whether signatures are checked; access keys always are.
        latency_seconds: How long every answer takes at least.
        seed: For the probability of faults and for request ids.
        timer: Seconds that only ever grow, for the quota.
        tls: PEM files of a certificate for 127.0.0.1, which `environment` tells clients to trust, and of its key.
    """

    def __init__(
        self,
        fleet: Fleet,
        *,
        port: int = 0,
        throttle: bool = True,
        verify_signatures: bool = True,
        latency_seconds: float = 0.0,
        seed: int = 0,
        timer: Callable[[], float] = time.monotonic,
        tls: tuple[Path, Path | None] | None = None,
    ) -> None:
        self._rng = random.Random(seed)  # noqa: S311 - faults that need to repeat
        self.fleet = fleet
        self.faults = Faults(self._rng)
        self.log = RequestLog(_LOG_SIZE)
        self._port = port
        self._throttle = throttle
        self._verify_signatures = verify_signatures
        self._latency_seconds = latency_seconds
        self._timer = timer
        self._tls = tls
        self._buckets: dict[str, tuple[float, float]] = {}
        self._thread: threading.Thread | None = None
        self._request_stop: Callable[[], object] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where the simulator listens, to be used as `AWS_ENDPOINT_URL`."""
        return f"{'https' if self._tls else 'http'}://{_HOST}:{self._port}"

    def start(self) -> None:
        """Listen; raise OSError if the port is taken or the certificate cannot be used."""
        started: Future[int] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(started)), name="aws-simulator", daemon=True)
        self._thread.start()
        self._port = started.result()

    def stop(self) -> None:
        """Stop listening and abort every connection, whatever it is doing."""
        if self._request_stop is not None and self._thread is not None:
            self._request_stop()
            self._thread.join(_STOP_TIMEOUT_SECONDS)
        self._request_stop = None

    def environment(self) -> dict[str, str]:
        key = self.fleet.base_key
        environment = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": key.access_key_id,
            "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
            "AWS_SESSION_TOKEN": "",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": _HOST,
            "no_proxy": _HOST,
        }
        if self._tls is not None:
            environment["AWS_CA_BUNDLE"] = str(self._tls[0].absolute())
        return environment

    def expire_sessions(self) -> None:
        with self.fleet.lock:
            self.fleet.keys.expire_sessions(self.fleet.clock())

    async def _serve(self, started: Future[int]) -> None:
        loop = asyncio.get_running_loop()
        server = web.Server(self._handle, handler_cancellation=True, access_log=None)
        try:
            context = None
            if self._tls is not None:
                context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                context.load_cert_chain(*self._tls)
            listening = await loop.create_server(server, _HOST, self._port, ssl=context, backlog=_BACKLOG)
        except OSError as problem:
            started.set_exception(problem)
            return
        stopping = asyncio.Event()
        self._request_stop = lambda: loop.call_soon_threadsafe(stopping.set)
        started.set_result(listening.sockets[0].getsockname()[1])
        await stopping.wait()
        # A connection that is just being accepted when the server closes would keep its socket.
        loop.remove_reader(listening.sockets[0].fileno())
        await asyncio.sleep(_ACCEPTING_SECONDS)
        listening.close()
        for connection in server.connections:
            if connection.transport is not None:
                connection.transport.abort()
        await server.shutdown(_STOP_TIMEOUT_SECONDS)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request, rightly or not; it is cancelled when the client closes the connection."""
        if request.raw_path == _STATS_PATH:
            return self._stats()
        exchange = Exchange(
            request,
            await request.content.read(),
            request_id=f"{self._rng.getrandbits(128):032x}",
            time=self.fleet.clock(),
            keys=self.fleet.keys,
            log=self.log,
            perform=self._perform,
        )
        try:
            if self._latency_seconds:
                await asyncio.sleep(self._latency_seconds)
            kind = self.faults.strike(exchange)
            if kind is None:
                await self._wait_for_message(exchange.call)
            return exchange.serve().response() if kind is None else await kind(exchange)
        except ConnectionError:
            return exchange.close()
        finally:
            exchange.record()  # a client that loses patience while it waits has still asked

    async def _wait_for_message(self, call: Call) -> None:
        seconds = call.parameters.number("WaitTimeSeconds", default=0, least=0, most=20) if call.service == "sqs" else 0
        ends = self._timer() + seconds
        while self._timer() < ends:
            with self.fleet.lock:
                self.fleet.advance(self.fleet.clock())
                if self.fleet.events is None or self.fleet.events.receive(1):
                    return
            await asyncio.sleep(_LOOK_SECONDS)

    def _perform(self, request: SignedRequest, call: Call) -> bytes:
        with self.fleet.lock:
            self.fleet.advance(self.fleet.clock())
            key = request.authenticate(self.fleet.keys, call.service, verify=self._verify_signatures)
            if call.service == "sts":
                return sts.answer(call.operation, call.parameters, key, self.fleet)
            if call.service == "organizations":
                if self._throttle and call.operation != "ListAccounts" and not self._admits(call.operation):
                    raise ApiError("TooManyRequestsException", "You have sent too many requests in too short a time.")
                return organizations.answer(call.operation, call.parameters, key, self.fleet)
            if call.service == "sqs":
                return sqs.answer(call.operation, call.parameters, key, self.fleet.events)
            account = self.fleet.account(key.account_id)
            is_contended = account.contention and self._rng.random() < account.contention
            if is_contended or (self._throttle and not self._admits(key.account_id)):
                raise ApiError("ThrottlingException", "Throttle limit exceeded.")
            return support.answer(call.operation, call.parameters, account)

    def _admits(self, account_id: str) -> bool:
        now = self._timer()
        level, since = self._buckets.get(account_id, (_BURST, now))
        level = min(_BURST, level + (now - since) * _CALLS_PER_SECOND)
        self._buckets[account_id] = (level - 1 if level >= 1 else level, now)
        return level >= 1

    def _stats(self) -> web.Response:
        with self.fleet.lock:
            self.fleet.advance(self.fleet.clock())
            counts = self.fleet.counts()
        body = json.dumps({"requests": self.log.counts(), **asdict(counts)})
        return web.Response(text=body, content_type="application/json")
