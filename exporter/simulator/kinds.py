"""What can go wrong on the way: refusals, delays, and connections that break."""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from exporter.simulator.errors import ApiError
from exporter.simulator.exchange import Exchange

_UNDER_WAY_SECONDS = 0.05
"""After which a client has what was sent before a reset; a reset discards what is not."""


@dataclass(frozen=True, slots=True)
class Latency:
    seconds: float

    async def __call__(self, exchange: Exchange) -> web.StreamResponse:
        await asyncio.sleep(self.seconds)
        return exchange.serve().response()


@dataclass(frozen=True, slots=True)
class Error:
    status: int
    code: str
    message: str = ""

    async def __call__(self, exchange: Exchange) -> web.StreamResponse:
        return exchange.refuse(ApiError(self.code, self.message, self.status)).response()


class Throttled:
    """AWS refuses because the account's quota is used up."""

    async def __call__(self, exchange: Exchange) -> web.StreamResponse:
        return exchange.refuse(ApiError("ThrottlingException", "Throttle limit exceeded.", HTTPStatus.BAD_REQUEST)).response()


class ConnectionReset:
    """The connection is reset (RST) instead of an answer."""

    async def __call__(self, exchange: Exchange) -> web.StreamResponse:
        return exchange.reset()


class ConnectionClosed:
    """The connection is closed (FIN) instead of an answer."""

    async def __call__(self, exchange: Exchange) -> web.StreamResponse:
        return exchange.close()


class Silence:
    """Nothing is ever answered; the connection stays open."""

    async def __call__(self, exchange: Exchange) -> web.StreamResponse:
        return await exchange.hang()


class SilenceInBody:
    """Headers and half of the body arrive, then nothing."""

    async def __call__(self, exchange: Exchange) -> web.StreamResponse:
        await _send_half(exchange)
        return await exchange.hang()


class CutOffBody:
    """Headers and half of the body arrive, then the connection is closed (FIN)."""

    async def __call__(self, exchange: Exchange) -> web.StreamResponse:
        await _send_half(exchange)
        return exchange.close()


class ResetInBody:
    """Headers and half of the body arrive, then the connection is reset (RST)."""

    async def __call__(self, exchange: Exchange) -> web.StreamResponse:
        await _send_half(exchange)
        await asyncio.sleep(_UNDER_WAY_SECONDS)
        return exchange.reset()


@dataclass(frozen=True, slots=True)
class Drip:
    """The answer, from its first line on, arrives one byte at a time; then the connection is closed."""

    interval_seconds: float

    async def __call__(self, exchange: Exchange) -> web.StreamResponse:
        answer = exchange.serve()
        headers = {**answer.headers, "Content-Type": answer.content_type, "Content-Length": str(len(answer.body))}
        lines = (f"HTTP/1.1 {answer.status} ", *(f"{name}: {value}" for name, value in headers.items()), "Connection: close")
        for byte in "\r\n".join((*lines, "", "")).encode() + answer.body:
            exchange.send_raw(bytes((byte,)))
            await asyncio.sleep(self.interval_seconds)
        return exchange.close()


async def _send_half(exchange: Exchange) -> None:
    answer = exchange.serve()
    response = await exchange.begin(answer, len(answer.body))
    await response.write(answer.body[: len(answer.body) // 2])
