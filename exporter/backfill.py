"""What `backfill` writes: the past of the metrics, as files for `promtool tsdb create-blocks-from openmetrics`.

Each account is read into a file of its milestones; from those a file is made for each month. A file has its name once it is
whole, so that the command goes on with what it finds when it is run again.
"""

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby, repeat
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import msgspec
from structlog.typing import FilteringBoundLogger

from exporter.aws.support import SupportReader
from exporter.cases.history import SHAPES, Milestone, milestones
from exporter.cases.model import Account, Reason
from exporter.cases.report import Finding, finding, grouped
from exporter.clock import Clock
from exporter.collector.collector import Collector
from exporter.collector.discovery import Discoverer, Listing
from exporter.errors import ReadFailure, StartupError, internal
from exporter.metrics.catalog import Metric
from exporter.metrics.exposition import TextFormat, header
from exporter.metrics.history import METRICS, Histograms, Stretch, account_lines
from exporter.metrics.instrumentation import Instrumentation
from exporter.options import Options
from exporter.targets import examined

_PROGRESS_SECONDS = 10.0
_TRIES = 6  # of units and tags
_LONGEST_PAUSE = 300.0  # after which all that failed is due again
_LONGEST = 6 * 3600.0  # seconds for one account: enough for some 90,000 long cases, at five calls a second


@dataclass(slots=True)
class Backfill:
    """One run of the command: `accounts` are those that it, or one before, has read."""

    options: Options
    log: FilteringBoundLogger
    clock: Clock
    accounts: list[Account] = field(default_factory=list)
    found: set[str] = field(default_factory=set)  # ids of accounts, and their organizations
    failures: list[Finding] = field(default_factory=list)

    async def read(self, collector: Collector, concurrency: int, instrumentation: Instrumentation) -> None:
        """Read the accounts that no run before has read; raises OSError where that cannot be written."""
        listings, options, whole = collector.discoverer.listings, self.options, self.options.communications
        await asyncio.gather(*map(self._list, repeat(collector.discoverer), listings))
        self.failures += [listed for listed in map(examined, listings) if listed.reason]
        found = [entry.target for entry in collector.accounts.entries()]
        some = [each for each in found if not options.organizations or each.account.organization in options.organizations]
        self.found = {name for each in found for name in (each.account.account_id, each.account.organization)}
        sources = {each.account: each.source for each in some if isinstance(each.source, SupportReader)}
        slots, started, cases = asyncio.Semaphore(concurrency), self.clock.monotonic(), 0
        self._read("begun").parent.mkdir(parents=True, exist_ok=True)
        self._read("begun").open("a").close()

        async def read(account: Account, source: SupportReader) -> None:
            nonlocal cases
            async with slots:
                try:
                    found = await source.history(_LONGEST, communications=whole)
                except Exception as error:  # noqa: BLE001 - one account's bug must not end the reading of all others
                    failure = error if isinstance(error, ReadFailure) else internal(error)
                    self.failures.append(finding(account.account_id, {}, failure.reason, failure.detail))
                    return
            cases += len(found)
            happened = [one for case in found for one in milestones(case, account.targets, communications=whole)]
            _write(self._read(account.account_id), [msgspec.json.encode(happened)], 0o600)

        left = [each for each in sources.items() if not self._read(each[0].account_id).exists()]
        tasks, done = [asyncio.create_task(read(*each)) for each in left], -1
        while done < len(tasks):
            done = sum(task.done() for task in tasks)
            rest, passed = len(tasks) - done, (self.clock.monotonic() - started) / 60
            minutes, accounts = f"{passed * rest / done:.0f}m" if done else "unknown", f"{len(sources) - rest}/{len(sources)}"
            self.log.info("reading cases", accounts=accounts, cases=cases, requests=instrumentation.requests, eta=minutes)
            if rest:
                ended, _ = await asyncio.wait(tasks, timeout=_PROGRESS_SECONDS, return_when=asyncio.FIRST_EXCEPTION)
                await asyncio.gather(*ended)
        self.accounts = [account for account in sources if self._read(account.account_id).exists()]

    async def _list(self, discoverer: Discoverer, listing: Listing) -> None:
        await discoverer.refresh(listing)
        tries, again = _TRIES, False  # whether something failed that is not due yet
        while listing.last_success is not None and tries:
            pause = await discoverer.look_up(listing)
            problems = [*listing.warnings, *([listing.blind] if listing.blind else [])]
            tries -= bool(problems and pause)
            if pause and not problems and not again:
                return
            again = bool(problems) or (again and not pause)
            self.log.info("reading units and tags", organization=listing.discovery.name)
            await self.clock.sleep(min(pause, _LONGEST_PAUSE))
        self.failures += [*listing.warnings, *([listing.blind] if listing.blind else [])]

    def write(self, buckets: Mapping[Metric, Sequence[float]]) -> None:
        options, begun = self.options, self._read("begun").stat().st_mtime  # what was read has no later times
        step, until = int(options.step), int(min(options.until or begun, begun))
        grid = range(int(until - options.since) // step * step, until + 1, step)
        histograms = Histograms(buckets, communications=options.communications)
        for month, positions in groupby(range(len(grid)), lambda at: f"{datetime.fromtimestamp(grid[at], UTC):%Y-%m}"):
            first, *rest = positions
            stretch = Stretch(grid, first, first + len(rest) + 1, options.labels)
            with ExitStack() as stack:
                lines = {metric: stack.enter_context(TemporaryFile(dir=options.output)) for metric in METRICS}
                for account in self.accounts:
                    happened = list(stretch.placed(_milestones(self._read(account.account_id))))
                    histograms.observe(happened, stretch)
                    for metric, text in account_lines(account, happened, stretch):
                        lines[metric].write(text.encode())
                for metric, text in histograms.lines(stretch):
                    lines[metric].write(text.encode())
                _write(options.output / f"aws-support-{month}.om", _families(lines))
            self.log.info("month written", month=month)

    def report(self) -> int:
        """Log what failed, and return the exit code; where a plan has no Support API, there is no past to fail."""
        code, asked = int(not self.found), (*self.options.accounts, *self.options.organizations)
        for each in grouped(self.failures):
            log, code = (self.log.info, code) if each.reason is Reason.SUBSCRIPTION_REQUIRED else (self.log.error, 1)
            log("reading failed", names=", ".join(each.names), reason=each.reason, detail=each.detail, advice=each.advice)
        for name in set(asked) - self.found.union(*(each.names for each in self.failures)):
            self.log.error("account or organization not found", name=name)
            code = 1
        return code

    def _read(self, name: str) -> Path:
        return self.options.output / ("accounts" if self.options.communications else "accounts-without-communications") / name


def _milestones(path: Path) -> list[Milestone]:
    with suppress(ValueError):
        found = msgspec.json.decode(path.read_bytes(), type=list[Milestone])
        if {(kind, len(of), seconds is not None) for _, (kind, *of), seconds in found} <= SHAPES:
            return found
    raise StartupError(f"{path}: damaged: delete it, and run the command again")


def _families(lines: Mapping[Metric, IO[bytes]]) -> Iterator[bytes]:
    for metric, stream in lines.items():
        stream.seek(0)
        yield header(metric.family, metric.kind, metric.help, TextFormat.OPENMETRICS)
        yield from stream
    yield b"# EOF\n"


def _write(path: Path, parts: Iterable[bytes], mode: int = 0o666) -> None:
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)  # it may be a link
    with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as stream:
        stream.writelines(parts)
        os.fsync(stream.fileno())
    part.replace(path)
