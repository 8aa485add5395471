"""What can be wrong with an answer that does arrive: its form, its types, its size, its page tokens."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from aiohttp import web

from exporter.simulator.exchange import Exchange
from exporter.simulator.protocols import JSON, Answer

_MEGABYTE = 1_000_000
_CHUNK = b'"' + b"x" * 65_532 + b'",'
_ODD_VALUES: tuple[object, ...] = (
    *(17, -1.5e300, None, True, [], ["opened", 3, None], {}, {"nested": {"value": [1, {"deeper": None}]}}),
    *("x" * 100_000, "", "\x00\n\u2028\U0001f4a5"),
)


class Truncated:
    """The body stops in the middle of the document, and Content-Length agrees with it."""

    async def __call__(self, exchange: Exchange) -> web.StreamResponse:
        answer = exchange.serve()
        return replace(answer, body=answer.body[: len(answer.body) // 2]).response()


@dataclass(frozen=True, slots=True)
class Body:
    """Another body instead of the right one: none, one that is not JSON, one of odd values, or a gateway's error."""

    body: bytes = b""
    status: int = HTTPStatus.OK

    async def __call__(self, exchange: Exchange) -> web.StreamResponse:
        return replace(exchange.serve(), body=self.body, status=self.status).response()


class HtmlPage:
    """A web page with status 200, as a captive portal or a proxy sends it."""

    async def __call__(self, exchange: Exchange) -> web.StreamResponse:
        page = b"<!DOCTYPE html><html><body><h1>Please sign in</h1></body></html>"
        return replace(exchange.serve(), body=page, content_type="text/html").response()


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

    async def __call__(self, exchange: Exchange) -> web.StreamResponse:
        return _changed(exchange.serve(), self._with_odd_values).response()

    def _with_odd_values(self, document: dict[str, Any]) -> dict[str, Any]:
        odd_values = itertools.islice(itertools.cycle(_ODD_VALUES), self.offset, None)
        return document | {
            listed: [
                {name: next(odd_values) if not self.fields or name in self.fields else value for name, value in item.items()}
                for item in document[listed]
            ]
            for listed in document.keys() & {"cases", "communications"}
        }


class Omission:
    """An answer leaves out some cases, as AWS's listings do that are not consistent yet."""

    def __init__(self, *case_ids: str) -> None:
        self._case_ids = case_ids

    async def __call__(self, exchange: Exchange) -> web.StreamResponse:
        return _changed(exchange.serve(), self._without_them).response()

    def _without_them(self, document: dict[str, Any]) -> dict[str, Any]:
        return document | {"cases": [case for case in document["cases"] if case["caseId"] not in self._case_ids]}


@dataclass(frozen=True, slots=True)
class HugeBody:
    """A well-formed answer of that many megabytes, sent as fast as the client reads."""

    megabytes: int

    async def __call__(self, exchange: Exchange) -> web.StreamResponse:
        start, end = b'{"cases":[],"ignored":[', b'""]}'
        chunks = self.megabytes * _MEGABYTE // len(_CHUNK) + 1
        response = await exchange.begin(exchange.serve(), len(start) + chunks * len(_CHUNK) + len(end))
        for chunk in (start, *itertools.repeat(_CHUNK, chunks), end):
            await response.write(chunk)
        return response


@dataclass(frozen=True, slots=True)
class Tokens:
    """Paging that never ends: every page is the first one, and names one of the tokens as the following one."""

    tokens: Iterator[str] = field(repr=False)

    @classmethod
    def endless(cls) -> "Tokens":
        return cls(f"token-{number}" for number in itertools.count())

    @classmethod
    def repeating(cls, *tokens: str) -> "Tokens":
        return cls(itertools.cycle(tokens))

    async def __call__(self, exchange: Exchange) -> web.StreamResponse:
        name = "NextToken" if exchange.asked.operation == "ListAccounts" else "nextToken"
        return _changed(exchange.serve(first_page=True), lambda document: {**document, name: next(self.tokens)}).response()


def _changed(answer: Answer, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Answer:
    """Return a result with its document changed; a refusal, and what is not JSON, stays as it is."""
    if answer.status != HTTPStatus.OK or answer.content_type != JSON:
        return answer
    return replace(answer, body=json.dumps(change(json.loads(answer.body))).encode())
