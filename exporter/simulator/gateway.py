"""What every request goes through: faults, authentication, the quota, the service, and the log."""

import json
import random
import uuid
from collections.abc import Generator, Iterator
from dataclasses import asdict
from http import HTTPStatus

from exporter.simulator import organizations, sts, support
from exporter.simulator.authentication import Authenticator
from exporter.simulator.dialects import Call
from exporter.simulator.errors import ApiError
from exporter.simulator.exchange import Exchange
from exporter.simulator.faults import Faults
from exporter.simulator.fleet import Fleet
from exporter.simulator.keys import AccessKey
from exporter.simulator.messages import Request, Response
from exporter.simulator.records import RequestLog
from exporter.simulator.steps import Send, Step, Wait
from exporter.simulator.throttle import Throttle

STATS_PATH = "/_simulator/stats"
"""Where another process can ask how things are."""


class Gateway:
    """Answers requests.

    Args:
        fleet: What the answers are about.
        faults: What goes wrong.
        log: Where requests are recorded.
        authenticator: Finds out who is calling.
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
        authenticator: Authenticator,
        throttle: Throttle | None,
        rng: random.Random,
        latency_seconds: float,
    ) -> None:
        self._fleet = fleet
        self._faults = faults
        self._log = log
        self._authenticator = authenticator
        self._throttle = throttle
        self._rng = rng
        self._latency_seconds = latency_seconds

    def steps(self, request: Request) -> Generator[Step, None, None]:
        """Yield what the server does on its socket to answer a request; closing it early gives the request up."""
        if request.target == STATS_PATH:
            yield Send(self._stats().encoded())
            return
        exchange = Exchange(
            request,
            request_id=str(uuid.UUID(int=self._rng.getrandbits(128), version=4)),
            time=self._fleet.clock(),
            authenticator=self._authenticator,
            perform=self._perform,
        )
        recorded = False
        try:
            for step in self._answer(exchange):
                if not recorded and not isinstance(step, Wait):
                    self._log.add(exchange.record())
                    recorded = True
                yield step
        finally:
            # A client that loses patience while it waits has still asked.
            if not recorded:
                self._log.add(exchange.record())

    def _answer(self, exchange: Exchange) -> Iterator[Step]:
        if self._latency_seconds:
            yield Wait(self._latency_seconds)
        kind = self._faults.strike(exchange)
        if kind is None:
            yield Send(exchange.serve().encoded())
        else:
            yield from kind.steps(exchange)

    def _perform(self, call: Call, key: AccessKey) -> bytes:
        with self._fleet.lock:
            self._fleet.advance(self._fleet.clock())
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

    def _stats(self) -> Response:
        with self._fleet.lock:
            self._fleet.advance(self._fleet.clock())
            counts = self._fleet.counts()
        body = json.dumps({"requests": self._log.counts(), **asdict(counts)}).encode()
        return Response(HTTPStatus.OK, body, "application/json")
