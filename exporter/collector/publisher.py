"""Publishes a new page when something changed, and every 15 seconds, because ages move."""

import threading
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


class Publisher:
    """Makes pages of a roster and puts them into a store.

    Args:
        roster: What is known of the accounts.
        renderer: Makes pages.
        store: Where they go.
        fleet: Returns samples that are not any account's.
        timing: The clocks.
    """

    def __init__(
        self,
        roster: Roster,
        renderer: Renderer,
        store: PageStore,
        fleet: Callable[[], Iterable[Sample]],
        timing: Timing,
    ) -> None:
        self._roster = roster
        self._renderer = renderer
        self._store = store
        self._fleet = fleet
        self._timing = timing
        self._duration: float | None = None
        self._version = -1
        self._lock = threading.Lock()

    def run(self, stop: threading.Event, pulse: Pulse) -> None:
        """Publish pages until told to stop.

        Between two pages is a pause in proportion to what a page costs, so that a large fleet in which something changes all
        the time does not keep a core busy.
        """
        while not stop.is_set():
            pulse.beat(2 * LONGEST_AGE)
            self.publish()
            rest = max(_SHORTEST_AGE, (self._duration or 0.0) / _SHARE_OF_A_CORE)
            if stop.wait(min(rest, LONGEST_AGE)):
                return
            self._roster.wait_for_change(self._version, max(0.0, LONGEST_AGE - rest))

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
        started = self._timing.monotonic()
        self._version, statuses = self._roster.statuses()
        now = self._timing.time()
        samples = [*self._fleet(), Sample(catalog.PAGE_TIMESTAMP, {}, now)]
        if self._duration is not None:
            samples.append(Sample(catalog.RENDER_DURATION, {}, self._duration))
        self._store.publish(self._renderer.render(statuses, samples, now))
        self._duration = self._timing.monotonic() - started
