"""The composition root: from options to running objects."""

import asyncio
import platform
import random
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from structlog.typing import FilteringBoundLogger

from exporter import __revision__, __version__, memory, terminal
from exporter.aws.connector import Connector
from exporter.aws.endpoints import Endpoints
from exporter.aws.timing import SystemTiming
from exporter.collector.collector import Collector
from exporter.collector.discoverer import Discoverer
from exporter.collector.poller import Poller
from exporter.collector.publisher import Publisher
from exporter.collector.roster import Roster
from exporter.collector.schedule import Cadence
from exporter.collector.sharding import Shard
from exporter.collector.store import PageStore
from exporter.config import Settings, load, parse
from exporter.demo import simulated_aws
from exporter.metrics import catalog
from exporter.metrics.encode import TextFormat
from exporter.metrics.families import Sample, View
from exporter.metrics.instruments import Instruments
from exporter.metrics.live import LiveMetrics
from exporter.metrics.page import Encoding
from exporter.metrics.renderer import Renderer
from exporter.targets import configured_targets, discoveries
from exporter.web import server
from exporter.web.routes import Site, application

_SWITCH_INTERVAL = 0.0002
"""Seconds after which a computing thread gives way, so that scrapes are served while accounts are read."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says.

    Attributes:
        config_file: Where the configuration is, or None to read the account of the default credentials.
        address: Where to listen.
        telemetry_path: Where the metrics are.
        demo: Whether a simulated AWS is read.
        shard: Which share of the accounts is read.
    """

    config_file: Path | None
    address: server.Address
    telemetry_path: str
    demo: bool
    shard: Shard


def load_settings(path: Path | None, endpoints: Endpoints) -> Settings:
    """Return the configuration in a file, or the defaults without one.

    Raises:
        ConfigError: It cannot be used.
    """
    if path is None:
        return parse(b"{}", source="defaults", partition_of=endpoints.partition_of)
    return load(path, partition_of=endpoints.partition_of)


def check_config(path: Path | None) -> None:
    """Read a configuration file, and nothing else.

    Raises:
        ConfigError: It cannot be used.
    """
    load_settings(path, Endpoints())


def run(options: Options, log: FilteringBoundLogger) -> int:
    """Run the exporter until SIGTERM or SIGINT.

    Returns:
        The exit code.

    Raises:
        ConfigError: The configuration cannot be used.
        StartupError: The address cannot be listened on.
    """
    with _exporter(options, log) as exporter, server.listen(options.address) as sock:
        return asyncio.run(exporter.serve(sock))


def check(options: Options, log: FilteringBoundLogger, *, as_json: bool, strict: bool) -> int:
    """Read every account once, and tell how it went and what to do.

    Returns:
        0 when every account could be read, 1 when not; accounts without a plan count only when `strict`.

    Raises:
        ConfigError: The configuration cannot be used.
    """
    with _exporter(options, log) as exporter:
        rows = exporter.check(sys.stderr)
    show = terminal.print_json if as_json else terminal.print_table
    show(rows, sys.stdout, strict=strict)
    return int(any(row.fails(strict=strict) for row in rows))


def once(options: Options, log: FilteringBoundLogger) -> int:
    """Read every account once, and write the page to standard output, as for the textfile collector.

    Returns:
        The exit code: 0, also when accounts failed, as the page says so.

    Raises:
        ConfigError: The configuration cannot be used.
    """
    with _exporter(options, log) as exporter:
        sys.stdout.write(exporter.once(sys.stderr))
    return 0


class Exporter:
    """All parts of a running exporter, put together."""

    def __init__(self, settings: Settings, endpoints: Endpoints, options: Options, log: FilteringBoundLogger) -> None:
        config = settings.config
        self._log = log
        self._options = options
        timing = SystemTiming()
        self._loaded_at = timing.time()
        targets = config.metrics.first_response_targets
        cases = config.metrics.cases
        instruments = Instruments(targets)
        connector = Connector(
            endpoints,
            instruments,
            config.poll.concurrency,
            config.aws.session_name,
            config.aws.session_duration,
            timing=timing,
            random=random.random,
            keep_subject=cases.enabled and cases.subject,
        )
        _tell_shared_endpoints(settings, endpoints, log)
        self._roster = Roster(Cadence(config.poll.interval), timing)
        self._discoverer = Discoverer(
            configured_targets(settings, connector),
            discoveries(settings, connector),
            self._roster,
            options.shard.owns,
            timing,
            log,
        )
        view = View(config.poll.max_staleness, targets, cases.limit if cases.enabled else None)
        self._store = store = PageStore(timing.monotonic)
        self._collector = Collector(
            self._roster,
            self._discoverer,
            Poller(self._roster, config.poll.timeout, targets, instruments, timing, log),
            Publisher(self._roster, Renderer(view, instruments), store, lambda: self._fleet_samples(targets), timing),
            config.poll.concurrency,
        )
        self._site = Site(
            version=__version__,
            telemetry_path=options.telemetry_path,
            store=store,
            live=LiveMetrics().encode,
            statuses=lambda: self._roster.statuses()[1],
            healthy=self._collector.is_alive,
            ready=lambda: self._discoverer.all_tried() and self._roster.all_polled(),
            now=timing.time,
            max_staleness=config.poll.max_staleness,
            share=f"This is shard {options.shard.index} of {options.shard.total}." if options.shard.total > 1 else "",
        )

    async def serve(self, sock: socket.socket) -> int:
        """Read accounts and answer requests until a signal says to stop; return the exit code."""
        memory.bound_heap()
        memory.spare_collections()
        sys.setswitchinterval(_SWITCH_INTERVAL)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        url = server.url_of(sock)
        self._collector.start()
        self._log.info("listening", url=url, metrics=f"{url}{self._options.telemetry_path}", version=__version__)
        if self._options.demo:
            sys.stdout.write(f"Reading a simulated AWS. Look at {url} - Ctrl-C ends it.\n")
            sys.stdout.flush()
        await server.run(application(self._site), [sock], stop)
        self._collector.stop()
        self._log.info("stopped")
        return 0

    def check(self, stream: TextIO) -> list[terminal.Row]:
        """Read every account once, and return how it went; progress goes to the stream."""
        with terminal.progress_bar(stream) as progress:
            self._collector.run_once(progress)
        credentials = {target.account.account_id: target.credentials for target in self._roster.targets()}
        rows = [terminal.row(status, credentials[status.account.account_id]) for status in self._roster.statuses()[1]]
        return rows + [terminal.discovery_row(failure) for failure in self._discoverer.failures()]

    def once(self, stream: TextIO) -> str:
        """Read every account once, and return the page without process metrics; progress goes to the stream."""
        with terminal.progress_bar(stream) as progress:
            self._collector.run_once(progress)
        body = self._store.prepare(Encoding(TextFormat.PROMETHEUS, gzip=False))
        return "" if body is None else body.stored.decode()

    def _fleet_samples(self, targets: dict[str, float]) -> Iterator[Sample]:
        for severity_code, seconds in sorted(targets.items()):
            yield Sample(catalog.FIRST_RESPONSE_TARGET, {"severity_code": severity_code}, seconds)
        yield from self._discoverer.samples()
        yield Sample(catalog.CONFIG_RELOAD_SUCCESSFUL, {}, 1)
        yield Sample(catalog.CONFIG_RELOAD_SUCCESS, {}, self._loaded_at)
        build = {"version": __version__, "revision": __revision__, "pythonversion": platform.python_version()}
        yield Sample(catalog.BUILD_INFO, build, 1)
        shard = self._options.shard
        if shard.total > 1:
            yield Sample(catalog.SHARD, {"ordinal": str(shard.index), "total": str(shard.total)}, 1)
            yield Sample(catalog.SHARDS, {}, shard.total)


@contextmanager
def _exporter(options: Options, log: FilteringBoundLogger) -> Iterator[Exporter]:
    """Yield an exporter that is put together; in a demo, with a simulated AWS that runs meanwhile."""
    if options.demo:
        with simulated_aws() as content:
            endpoints = Endpoints()
            yield Exporter(parse(content, source="demo", partition_of=endpoints.partition_of), endpoints, options, log)
    else:
        endpoints = Endpoints()
        yield Exporter(load_settings(options.config_file, endpoints), endpoints, options, log)


def _tell_shared_endpoints(settings: Settings, endpoints: Endpoints, log: FilteringBoundLogger) -> None:
    """Log where several regions are fewer endpoints, so that nobody counts on a fail-over that is none."""
    lists = [account.regions for account in settings.accounts] + [found.regions for found in settings.organizations]
    for regions in dict.fromkeys(lists):
        shared = [endpoint.region for endpoint in endpoints.support(regions)]
        if len(shared) < len(regions):
            message = "several regions lead to one Support endpoint"
            log.info(message, regions=", ".join(regions), endpoints=", ".join(shared))
