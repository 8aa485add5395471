"""What every request goes through: faults, authentication, the quota, the service, and the log."""

import asyncio
import json
import random
import uuid
from collections.abc import Callable
from dataclasses import asdict

from aiohttp import web

from exporter.simulator import organizations, sts, support
from exporter.simulator.errors import ApiError
from exporter.simulator.exchange import Exchange, RequestLog
from exporter.simulator.faults import Faults
from exporter.simulator.fleet import Fleet
from exporter.simulator.protocols import Call
from exporter.simulator.signature import authenticate

_STATS_PATH = "/_simulator/stats"
"""Where another process can ask how many requests there were, and what the fleet holds."""


class Throttle:
    """AWS's quota: a token bucket of Support calls for each account; `timer` returns seconds that only ever grow."""

    def __init__(self, timer: Callable[[], float], calls_per_second: float = 5.0, burst: float = 5.0) -> None:
        self._timer = timer
        self._calls_per_second = calls_per_second
        self._burst = burst
        self._buckets: dict[str, tuple[float, float]] = {}

    def admits(self, account_id: str) -> bool:
        """Return whether one more call of the account is within its quota, and count it if so."""
        now = self._timer()
        level, since = self._buckets.get(account_id, (self._burst, now))
        level = min(self._burst, level + (now - since) * self._calls_per_second)
        admitted = level >= 1
        self._buckets[account_id] = (level - 1 if admitted else level, now)
        return admitted


class Gateway:
    """Answers requests.

    Args:
        throttle: The quota of Support calls, or None for no limit.
        rng: Makes request ids, and decides which calls of an account under contention are throttled.
        latency_seconds: How long every answer takes at least.
    """

    def __init__(
        self,
        fleet: Fleet,
        *,
        faults: Faults,
        log: RequestLog,
        throttle: Throttle | None,
        verify_signatures: bool,
        rng: random.Random,
        latency_seconds: float,
    ) -> None:
        self._fleet = fleet
        self._faults = faults
        self._log = log
        self._throttle = throttle
        self._verify_signatures = verify_signatures
        self._rng = rng
        self._latency_seconds = latency_seconds

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request, rightly or not; it is cancelled when the client closes the connection."""
        if request.raw_path == _STATS_PATH:
            return self._stats()
        exchange = Exchange(
            request,
            await request.read(),
            request_id=str(uuid.UUID(int=self._rng.getrandbits(128), version=4)),
            time=self._fleet.clock(),
            keys=self._fleet.keys,
            log=self._log,
            perform=self._perform,
        )
        try:
            if self._latency_seconds:
                await asyncio.sleep(self._latency_seconds)
            kind = self._faults.strike(exchange)
            return exchange.serve().response() if kind is None else await kind.respond(exchange)
        except ConnectionError:
            return exchange.close()
        finally:
            exchange.record()  # a client that loses patience while it waits has still asked

    def _perform(self, exchange: Exchange, call: Call) -> bytes:
        with self._fleet.lock:
            self._fleet.advance(self._fleet.clock())
            key = authenticate(
                exchange.signed,
                exchange.authorization,
                self._fleet.keys,
                service=call.service,
                now=exchange.time,
                verify=self._verify_signatures,
            )
            if call.service == "sts":
                return sts.answer(call.operation, call.parameters, key, self._fleet)
            if call.service == "organizations":
                return organizations.answer(call.operation, call.parameters, key, self._fleet)
            account = self._fleet.account(key.account_id)
            if self._is_throttled(key.account_id, account.contention):
                raise ApiError("ThrottlingException", "Throttle limit exceeded.")
            return support.answer(call.operation, call.parameters, account)

    def _is_throttled(self, account_id: str, contention: float) -> bool:
        if contention and self._rng.random() < contention:
            return True
        return self._throttle is not None and not self._throttle.admits(account_id)

    def _stats(self) -> web.Response:
        with self._fleet.lock:
            self._fleet.advance(self._fleet.clock())
            counts = self._fleet.counts()
        body = json.dumps({"requests": self._log.counts(), **asdict(counts)})
        return web.Response(text=body, content_type="application/json")
