"""An exporter that lives through one interval for each line of its input, and tells what it holds; a process of its own."""

import json
import os
import sys
import threading
from pathlib import Path

from tests.support.clock import FakeTiming
from tests.support.rig import FakeRig


def resident_bytes() -> int:
    """Return how much memory the process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def main(config: str, interval: float) -> None:
    """Read every account once for each line of standard input, and write a line of JSON each time."""
    rig = FakeRig(config, FakeTiming())
    for _ in sys.stdin:
        page = rig.after(interval)
        state = {
            "rss": resident_bytes(),
            "threads": threading.active_count(),
            "descriptors": len(list(Path("/proc/self/fd").iterdir())),
            "page": page.text,
        }
        sys.stdout.write(json.dumps(state) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
