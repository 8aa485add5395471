"""The threads: some that read accounts, one that finds out which, one that publishes pages."""

import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

from exporter.collector.discoverer import Discoverer
from exporter.collector.poller import Poller
from exporter.collector.publisher import Publisher
from exporter.collector.pulse import Pulse
from exporter.collector.roster import Roster
from exporter.collector.source import Target

_PATIENCE = 1.0


class Collector:
    """Runs a poller in several threads, a discoverer and a publisher in one each.

    Args:
        roster: Which accounts are read.
        discoverer: Finds out which.
        poller: Reads them.
        publisher: Publishes what was read.
        concurrency: How many accounts are read at a time.
        monotonic: Seconds on a clock that never goes back.
    """

    def __init__(
        self,
        roster: Roster,
        discoverer: Discoverer,
        poller: Poller,
        publisher: Publisher,
        *,
        concurrency: int,
        monotonic: Callable[[], float],
    ) -> None:
        self._monotonic = monotonic
        self._roster = roster
        self._discoverer = discoverer
        self._poller = poller
        self._publisher = publisher
        self._concurrency = concurrency
        self._stop = threading.Event()
        self._running = False
        self._pollers: list[_Worker] = []
        self._others = [
            _Worker("dispatch", poller.dispatch, self._stop, monotonic),
            _Worker("publish", publisher.run, self._stop, monotonic),
            _Worker("discover", discoverer.run, self._stop, monotonic),
        ]

    def start(self) -> None:
        """Publish a first page, which says that nothing is known yet, and start to read."""
        self._publisher.publish()
        self._running = True
        self._begin(self._concurrency)
        for thread in self._others:
            thread.start()

    def resize(self, concurrency: int) -> None:
        """Read that many accounts at a time from now on; threads that are too many end once they are done with what they read.

        Raises:
            RuntimeError: The system allows no more threads; what was is as it was.
        """
        surplus = self._concurrency - concurrency
        if self._running and surplus > 0:
            self._poller.release(surplus)
        elif self._running:
            self._begin(-surplus)
        self._concurrency = concurrency

    def _begin(self, pollers: int) -> None:
        self._pollers = [thread for thread in self._pollers if thread.is_alive()]
        begun = 0
        try:
            for begun in range(pollers):  # noqa: B007 - needed when it ends early
                thread = _Worker("poll", self._poller.run, self._stop, self._monotonic)
                thread.start()
                self._pollers.append(thread)
        except RuntimeError:
            self._poller.release(begun)
            raise

    def run_once(self, progress: Callable[[int, int], None]) -> None:
        """Find all accounts, read each once, and publish the page.

        Args:
            progress: Is told how many accounts were read, and of how many.
        """
        self._discoverer.refresh_due()
        targets: SimpleQueue[Target] = SimpleQueue()
        while (target := self._roster.take()) is not None:
            targets.put(target)
        ended: SimpleQueue[None] = SimpleQueue()

        def read() -> None:
            with suppress(Empty):
                while True:
                    target = targets.get_nowait()
                    try:
                        self._poller.poll(target)
                    finally:
                        ended.put(None)

        total = targets.qsize()
        progress(0, total)
        # Unlike an executor's, these threads end with the process when somebody ends it.
        for _ in range(min(self._concurrency, total)):
            threading.Thread(target=read, daemon=True).start()
        for done in range(1, total + 1):
            ended.get()
            progress(done, total)
        self._publisher.publish()

    def stop(self) -> None:
        """End the threads; those that wait for AWS are left behind, and end with the process."""
        self._stop.set()
        self._roster.wake()
        self._discoverer.wake()
        self._poller.release(self._concurrency)
        threads = [*self._pollers, *self._others]
        for thread in threads:
            thread.join(_PATIENCE / len(threads))

    def ailments(self) -> list[str]:
        """Return what is wrong with the threads, a line each; nothing while all get on with their work."""
        missing = self._concurrency - sum(worker.is_alive() for worker in self._pollers)
        ended = ["poll"] * max(0, missing) + [worker.name for worker in self._others if not worker.is_alive()]
        stuck = [worker.name for worker in (*self._pollers, *self._others) if worker.is_alive() and worker.pulse.is_stuck()]
        counted = [(name, "has ended") for name in ended] + [(name, "is stuck") for name in stuck]
        return [f"a thread that is to {name} {what}" for name, what in dict.fromkeys(counted)]


class _Worker(threading.Thread):
    """A thread with its pulse."""

    def __init__(
        self, name: str, work: Callable[[threading.Event, Pulse], None], stop: threading.Event, monotonic: Callable[[], float]
    ) -> None:
        self.pulse = Pulse(monotonic)
        super().__init__(target=work, args=(stop, self.pulse), name=name, daemon=True)
