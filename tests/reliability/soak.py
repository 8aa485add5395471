"""An exporter that lives through one interval for each line of its input, and tells what it holds; a process of its own.

It is whole: its own tasks poll accounts, list them and make pages, and its server answers scrapes. Only its clock is not
time's: it moves by one interval for each line.
"""

import asyncio
import json
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.clock import FakeClock
from tests.support.rig import FakeRig
from tests.support.served import Served
from tests.support.waiting import wait_until

LOOKED_AT = ("/", "/api/v1/status", "/metrics")
PATIENCE = 20.0


class SteppedClock(FakeClock):
    """Time that moves when it is told to, and for nobody who waits by it."""

    async def sleep(self, seconds: float) -> None:
        """Wait until it is told to move by that much."""
        until = self.monotonic() + seconds
        while self.monotonic() < until:  # noqa: ASYNC110 - it is another thread that moves it
            await asyncio.sleep(0.02)


class Exporter:
    """A running exporter, and somebody who looks at its pages after each interval.

    Args:
        configs: Its configurations; another one is put in force in every tenth interval.
        interval: How far its clock moves at a time.
    """

    def __init__(self, configs: Sequence[str], interval: float) -> None:
        self._configs = configs
        self._interval = interval
        self._clock = SteppedClock()
        self._rig = FakeRig(configs[0], self._clock)
        self._intervals = 0

    def run(self) -> None:
        """Live through one interval for each line of standard input, and write a line of JSON each time."""
        with (
            TemporaryDirectory() as folder,
            self._rig,
            self._rig.running(),
            Served(self._rig, Path(folder, "config.yaml")) as served,
        ):
            self._settle()
            for _ in sys.stdin:
                self._live(served)
                page = ""
                for path in LOOKED_AT:
                    new = served.connect()
                    served.get(path, connection=new)
                    new.close()
                    page = served.get(path)
                served.wait_until_alone()
                sys.stdout.write(json.dumps(held() | {"page": page}) + "\n")
                sys.stdout.flush()

    def _live(self, served: Served) -> None:
        self._clock.advance(self._interval)
        self._intervals += 1
        if self._intervals % 10 == 0:
            assert served.reload(self._configs[self._intervals // 10 % len(self._configs)]) == 200
        self._settle()

    def _settle(self) -> None:
        """Wait until what is due by now is done, and shown."""
        rig, now = self._rig, self._clock.time()
        wait_until(lambda: _listed_since(rig, now) or None, PATIENCE, lambda: "the accounts are not listed")
        rig.wake()
        wait_until(lambda: _nothing_is_due(rig) or None, PATIENCE, lambda: "accounts are not read")
        rig.page()


def held() -> dict[str, int]:
    """Return what this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    descriptors = list(_descriptors())
    return {
        "rss": pages * os.sysconf("SC_PAGESIZE"),
        "threads": threading.active_count(),
        "descriptors": len(descriptors),
        "sockets": sum(name.startswith("socket:") for name in descriptors),
    }


def _descriptors() -> Iterator[str]:
    for path in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            yield str(path.readlink())


def _listed_since(rig: FakeRig, moment: float) -> bool:
    return all((found.last_success or 0.0) >= moment for found in rig.discoverer.organizations())


def _nothing_is_due(rig: FakeRig) -> bool:
    now = rig.clock.monotonic()
    return all(entry.due > now for entry in rig.accounts.entries())


if __name__ == "__main__":
    Exporter(sys.argv[2:], float(sys.argv[1])).run()
