"""A whole exporter whose clock moves by one interval for each line of its input, and that tells what it holds."""

import asyncio
import json
import os
import re
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.clock import FakeClock
from tests.support.rig import FakeRig
from tests.support.served import Served
from tests.support.waiting import wait_until

LOOKED_AT = ("/", "/api/v1/status", "/api/v1/cases", "/metrics")
PATIENCE = 20.0
POOLED = re.compile("asyncio_|ThreadPoolExecutor-")
"""Threads of executors, which are bounded: whether one more is started is a race."""


class SteppedClock(FakeClock):
    """Time that only the test moves."""

    async def sleep(self, seconds: float) -> None:
        """Wait until the test has moved it by that much."""
        until = self.monotonic() + seconds
        while self.monotonic() < until:  # noqa: ASYNC110 - it is another thread that moves it
            await asyncio.sleep(0.02)


def live(configs: Sequence[str], interval: float) -> None:
    """Live through one interval for each line of standard input, reload in every tenth, and write a line of JSON each time."""
    clock = SteppedClock()
    with (
        TemporaryDirectory() as folder,
        FakeRig(configs[0], clock) as rig,
        rig.running(),
        Served(rig, Path(folder, "config.yaml")) as served,
    ):
        settle(rig)
        for number, _ in enumerate(sys.stdin, 1):
            clock.advance(interval)
            if number % 10 == 0:
                assert served.reload(configs[number // 10 % len(configs)]) == 200
            settle(rig)
            for path in LOOKED_AT:
                new = served.connect()
                served.get(path, connection=new)
                new.close()
            page = served.get("/metrics")
            served.wait_until_alone()
            print(json.dumps(held() | {"page": page}), flush=True)  # noqa: T201 - to the test


def settle(rig: FakeRig) -> None:
    """Wait until what is due by now is done, and shown."""
    now = rig.clock.time()

    def done() -> bool | None:
        rig.wake()
        listed = all((found.last_success or 0.0) >= now for found in rig.discoverer.organizations())
        return (listed and all(entry.due > rig.clock.monotonic() for entry in rig.accounts.entries())) or None

    wait_until(done, PATIENCE, lambda: "accounts are not listed or not read")
    rig.page()


def held() -> dict[str, int]:
    """Return what this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    descriptors = [path.resolve().name for path in Path("/proc/self/fd").iterdir()]
    return {
        "rss": pages * os.sysconf("SC_PAGESIZE"),
        "threads": sum(not POOLED.match(thread.name) for thread in threading.enumerate()),
        "descriptors": len(descriptors),
        "sockets": sum(name.startswith("socket:") for name in descriptors),
    }


if __name__ == "__main__":
    live(sys.argv[2:], float(sys.argv[1]))
