"""A large answer goes out in slices, none larger than slices may be by then."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from starlette.types import Message

from exporter.web.sliced import Readers, SlicedResponse

SMALL, LARGE = 128 * 1024, 512 * 1024


async def never() -> Message:
    raise AssertionError("nobody asks for the request")


def sent(
    stored: list[bytes],
    rest: bytes = b"",
    method: str = "GET",
    *,
    readers: Readers | None = None,
    then: Callable[[], object] = int,
) -> list[Message]:
    """Return what an answer sends, and do something after each message."""
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)
        then()

    asyncio.run(
        SlicedResponse(stored, {"X-Y": "z"}, readers or Readers(), rest)({"type": "http", "method": method}, never, send)
    )
    return messages


@pytest.mark.parametrize(
    ("parts", "sizes"),
    [
        ([], []),
        ([0, 0], []),
        ([5], [5]),
        ([5, 0, 7], [12]),
        ([LARGE], [LARGE]),
        ([LARGE + 1], [LARGE, 1]),
        ([1, LARGE], [LARGE, 1]),
        ([LARGE - 1, 1, 3], [LARGE, 3]),
        ([3 * LARGE + 2, 4], [LARGE, LARGE, LARGE, 6]),
    ],
    ids=str,
)
def test_parts_go_out_in_slices_and_the_rest_behind_them(parts: list[int], sizes: list[int]) -> None:
    stored = [bytes([number]) * size for number, size in enumerate(parts)]
    start, *bodies, last = sent(stored, b"rest")
    assert dict(start["headers"])[b"content-length"] == str(sum(parts) + 4).encode()
    assert [len(message["body"]) for message in bodies] == sizes
    assert b"".join(message["body"] for message in bodies) == b"".join(stored)
    assert (last["body"], last.get("more_body", False)) == (b"rest", False)


def test_a_head_request_gets_the_headers_and_no_byte_of_the_body() -> None:
    start, *bodies = sent([b"stored"], b"rest", "HEAD")
    assert dict(start["headers"])[b"content-length"] == b"10"
    assert [message["body"] for message in bodies] == [b""]


def test_slices_become_smaller_once_there_are_many_readers() -> None:
    readers = Readers()
    with ExitStack() as others:
        _, *bodies = sent([b"x" * (9 * LARGE)], readers=readers, then=lambda: others.enter_context(readers.one_more()))
    sizes = [len(message["body"]) for message in bodies]
    assert (sizes[0], sizes[-2], sum(sizes)) == (LARGE, SMALL, 9 * LARGE)
    assert sizes[:-1] == sorted(sizes[:-1], reverse=True)
