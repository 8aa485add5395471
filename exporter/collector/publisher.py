"""Publishes a new page when something changed, and every 15 seconds, because ages move."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from exporter.collector.pulse import Pulse
from exporter.collector.roster import Roster
from exporter.collector.source import Timing
from exporter.collector.store import PageStore
from exporter.metrics import catalog
from exporter.metrics.families import Sample
from exporter.metrics.renderer import Renderer

LONGEST_AGE = 15.0
"""Seconds after which a page is made anew even if nothing changed."""
_SHORTEST_AGE = 1.0
_SHARE_OF_A_CORE = 0.02
_SHARE_IN_THE_FIRST_ROUND = 0.2


def pause_after(cost: float, *, first_round: bool) -> float:
    """Return how many seconds to wait at least after a page, before the next.

    The pause is in proportion to what a page costs, so that a large fleet in which something changes all the time does not keep
    a core busy.

    Args:
        cost: CPU seconds that the page took: while many accounts are read, it takes longer than it costs.
        first_round: Whether some accounts have not been tried yet: then somebody may be waiting to see them all.
    """
    share = _SHARE_IN_THE_FIRST_ROUND if first_round else _SHARE_OF_A_CORE
    return min(LONGEST_AGE, max(_SHORTEST_AGE, cost / share))


class Publisher:
    """Makes pages of a roster and puts them into a store.

    Args:
        roster: What is known of the accounts.
        renderer: Makes pages.
        store: Where they go.
        fleet: Returns samples that are not any account's.
        timing: The clocks.
        cpu: Seconds of CPU time of the present thread.
    """

    def __init__(
        self,
        roster: Roster,
        renderer: Renderer,
        store: PageStore,
        fleet: Callable[[], Iterable[Sample]],
        timing: Timing,
        cpu: Callable[[], float] = time.thread_time,
    ) -> None:
        self._roster = roster
        self._renderer = renderer
        self._store = store
        self._fleet = fleet
        self._timing = timing
        self._cpu = cpu
        self._cost = 0.0
        self._duration: float | None = None
        self._version = -1
        self._lock = threading.Lock()

    def run(self, stop: threading.Event, pulse: Pulse) -> None:
        """Publish pages until told to stop."""
        while not stop.is_set():
            pulse.beat(2 * LONGEST_AGE)
            # Asked before: a page that was begun without the last accounts does not show them.
            first_round = not self._roster.all_polled()
            self.publish()
            pause = pause_after(self._cost, first_round=first_round)
            if first_round:
                self._roster.wait_until_all_polled(pause)
            else:
                stop.wait(pause)
            if not stop.is_set():
                self._roster.wait_for_change(self._version, LONGEST_AGE - pause)

    @contextmanager
    def changing_over(self, renderer: Renderer) -> Iterator[None]:
        """Make no page while the caller changes things, and make pages with this renderer from then on."""
        with self._lock:
            yield
            self._renderer = renderer

    def publish(self) -> None:
        """Make a page of what is known now, and publish it."""
        with self._lock:
            self._publish()

    def _publish(self) -> None:
        started, cpu = self._timing.monotonic(), self._cpu()
        self._version, statuses = self._roster.statuses()
        now = self._timing.time()
        samples = [*self._fleet(), Sample(catalog.PAGE_TIMESTAMP, {}, now)]
        if self._duration is not None:
            samples.append(Sample(catalog.RENDER_DURATION, {}, self._duration))
        self._store.publish(self._renderer.render(statuses, samples, now))
        self._duration = self._timing.monotonic() - started
        self._cost = self._cpu() - cpu
