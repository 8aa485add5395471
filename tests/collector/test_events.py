"""What is done with messages, and with accounts that events name; on a fake clock."""

from collections.abc import Sequence

import pytest

from exporter.cases.events import Event, Ignored
from exporter.cases.model import Reason
from exporter.collector.ports import Message
from exporter.errors import ReadFailure
from exporter.metrics import catalog
from tests.collector.conftest import INTERVAL, World
from tests.support.clock import FakeClock

A, B, FOREIGN = "111111111111", "222222222222", "333333333333"


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


async def test_all_messages_are_deleted_and_only_our_accounts_are_polled(world: World[FakeClock]) -> None:
    await world.assign(A, B)
    await world.poll_due()
    contents: list[Event | Ignored] = [
        Event(A, at=world.clock.time()),
        Event(FOREIGN),
        Ignored.MALFORMED,
        Ignored.OTHER_EVENT,
        Event(A),
    ]
    queue = FakeQueue([(f"handle-{number}", content) for number, content in enumerate(contents)])
    world.collector.events.apply(queue)
    world.clock.advance(1)
    assert await world.collector.events.receive(queue) == 5
    assert await world.poll_due() == [A]
    assert await world.poll_due() == []
    assert await world.collector.events.receive(queue) == 0
    assert queue.deleted == [[f"handle-{number}" for number in range(5)]]
    world.clock.advance(61)
    assert A in await world.poll_due(), "once more"
    status = world.collector.events.status
    assert (status.count, status.delay) == (2, 1.0)


async def test_nothing_more_is_received_until_what_was_is_deleted(world: World[FakeClock]) -> None:
    queue = FakeQueue([("1", Ignored.MALFORMED)], [("2", Ignored.MALFORMED)])
    world.collector.events.apply(queue)
    await world.collector.events.receive(queue)
    queue.failure = ReadFailure(Reason.ACCESS_DENIED, "DeleteMessageBatch: AccessDenied")
    for _ in range(2):
        with pytest.raises(ReadFailure):
            await world.collector.events.receive(queue)
    queue.failure = None
    for _ in range(2):
        await world.collector.events.receive(queue)
    assert queue.deleted == [["1"], ["1"], ["1"], ["2"]]


async def test_after_a_full_batch_many_are_received_and_deleted_at_a_time(world: World[FakeClock]) -> None:
    batches = [[(f"{number}-{each}", Ignored.MALFORMED) for each in range(10)] for number in range(12)]
    queue = FakeQueue(*batches)
    world.collector.events.apply(queue)
    assert [await world.collector.events.receive(queue) for _ in range(5)] == [10, 100, 10, 0, 0]
    assert queue.waits == [1, *([0] * 30), 15]
    assert queue.deleted == [[handle for handle, _ in batch] for batch in batches]


async def test_a_message_is_waited_for_long_only_where_the_queue_is_known_to_answer(world: World[FakeClock]) -> None:
    queue = FakeQueue()
    world.collector.events.apply(queue)
    for _ in range(3):
        await world.collector.events.receive(queue)
    assert queue.waits == [1, 15, 15]


@pytest.mark.parametrize("away", [-62e9, -15 * 86400.0, 15 * 86400.0])
async def test_an_event_with_a_time_that_cannot_be_has_its_account_polled_and_no_delay(
    away: float, world: World[FakeClock]
) -> None:
    await world.assign(A)
    await world.poll_due()
    queue = FakeQueue([("1", Event(A, at=world.clock.time() + away))])
    world.collector.events.apply(queue)
    await world.collector.events.receive(queue)
    world.clock.advance(5)
    assert await world.poll_due() == [A]
    assert world.collector.events.status.delay is None


@pytest.mark.parametrize("reason", [Reason.ACCESS_DENIED, Reason.TIMEOUT, Reason.THROTTLED])
async def test_an_account_that_fails_keeps_to_its_pauses_and_the_poll_that_succeeds_serves_its_events(
    reason: Reason, world: World[FakeClock]
) -> None:
    await world.assign(A)
    world.sources[A].outcome = ReadFailure(reason, "x")
    await world.poll_due()
    before = world.status(A)
    queue = FakeQueue([("1", Event(A, at=world.clock.time()))])
    world.collector.events.apply(queue)
    await world.collector.events.receive(queue)
    assert world.status(A) is before, "an event leaves nothing behind that grows"
    assert await world.poll_due() == []
    world.sources[A].outcome = ()
    world.clock.advance(2000)
    assert await world.poll_due() == [A]
    assert world.collector.events.status.delay == 2000


async def poll_times(world: World[FakeClock], events: Sequence[float], until: float) -> list[float]:
    """Return when an account is polled, of which events come at such times; its own poll is at none of them."""
    await world.assign(A)
    await world.poll_due()
    began, found, left = world.clock.monotonic(), list[float](), sorted(events)
    while (now := world.clock.monotonic() - began) < until:
        while left and left[0] <= now:
            left.pop(0)
            world.collector.accounts.note(Event(A))
        if await world.poll_due():
            found.append(now)
        world.clock.advance(0.5)
    return found


@pytest.mark.parametrize(
    ("events", "polls"),
    [
        ([], []),
        ([1], [1, 61]),
        ([1, 1, 1], [1, 61]),
        ([1, 2, 5.5], [1, 6, 66]),
        ([1, 6], [1, 6, 66]),
        ([1, 60], [1, 60, 120]),
        ([1, 62], [1, 61, 66, 126]),
        (list(range(1, 12)), [1, 6, 11, 71]),
    ],
)
async def test_an_account_is_polled_at_once_and_a_minute_later_and_at_most_every_five_seconds(
    events: list[float], polls: list[float], world: World[FakeClock]
) -> None:
    assert await poll_times(world, events, 140) == pytest.approx(polls)


async def test_the_regular_poll_moves_on_as_after_any_other(world: World[FakeClock]) -> None:
    await poll_times(world, [1], 70)
    status = world.status(A)
    assert (status.next_poll or 0) - (status.last_success or 0) >= INTERVAL / 2


async def test_an_event_that_comes_while_its_account_is_read_has_it_read_again(world: World[FakeClock]) -> None:
    await world.assign(A)
    (entry,) = world.collector.accounts.due()
    world.collector.accounts.begin(entry)
    world.clock.advance(1)
    world.collector.accounts.note(Event(A))
    world.collector.accounts.finish(entry, entry.status)
    assert await world.poll_due() == [A]


async def test_a_queue_is_told_up_or_down_once_it_is_known(world: World[FakeClock]) -> None:
    events = world.collector.events
    assert list(events.samples()) == []
    queue = FakeQueue()
    events.apply(queue)
    assert list(events.samples()) == []
    await events.receive(queue)
    found = {sample.metric: sample.value for sample in events.samples()}
    assert found == {catalog.EVENT_QUEUE_UP: True, catalog.QUEUE_RECEIVED: world.clock.time()}
    events.apply(None)
    assert (list(events.samples()), events.status.url) == ([], "")
