"""What is done with messages, and with accounts that events name; on a fake clock."""

from collections.abc import Sequence

import pytest

from exporter.cases.events import Event, Ignored
from exporter.cases.model import Reason
from exporter.collector.ports import Message
from exporter.errors import ReadFailure
from tests.collector.conftest import INTERVAL, A, B, C, FakeWorld


class FakeQueue:
    """Returns the given batches, and records what is deleted."""

    def __init__(self, *batches: Sequence[Message]) -> None:
        self.url = "https://queue"
        self.batches = list(batches)
        self.waits: list[int] = []
        self.deleted: list[list[str]] = []
        self.failure: ReadFailure | None = None

    async def receive(self, wait: int) -> Sequence[Message]:
        self.waits.append(wait)
        return self.batches.pop(0) if self.batches else ()

    async def delete(self, handles: Sequence[str]) -> None:
        self.deleted.append(list(handles))
        if self.failure is not None:
            raise self.failure


async def receive(world: FakeWorld, *contents: Event | Ignored) -> FakeQueue:
    """Receive a batch of messages."""
    queue = FakeQueue([(str(number), content) for number, content in enumerate(contents)])
    world.collector.events.apply(queue)
    assert await world.collector.events.receive(queue) == len(contents)
    return queue


async def test_all_messages_are_deleted_and_only_our_accounts_are_polled(world: FakeWorld) -> None:
    await world.assign(A, B)
    await world.poll_due()
    event = Event(A, at=world.clock.time())
    world.clock.advance(1)
    queue = await receive(world, event, Event(C), Ignored.MALFORMED, Ignored.OTHER_EVENT, Event(A))
    assert await world.poll_due() == [A]
    assert await world.poll_due() == []
    assert await world.collector.events.receive(queue) == 0
    assert queue.deleted == [["0", "1", "2", "3", "4"]]
    status = world.collector.events.status
    assert (status.count, status.delay) == (2, 1.0)


async def test_nothing_more_is_received_until_what_was_is_deleted(world: FakeWorld) -> None:
    queue = await receive(world, Ignored.MALFORMED)
    queue.batches = [[("more", Ignored.MALFORMED)]]
    queue.failure = ReadFailure(Reason.ACCESS_DENIED, "DeleteMessageBatch: AccessDenied")
    for _ in range(2):
        with pytest.raises(ReadFailure):
            await world.collector.events.receive(queue)
    queue.failure = None
    for _ in range(2):
        await world.collector.events.receive(queue)
    assert queue.deleted == [["0"], ["0"], ["0"], ["more"]]


async def test_after_a_full_batch_many_are_received_and_deleted_at_a_time(world: FakeWorld) -> None:
    batches = [[(f"{number}-{each}", Ignored.MALFORMED) for each in range(10)] for number in range(12)]
    queue = FakeQueue(*batches)
    world.collector.events.apply(queue)
    assert [await world.collector.events.receive(queue) for _ in range(5)] == [10, 100, 10, 0, 0]
    assert queue.waits == [1, *([0] * 30), 15], "long only where the queue is known to answer"
    assert queue.deleted == [[handle for handle, _ in batch] for batch in batches]


@pytest.mark.parametrize("away", [-62e9, -15 * 86400.0, 15 * 86400.0])
async def test_an_event_with_a_time_that_cannot_be_has_its_account_polled_and_no_delay(away: float, world: FakeWorld) -> None:
    await world.assign(A)
    await world.poll_due()
    await receive(world, Event(A, at=world.clock.time() + away))
    assert await world.poll_due() == [A]
    assert world.collector.events.status.delay is None


@pytest.mark.parametrize("reason", [Reason.ACCESS_DENIED, Reason.THROTTLED])
async def test_an_account_that_fails_keeps_to_its_pauses_and_then_serves_its_events(reason: Reason, world: FakeWorld) -> None:
    await world.fail(ReadFailure(reason, "x"), A)
    before = world.status(A)
    await receive(world, Event(A, at=world.clock.time()))
    assert world.status(A) is before, "an event leaves nothing behind that grows"
    assert await world.poll_due() == []
    world.answer((), A)
    world.clock.advance(2000)
    assert await world.poll_due() == [A]
    assert world.collector.events.status.delay == 2000


@pytest.mark.parametrize(
    ("events", "polls"),
    [
        ([], []),
        ([1, 1, 1], [1, 61]),
        ([1, 2, 5.5], [1, 6, 66]),
        ([1, 6], [1, 6, 66]),
        ([1, 60], [1, 60, 120]),
        ([1, 62], [1, 61, 66, 126]),
        (list(range(1, 12)), [1, 6, 11, 71]),
    ],
)
async def test_an_account_is_polled_at_once_and_once_more(events: list[float], polls: list[float], world: FakeWorld) -> None:
    await world.assign(A)
    await world.poll_due()
    began, found = world.clock.monotonic(), list[float]()
    while (now := world.clock.monotonic() - began) < INTERVAL / 2:  # before its own poll is due
        for _ in range(events.count(now)):
            world.collector.accounts.note(Event(A))
        if await world.poll_due(publish=False):
            found.append(now)
        world.clock.advance(0.5)
    assert found == polls
    status = world.status(A)
    assert (status.next_poll or 0) - (status.last_success or 0) >= INTERVAL / 2, "the regular poll moves on"


async def test_an_event_that_comes_while_its_account_is_read_has_it_read_again(world: FakeWorld) -> None:
    await world.assign(A)
    (entry,) = world.collector.accounts.due()
    world.collector.accounts.begin(entry)
    world.clock.advance(1)
    world.collector.accounts.note(Event(A))
    world.collector.accounts.finish(entry, entry.status)
    assert await world.poll_due() == [A]
