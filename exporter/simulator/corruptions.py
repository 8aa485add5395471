"""What can be wrong with an answer that does arrive: its form, its types, its size, its paging tokens."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from exporter.simulator.exchange import Exchange
from exporter.simulator.messages import HTML, JSON, Response
from exporter.simulator.steps import Send, Step

_MEGABYTE = 1_000_000
_CHUNK = b'"' + b"x" * 65_532 + b'",'
_ODD_VALUES: tuple[object, ...] = (
    17,
    -1.5e300,
    None,
    True,
    [],
    ["opened", 3, None],
    {},
    {"nested": {"value": [1, {"deeper": None}]}},
    "x" * 100_000,
    "",
    "\x00\n\u2028\U0001f4a5",
)


@dataclass(frozen=True, slots=True)
class Truncated:
    """The body stops in the middle of the document, and the headers agree with it."""

    def steps(self, exchange: Exchange) -> Iterator[Step]:
        """Answer with half of the document."""
        response = exchange.serve()
        yield Send(replace(response, body=response.body[: len(response.body) // 2]).encoded())


@dataclass(frozen=True, slots=True)
class Body:
    """Another body instead of the right one: none, one that is not JSON, one of odd values, or a gateway's error."""

    body: bytes = b""
    status: int = HTTPStatus.OK

    def steps(self, exchange: Exchange) -> Iterator[Step]:
        """Answer with the other body."""
        yield Send(replace(exchange.serve(), body=self.body, status=self.status).encoded())


@dataclass(frozen=True, slots=True)
class HtmlPage:
    """A web page with status 200, as a captive portal or a proxy sends it."""

    def steps(self, exchange: Exchange) -> Iterator[Step]:
        """Answer with a web page."""
        page = b"<!DOCTYPE html><html><body><h1>Please sign in</h1></body></html>"
        yield Send(replace(exchange.serve(), body=page, content_type=HTML).encoded())


@dataclass(frozen=True, slots=True)
class WrongTypes:
    """Fields of every case or communication have values of odd types.

    Attributes:
        offset: Which odd value the first field gets; with each offset every field gets another one.
        fields: Which fields, by AWS's names; all of them when empty. botocore fails on an odd list or structure, but
            passes an odd string through.
    """

    offset: int = 0
    fields: tuple[str, ...] = ()

    def steps(self, exchange: Exchange) -> Iterator[Step]:
        """Answer with the right cases and wrong values."""
        yield Send(_changed(exchange.serve(), self._with_odd_values).encoded())

    def _with_odd_values(self, document: dict[str, Any]) -> dict[str, Any]:
        odd_values = itertools.islice(itertools.cycle(_ODD_VALUES), self.offset, None)
        return document | {
            listed: [
                {name: next(odd_values) if not self.fields or name in self.fields else value for name, value in item.items()}
                for item in document[listed]
            ]
            for listed in document.keys() & {"cases", "communications"}
        }


@dataclass(frozen=True, slots=True)
class HugeBody:
    """A well-formed answer of that many megabytes, sent as fast as the client reads."""

    megabytes: int

    def steps(self, exchange: Exchange) -> Iterator[Step]:
        """Answer for a long time."""
        start, end = b'{"cases":[],"ignored":[', b'""]}'
        chunks = self.megabytes * _MEGABYTE // len(_CHUNK) + 1
        yield Send(exchange.serve().head(len(start) + chunks * len(_CHUNK) + len(end)) + start)
        for _ in range(chunks):
            yield Send(_CHUNK)
        yield Send(end)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Paging that never ends: every page is the first one, and names a following one.

    Attributes:
        tokens: What the pages name in turn: one token for ever, two alternating, or a new one each time.
    """

    tokens: Iterator[str] = field(repr=False)

    @classmethod
    def endless(cls) -> "Tokens":
        """Return paging with a new token on every page."""
        return cls(f"token-{number}" for number in itertools.count())

    @classmethod
    def repeating(cls, *tokens: str) -> "Tokens":
        """Return paging that goes through the given tokens again and again."""
        return cls(itertools.cycle(tokens))

    def steps(self, exchange: Exchange) -> Iterator[Step]:
        """Answer with the first page and a token."""
        name = "NextToken" if exchange.operation == "ListAccounts" else "nextToken"
        response = _changed(exchange.serve_first_page(), lambda document: {**document, name: next(self.tokens)})
        yield Send(response.encoded())


def _changed(response: Response, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Response:
    """Return a result with its document changed; a refusal, and what is not JSON, stays as it is."""
    if response.status != HTTPStatus.OK or response.content_type != JSON:
        return response
    return replace(response, body=json.dumps(change(json.loads(response.body))).encode())
