import threading
from typing import Self

import pytest

from exporter.collector.publisher import LONGEST_AGE, Publisher, pause_after
from exporter.collector.pulse import Pulse
from exporter.metrics.exposition import PageStore
from exporter.cases.policy import Policy
from exporter.metrics.instrumentation import Instrumentation
from exporter.metrics.renderer import Renderer
from tests.collector.conftest import World
from tests.support.waiting import wait_until


@pytest.mark.parametrize(
    ("cost", "first_round", "pause"),
    [
        (0.0, False, 1.0),
        (0.01, False, 1.0),
        (0.1, False, 5.0),
        (10.0, False, LONGEST_AGE),
        (0.1, True, 1.0),
        (0.4, True, 2.0),
    ],
)
def test_pages_take_a_small_share_of_a_core_and_more_of_it_in_the_first_round(
    cost: float, *, first_round: bool, pause: float
) -> None:
    assert pause_after(cost, first_round=first_round) == pytest.approx(pause)


class Publishing:
    """A publisher that runs, and whose pages seem to cost so much that there are 15 seconds between two."""

    def __init__(self, world: World) -> None:
        cpu = iter(range(0, 1_000_000, 10))
        self.store = PageStore(world.timing.monotonic)
        renderer = Renderer(Policy(1800.0, {}), Instrumentation(()))
        publisher = Publisher(world.roster, renderer, self.store, list, world.timing, lambda: float(next(cpu)))
        self._roster = world.roster
        self._stop = threading.Event()
        self._thread = threading.Thread(target=publisher.run, args=(self._stop, Pulse(world.timing.monotonic)))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._roster.wake()
        self._thread.join(5.0)
        assert not self._thread.is_alive()

    def wait_for_page(self, number: int) -> None:
        wait_until(lambda: self.store.generation >= number or None, 5.0, lambda: f"{self.store.generation} pages")


def test_the_end_of_the_first_round_is_shown_at_once(world: World) -> None:
    world.add("111122223333", "444455556666")
    with Publishing(world) as publishing:
        publishing.wait_for_page(1)
        first, second = (world.roster.take() for _ in range(2))
        assert first is not None
        assert second is not None
        world.poller.poll(first)
        assert publishing.store.generation == 1
        world.poller.poll(second)
        publishing.wait_for_page(2)
