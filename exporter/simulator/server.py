"""The simulator as a whole: a server on the loopback interface, in a thread of its own."""

import asyncio
import os
import random
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from exporter.simulator.exchange import RequestLog
from exporter.simulator.faults import Faults
from exporter.simulator.fleet import Fleet
from exporter.simulator.gateway import Gateway, Throttle

_HOST = "127.0.0.1"
_BACKLOG = 2048
_LOG_SIZE = 100_000
_ACCEPTING_SECONDS = 0.01
_STOP_TIMEOUT_SECONDS = 5.0


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
        tls: tuple[Path, Path] | None = None,
    ) -> None:
        rng = random.Random(seed)  # noqa: S311 - faults that need to repeat
        self.fleet = fleet
        self.faults = Faults(rng)
        self.log = RequestLog(_LOG_SIZE)
        self._port = port
        self._tls = tls
        self._gateway = Gateway(
            fleet,
            faults=self.faults,
            log=self.log,
            throttle=Throttle(timer) if throttle else None,
            verify_signatures=verify_signatures,
            rng=rng,
            latency_seconds=latency_seconds,
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._problem: OSError | None = None

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
        self._started.clear()
        self._problem = None
        self._thread = threading.Thread(target=self._run, name="aws-simulator", daemon=True)
        self._thread.start()
        self._started.wait()
        if self._problem is not None:
            raise self._problem

    def stop(self) -> None:
        """Stop listening and abort every connection, whatever it is doing."""
        loop, stopping, thread = self._loop, self._stopping, self._thread
        if loop is None or stopping is None or thread is None:
            return
        loop.call_soon_threadsafe(stopping.set)
        thread.join(_STOP_TIMEOUT_SECONDS)
        self._loop = self._stopping = self._thread = None

    def environment(self) -> dict[str, str]:
        """Return the environment in which AWS's clients talk to the simulator as its base identity."""
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
        return environment | ({"AWS_CA_BUNDLE": str(self._tls[0].absolute())} if self._tls else {})

    def expire_sessions(self) -> None:
        """Let every temporary key that was issued so far expire at once."""
        with self.fleet.lock:
            self.fleet.keys.expire_sessions(self.fleet.clock())

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        server = web.Server(self._gateway.handle, handler_cancellation=True, access_log=None)
        try:
            context = None
            if self._tls is not None:
                context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                context.load_cert_chain(*self._tls)
            listening = await loop.create_server(server, _HOST, self._port, ssl=context, backlog=_BACKLOG)
        except OSError as problem:
            self._problem = problem
            self._started.set()
            return
        self._port = listening.sockets[0].getsockname()[1]
        self._loop, self._stopping = loop, asyncio.Event()
        self._started.set()
        await self._stopping.wait()
        # A connection that is just being accepted when the server closes would keep its socket.
        loop.remove_reader(listening.sockets[0].fileno())
        await asyncio.sleep(_ACCEPTING_SECONDS)
        listening.close()
        for connection in server.connections:
            if connection.transport is not None:
                connection.transport.abort()
        await server.shutdown(_STOP_TIMEOUT_SECONDS)
