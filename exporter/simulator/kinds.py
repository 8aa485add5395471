"""What can go wrong on the way: refusals, delays, and connections that break."""

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

from exporter.simulator.errors import ApiError
from exporter.simulator.exchange import Exchange
from exporter.simulator.faults import Kind
from exporter.simulator.steps import Close, Hang, Reset, Send, Step, Wait


@dataclass(frozen=True, slots=True)
class Latency:
    """The answer, or another fault, comes late."""

    seconds: float
    then: Kind | None = None

    def steps(self, exchange: Exchange) -> Iterator[Step]:
        """Wait, then answer."""
        yield Wait(self.seconds)
        if self.then is None:
            yield Send(exchange.serve().encoded())
        else:
            yield from self.then.steps(exchange)


@dataclass(frozen=True, slots=True)
class Error:
    """AWS refuses, with any HTTP status and error code."""

    status: int
    code: str
    message: str = ""

    def steps(self, exchange: Exchange) -> Iterator[Step]:
        """Refuse."""
        yield Send(exchange.refuse(ApiError(self.code, self.message, self.status)).encoded())


@dataclass(frozen=True, slots=True)
class Throttled:
    """AWS refuses because the account's quota is used up."""

    def steps(self, exchange: Exchange) -> Iterator[Step]:
        """Refuse."""
        error = ApiError("ThrottlingException", "Throttle limit exceeded.", HTTPStatus.BAD_REQUEST)
        yield Send(exchange.refuse(error).encoded())


@dataclass(frozen=True, slots=True)
class ConnectionReset:
    """The connection is reset (RST) instead of an answer."""

    def steps(self, exchange: Exchange) -> Iterator[Step]:  # noqa: ARG002 - every kind is given the exchange
        """Reset."""
        yield Reset()


@dataclass(frozen=True, slots=True)
class ConnectionClosed:
    """The connection is closed (FIN) instead of an answer."""

    def steps(self, exchange: Exchange) -> Iterator[Step]:  # noqa: ARG002 - every kind is given the exchange
        """Close."""
        yield Close()


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing is ever answered; the connection stays open."""

    def steps(self, exchange: Exchange) -> Iterator[Step]:  # noqa: ARG002 - every kind is given the exchange
        """Hang."""
        yield Hang()


@dataclass(frozen=True, slots=True)
class SilenceInBody:
    """Headers and half of the body arrive, then nothing."""

    def steps(self, exchange: Exchange) -> Iterator[Step]:
        """Answer halfway, and hang."""
        response = exchange.serve()
        yield Send(response.head() + response.body[: len(response.body) // 2])
        yield Hang()


@dataclass(frozen=True, slots=True)
class CutOffBody:
    """Headers and half of the body arrive, then the connection is closed."""

    def steps(self, exchange: Exchange) -> Iterator[Step]:
        """Answer halfway, and close."""
        response = exchange.serve()
        yield Send(response.head() + response.body[: len(response.body) // 2])
        yield Close()


@dataclass(frozen=True, slots=True)
class Drip:
    """The answer arrives one byte at a time."""

    interval_seconds: float

    def steps(self, exchange: Exchange) -> Iterator[Step]:
        """Answer slowly."""
        for byte in exchange.serve().encoded():
            yield Send(bytes((byte,)))
            yield Wait(self.interval_seconds)
