"""A week of the simulator's fleet as a Prometheus that scraped exporters all the while would have stored it."""

import asyncio
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from exporter.simulator.fleet import Fleet
from tests.support.recording import HistoryClock, RecordedExporter, Scrape

DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Story:
    """A fleet, and the exporters that watched it."""

    fleet: Callable[[Callable[[], float]], Fleet]
    scrapes: Sequence[Scrape]
    seconds: float = 7 * DAY
    step: float = 300.0


async def write_story(story: Story, end: float, stream: BinaryIO) -> None:
    """Write the samples of a story in OpenMetrics, without the end marker."""
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
    """Make a data directory for Prometheus that holds stories side by side: their jobs or instances must differ."""
    directory.mkdir(parents=True, exist_ok=True)
    samples = directory / "history.openmetrics"
    with samples.open("wb") as stream:
        for story in stories:
            asyncio.run(write_story(story, end, stream))
        stream.write(b"# EOF\n")
    data = directory / "data"
    command = ["tsdb", "create-blocks-from", "openmetrics", "--quiet", "--max-block-duration=768h"]
    subprocess.run([promtool, *command, samples, data], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    samples.unlink()
    return data


def healthy(accounts: int, cases: float = 4.0) -> Callable[[Callable[[], float]], Fleet]:
    """Return what makes a fleet of which every account can be read."""
    return lambda clock: Fleet.living(clock, accounts=accounts, cases=cases)
