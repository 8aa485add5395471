"""Measures scrapes beside a refresh that never ends, and what those get who guess passwords: `python -m bench.load`.

AWS is a simulator in a process of its own, the exporter another, and so is wrk, which asks. All figures are of one run.
"""

import argparse
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.load_report import rows
from bench.table import print_table
from bench.under_load import QUICK, Plan, measure


def main(arguments: Sequence[str]) -> int:
    """Measure, and print the table.

    Returns:
        0, or with `--strict` 1 when a bound was missed.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.load", description="Measures scrapes under load.")
    parser.add_argument("--quick", action="store_true", help="a small fleet and 5 s each, in about a minute")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a bound is missed")
    options = parser.parse_args(arguments)
    plan = QUICK if options.quick else Plan()
    # So that every process is ended that was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    load, began = os.getloadavg()[0], time.monotonic()
    with tempfile.TemporaryDirectory(prefix="aws-support-exporter-load-") as folder:
        measured = measure(plan, Path(folder))
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, load {load:.1f} before"
    table = rows(plan, measured)
    print_table(table, f"bench/load: {machine}, {time.monotonic() - began:.0f} s", sys.stdout)
    return int(options.strict and any(row.missed for row in table))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
