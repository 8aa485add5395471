"""A week of the simulator's fleet as a Prometheus that scraped exporters all the while would have stored it.

`python -m tests.support.history DIR` makes a data directory that ends now, for a Prometheus to look at.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from exporter.simulator.fleet import Fleet
from tests.support.recording import HistoryClock, RecordedExporter, Scrape
from tests.support.tools import find_tool

DAY = 86400.0
_DEMO_SEED = 5


@dataclass(frozen=True, slots=True)
class Story:
    """A fleet, and the exporters that watched it.

    Attributes:
        fleet: Makes the fleet as it is at the beginning.
        scrapes: The exporters.
        seconds: How long they watched.
        step: Seconds between two scrapes.
    """

    fleet: Callable[[Callable[[], float]], Fleet]
    scrapes: Sequence[Scrape]
    seconds: float = 7 * DAY
    step: float = 300.0


async def write_story(story: Story, end: float, stream: BinaryIO) -> None:
    """Write the samples of a story in OpenMetrics, without the end marker.

    Args:
        story: What happened.
        end: When it ends, in Unix seconds.
        stream: Where to write.
    """
    start = end - story.seconds
    clock = HistoryClock(start)
    fleet = story.fleet(clock.time)
    exporters = [RecordedExporter(fleet, scrape, clock, story.step) for scrape in story.scrapes]
    for number in range(int(story.seconds // story.step) + 1):
        clock.move_to(start + number * story.step)
        fleet.advance(clock.time())
        for exporter in exporters:
            await exporter.record(stream)


def create_blocks(stories: Iterable[Story], end: float, directory: Path, promtool: Path) -> Path:
    """Make a data directory for Prometheus that holds some stories, and return it.

    Args:
        stories: What happened, side by side; their jobs or instances must differ.
        end: When all of them end, in Unix seconds.
        directory: Where; the data directory is `data` in it.
        promtool: The program that makes the blocks.
    """
    directory.mkdir(parents=True, exist_ok=True)
    samples = directory / "history.openmetrics"
    with samples.open("wb") as stream:
        for story in stories:
            asyncio.run(write_story(story, end, stream))
        stream.write(b"# EOF\n")
    data = directory / "data"
    command = [
        str(promtool),
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        "--quiet",
        "--max-block-duration=768h",
        str(samples),
        str(data),
    ]
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    samples.unlink()
    return data


def demo(clock: Callable[[], float]) -> Fleet:
    """Return the fleet of `--demo` at the pace of real life."""
    return Fleet.demo(clock, seed=_DEMO_SEED)


def healthy(accounts: int, cases: float = 4.0) -> Callable[[Callable[[], float]], Fleet]:
    """Return what makes a fleet of which every account can be read."""
    return lambda clock: Fleet.living(clock, accounts=accounts, cases=cases)


def main(arguments: Sequence[str]) -> int:
    """Make a data directory that ends now, and tell how to look at it; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.history", description=__doc__)
    parser.add_argument("directory", type=Path, help="where to put the data; it is made")
    parser.add_argument("--days", type=float, default=7.0, help="how far back (default: %(default)s)")
    parser.add_argument("--step", type=float, default=300.0, help="seconds between two scrapes (default: %(default)s)")
    parser.add_argument("--accounts", type=int, default=0, help="that many healthy accounts (default: the demo's)")
    parser.add_argument("--no-cases", action="store_true", help="without series of single cases")
    options = parser.parse_args(arguments)
    prometheus, promtool = find_tool("prometheus"), find_tool("promtool")
    if prometheus is None or promtool is None:
        parser.error("promtool is not here: run `make tools`")
    fleet = healthy(options.accounts) if options.accounts else demo
    scrape = Scrape("localhost:10047", organization="" if options.accounts == 1 else "demo", per_case=not options.no_cases)
    data = create_blocks([Story(fleet, [scrape], options.days * DAY, options.step)], time.time(), options.directory, promtool)
    config = options.directory / "prometheus.json"
    config.write_text(json.dumps({"scrape_configs": []}))
    flags = f"--query.lookback-delta={options.step:g}s --web.listen-address=127.0.0.1:9090"
    sys.stdout.write(f"{prometheus} --config.file={config} --storage.tsdb.path={data} {flags}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
