"""The composition root: from options to running objects."""

import asyncio
import platform
import random
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TextIO

from structlog.typing import FilteringBoundLogger

from exporter import __revision__, __version__, memory, terminal
from exporter.arguments import Options
from exporter.aws.endpoints import Endpoints
from exporter.aws.timing import SystemTiming
from exporter.config import Shown, load, parse, parse_web_config, read, read_web_config
from exporter.engine import Engine
from exporter.metrics import catalog
from exporter.metrics.encode import TextFormat
from exporter.metrics.families import Sample
from exporter.metrics.live import LiveMetrics
from exporter.metrics.page import Encoding
from exporter.reload import Reloader
from exporter.reload import samples as reload_samples
from exporter.reloads import Reloads
from exporter.web import server
from exporter.web.limits import Limits
from exporter.web.recent import Recent
from exporter.web.routes import Site, application
from exporter.web.secured import WebConfigFile

_SWITCH_INTERVAL = 0.0002
"""Seconds after which a computing thread gives way, so that scrapes are served while accounts are read."""


def web_config_of(path: Path | None, log: FilteringBoundLogger) -> WebConfigFile | None:
    """Return the web-config file at a path, or None without one.

    Raises:
        ConfigError: It cannot be used.
    """
    if path is None:
        return None
    parse = partial(parse_web_config, source=str(path), directory=path.parent)
    return WebConfigFile(str(path), partial(read_web_config, path), parse, log)


def check_config(path: Path | None, web_config_path: Path | None, log: FilteringBoundLogger) -> None:
    """Read the configuration files, and nothing else.

    Raises:
        ConfigError: One cannot be used.
    """
    if path is not None:
        load(path, partition_of=Endpoints().partition_of)
    web_config_of(web_config_path, log)


def run(options: Options, log: FilteringBoundLogger) -> int:
    """Run the exporter until SIGTERM or SIGINT.

    Returns:
        The exit code.

    Raises:
        ConfigError: The configuration cannot be used.
        StartupError: The address cannot be listened on.
    """
    web_config = web_config_of(options.web_config_file, log)
    with _exporter(options, log) as exporter, ExitStack() as stack:
        sockets = [stack.enter_context(server.listen(address)) for address in options.addresses]
        return asyncio.run(exporter.serve(sockets, web_config))


def check(options: Options, log: FilteringBoundLogger, *, as_json: bool, strict: bool) -> int:
    """Read every account once, and tell how it went and what to do.

    Returns:
        0 when every account could be read, 1 when not; accounts without a plan count only when `strict`.

    Raises:
        ConfigError: The configuration cannot be used.
    """
    with _exporter(options, log) as exporter:
        rows, notes = exporter.check(sys.stderr)
    show = terminal.print_json if as_json else terminal.print_table
    show(rows, notes, sys.stdout, strict=strict)
    return int(any(row.fails(strict=strict) for row in rows))


def once(options: Options, log: FilteringBoundLogger) -> int:
    """Read every account once, and write the page to standard output, as for the textfile collector.

    Returns:
        The exit code: 0, also when accounts failed, as the page says so; 1 when no account was found, as it says nothing then.

    Raises:
        ConfigError: The configuration cannot be used.
    """
    with _exporter(options, log) as exporter:
        page, found = exporter.once(sys.stderr)
    sys.stdout.write(page)
    return 0 if found else 1


class Exporter:
    """All parts of a running exporter, put together.

    Args:
        content: The configuration.
        source: What messages call it.
        options: What the command line says.
        log: The exporter's log.

    Raises:
        ConfigError: The configuration cannot be used.
    """

    def __init__(self, content: bytes, source: str, options: Options, log: FilteringBoundLogger) -> None:
        self._log = log
        self._options = options
        self._timing = timing = SystemTiming()
        endpoints = Endpoints()
        partition_of = endpoints.partition_of
        settings = parse(content, source=source, partition_of=partition_of)
        self._engine = engine = Engine(
            settings, endpoints, options.shard, self._samples, timing=timing, random=random.random, log=log
        )
        reloader: Reloader | str
        if options.demo:
            reloader = "the demo has no configuration file"
        elif options.config_file is None:
            reloader = "the exporter was started without --config.file"
        else:
            reloader = Reloader(
                options.config_file,
                content,
                parse=lambda changed: parse(changed, source=source, partition_of=partition_of),
                adopt=engine.adopt,
                publish=engine.publisher.publish,
                now=timing.time,
                log=log,
            )
        self._reloads = Reloads(reloader, timing.time(), lifecycle=options.lifecycle, log=log)
        self._site = Site(
            version=__version__,
            paths=options.paths,
            store=engine.store,
            live=Recent(LiveMetrics().encode, timing.monotonic),
            report=engine.report,
            about=self._about,
            config=Shown(lambda: engine.settings.config),
            problems=lambda: self._reloads.last.problems,
            ailments=engine.collector.ailments,
            ready=engine.ready,
            now=timing.time,
            view=lambda: engine.view,
            reload=self._reloads.by_request,
            share=f"This is shard {options.shard.index} of {options.shard.total}." if options.shard.total > 1 else "",
        )

    async def serve(self, sockets: Sequence[socket.socket], web_config: WebConfigFile | None) -> int:
        """Read accounts and answer requests until a signal says to stop; return the exit code."""
        memory.bound_heap()
        memory.spare_collections()
        sys.setswitchinterval(_SWITCH_INTERVAL)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reloads.by_signal)
        paths = self._options.paths
        has_tls = web_config is not None and web_config.current().context is not None
        scheme = "https" if has_tls else "http"
        urls = [f"{server.url_of(sock, scheme)}{paths.prefix}" for sock in sockets]
        self._engine.collector.start()
        for url in urls:
            self._log.info("listening", url=url, metrics=f"{url}{paths.telemetry}", version=__version__)
        if self._options.demo:
            sys.stdout.write(f"Reading a simulated AWS. Look at {urls[0]} - Ctrl-C ends it.\n")
            sys.stdout.flush()
        watch = asyncio.create_task(self._reloads.watch(self._options.auto_reload))
        limits = Limits(requests=self._options.max_requests)
        await server.run(application(self._site), sockets, stop, self._log, limits=limits, web_config=web_config)
        watch.cancel()
        self._reloads.stop()
        self._engine.collector.stop()
        self._log.info("stopped")
        return 0

    def check(self, stream: TextIO) -> tuple[list[terminal.Row], list[str]]:
        """Read every account once, and return how it went, and what else there is to know; progress goes to the stream."""
        engine = self._engine
        with terminal.progress_bar(stream) as progress:
            engine.collector.run_once(progress)
        credentials = {target.account.account_id: target.credentials for target in engine.roster.targets()}
        rows = [terminal.row(status, credentials[status.account.account_id]) for status in engine.roster.statuses()[1]]
        rows += [terminal.discovery_row(failure) for failure in engine.discoverer.failures()]
        return rows, [terminal.shared_endpoint_note(*shared) for shared in engine.shared_endpoints()]

    def once(self, stream: TextIO) -> tuple[str, bool]:
        """Read every account once; progress goes to the stream.

        Returns:
            The page without process metrics, and whether it is of any use: there are accounts, or rightly none.
        """
        engine = self._engine
        with terminal.progress_bar(stream) as progress:
            engine.collector.run_once(progress)
        body = engine.store.prepare(Encoding(TextFormat.PROMETHEUS, gzip=False))
        found = bool(engine.roster.targets()) or not engine.discoverer.failures()
        return "" if body is None else body.whole().decode(), found

    def _about(self) -> dict[str, object]:
        last, shard = self._reloads.last, self._options.shard
        return {
            "version": __version__,
            "revision": __revision__,
            "time": self._timing.time(),
            "shard": {"index": shard.index, "total": shard.total},
            "config": {"reloaded_at": last.succeeded_at, "problems": last.problems},
        }

    def _samples(self) -> Iterator[Sample]:
        build = {"version": __version__, "revision": __revision__, "pythonversion": platform.python_version()}
        yield Sample(catalog.BUILD_INFO, build, 1)
        yield from reload_samples(self._reloads.last)
        shard = self._options.shard
        if shard.total > 1:
            yield Sample(catalog.SHARD, {"ordinal": str(shard.index), "total": str(shard.total)}, 1)
            yield Sample(catalog.SHARDS, {}, shard.total)


@contextmanager
def _exporter(options: Options, log: FilteringBoundLogger) -> Iterator[Exporter]:
    """Yield an exporter that is put together; in a demo, with a simulated AWS that runs meanwhile."""
    if options.demo:
        from exporter.demo import simulated_aws  # noqa: PLC0415 - some MiB that only a demo needs

        with simulated_aws() as content:
            yield Exporter(content, "demo", options, log)
    elif options.config_file is None:
        yield Exporter(b"{}", "defaults", options, log)
    else:
        yield Exporter(read(options.config_file), str(options.config_file), options, log)
