"""The composition root: from options to a running exporter."""

import asyncio
import gc
import platform
import random
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from structlog.typing import FilteringBoundLogger

from exporter import __revision__, __version__, memory, targets
from exporter import check as report
from exporter.aws.client import Client
from exporter.aws.doctor import Doctor
from exporter.aws.endpoints import Endpoints
from exporter.aws.readers import Readers
from exporter.backfill import Backfill
from exporter.cases.report import FleetReport, fleet_report
from exporter.clock import SystemClock
from exporter.collector.collector import Collector
from exporter.config.schema import as_yaml
from exporter.config.settings import Settings, parse
from exporter.config.web import parse_web_config
from exporter.config.yaml_lines import read
from exporter.errors import StartupError
from exporter.loop_thread import LoopThread
from exporter.metrics import catalog
from exporter.metrics.exposition import PageStore, TextFormat
from exporter.metrics.families import Sample
from exporter.metrics.instrumentation import Instrumentation, buckets
from exporter.options import Options
from exporter.reload import LastReload, Reloader
from exporter.state import State
from exporter.statefulset import SERVICE_ACCOUNT, StatefulSet
from exporter.web import server
from exporter.web.handlers import Site, application
from exporter.web.settings import WebSettings
from exporter.web.tls import WebConfigFile

T = TypeVar("T")

_SWITCH_INTERVAL = 0.00005
"""Seconds after which a thread that computes releases the GIL, so that scrapes are answered while accounts are polled."""
_STOP_SECONDS = 2.0
_DEMO = "Demo: AWS and its cases are simulated. The accounts acquired-subsidiary and, at times, observability fail on purpose."


def run(options: Options, log: FilteringBoundLogger) -> int:
    """Run the exporter until SIGTERM or SIGINT, and return the exit code; raises ConfigError and StartupError."""
    web_config = _web_config(options.web_config_file, log)
    with _configuration(options) as (content, source), ExitStack() as stack:
        exporter = Exporter(content, source, options, log, process=True)
        sockets = [stack.enter_context(server.listen(address)) for address in options.addresses]
        return asyncio.run(exporter.serve(content, sockets, web_config))


def check_config(options: Options, log: FilteringBoundLogger) -> None:
    partition_of = Endpoints().partition_of
    if (file := options.config_file) is not None:
        parse(read(file), source=str(file), partition_of=partition_of, shard=options.ordinal)
    _web_config(options.web_config_file, log)


def check(options: Options, log: FilteringBoundLogger) -> int:
    """Poll every account once, report how it went and what to do, and return the exit code; raises ConfigError."""
    with _configuration(options) as (content, source), report.progress(sys.stderr) as progress:
        exporter = Exporter(content, source, options, log)
        found = asyncio.run(exporter.closing(exporter.examine(progress)))
    show = report.print_json if options.json_output else report.print_text
    show(found, sys.stdout)
    return found.exit_code


def once(options: Options, log: FilteringBoundLogger) -> int:
    """Poll every account once, print the page without process metrics, as for the textfile collector; return the exit code.

    It is 0 also when accounts failed, as the page says so, and 1 when none, or none of an organization, was found.
    """
    with _configuration(options) as (content, source), report.progress(sys.stderr) as progress:
        exporter = Exporter(content, source, options, log)
        asyncio.run(exporter.closing(exporter.collector.run_once(progress)))
    sys.stdout.write(exporter.store.uncompressed(TextFormat.PROMETHEUS).decode())
    return int(not exporter.collector.accounts.entries() or any(each.empty for each in exporter.collector.discoverer.listings))


def backfill(options: Options, log: FilteringBoundLogger) -> int:
    """Write the past of the metrics; return the exit code: 1 when accounts failed, could not be listed, or are none."""
    run = Backfill(options, log, SystemClock())
    try:
        with _configuration(options) as (content, source):
            exporter = Exporter(content, source, options, log)
            reading = run.read(exporter.collector, exporter.settings.config.poll.concurrency, exporter.instrumentation)
            asyncio.run(exporter.closing(reading))
        if run.accounts:
            run.write(buckets(exporter.settings.first_response_targets))
    except OSError as error:
        raise StartupError(f"{error.filename or options.output}: {error.strerror}") from None
    return run.report()


class Exporter:
    """All parts of an exporter, put together.

    The collector runs on an event loop of its own: in a second thread when serving, in the caller's when polling once.
    """

    def __init__(
        self, content: bytes, source: str, options: Options, log: FilteringBoundLogger, *, process: bool = False
    ) -> None:
        self._options = options
        self._log = log = log.bind(demo=True) if options.demo else log
        self._clock = SystemClock()
        self._endpoints = Endpoints()
        self._parse = partial(parse, source=source, partition_of=self._endpoints.partition_of, shard=options.ordinal)
        self.settings = self._parse(content)
        self.shard, self._replicas = options.shard, StatefulSet(options.statefulset, SERVICE_ACCOUNT, self._clock, log)
        if options.statefulset:
            self.shard = replace(self.shard, total=asyncio.run(self._replicas.replicas()))
        self._state = State(options.storage_path if process else None, self._clock, log)
        self.instrumentation = Instrumentation(self.settings.first_response_targets, process=process, stored=self._state.load())
        self._observer = self.instrumentation.request_ended
        self._readers = Readers(self._endpoints, self._observer, clock=self._clock, random=random.random, log=log)
        self.store = PageStore()
        self._last_reload: Callable[[], LastReload] = partial(LastReload, self._clock.time())
        self.collector = Collector(
            targets.plan(self.settings, self._readers),
            self.instrumentation,
            self.store,
            self._samples,
            owns=lambda account: self.shard.owns(account) and account in (options.accounts or (account,)),
            known=self._state.status,
            save=self._state.save,
            clock=self._clock,
            log=log,
        )
        self._log_shared_endpoints()

    async def closing(self, work: Awaitable[T]) -> T:
        """Do what is done on the collector's loop, and close the connections to AWS."""
        try:
            return await work
        finally:
            if sys.exc_info()[0] is not GeneratorExit:  # a signal ended the loop in the middle of a step
                await self._readers.close()

    async def examine(self, progress: Callable[[str], None]) -> report.Findings:
        """Poll every account once, and check what else helps to find out what is wrong."""
        settings, accounts, discoverer = self.settings, self.collector.accounts, self.collector.discoverer
        poll, client = settings.config.poll, Client(self._endpoints, self._observer, self._clock, random.random)
        doctor = Doctor(client, self._readers, poll.timeout, asyncio.Semaphore(poll.concurrency))
        used = {each.access.profile: each.regions for each in settings.entries} or {None: settings.config.aws.regions}
        asked = [(name, region) for name in ("sts", "support") for regions in self._region_lists() for region in regions]
        asked += [("organizations", organization.regions[0]) for organization in settings.organizations]
        try:
            identities, endpoints, _ = await asyncio.gather(
                asyncio.gather(*(doctor.identity(*each) for each in used.items())),
                doctor.endpoints(asked),
                self.collector.run_once(progress),
            )
            denied = await doctor.denied({e.target.source: e.status.reading for e in accounts.entries() if e.status.reading})
        finally:
            await client.close()
        callers = {profile: str(found.facts["arn"] or "") for profile, found in zip(used, identities, strict=True)}
        return report.Findings(
            credentials=identities,
            endpoints=endpoints,
            organizations=[targets.examined(each) for each in discoverer.listings if each.discovery.name or each.failure],
            accounts=[report.account(each.status, each.target.access, callers) for each in accounts.entries()],
            warnings=[*denied, *(warning for each in discoverer.organizations() for warning in each.warnings)],
            notes=[*self._endpoints.notes],
            unknown_accounts=[account_id for account_id in self._options.accounts if not accounts.get(account_id)],
            strict=self._options.strict,
        )

    async def serve(self, content: bytes, sockets: Sequence[socket.socket], web_config: WebConfigFile | None) -> int:
        """Poll accounts and answer requests until a signal says to stop; return the exit code."""
        options, stop = self._options, asyncio.Event()
        memory.give_back_large_blocks()
        # A full collection over a large fleet stops all threads for 0.1 s, and finds nothing.
        gc.freeze()
        gc.set_threshold(2_000, 10, 100)
        sys.setswitchinterval(_SWITCH_INTERVAL)
        loop = asyncio.get_running_loop()
        polling = LoopThread("collector", self.closing(self.collector.run()))
        await polling.call(self.collector.publisher.publish())  # Nobody is to find no page.
        reloader = Reloader(
            options.config_file,
            content,
            apply=lambda changed: self._apply(changed, polling),
            publish=lambda: polling.call(self.collector.publisher.publish()),
            now=self._clock.time,
            log=self._log,
        )
        self._last_reload = lambda: reloader.last
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, reloader.request, "SIGHUP")
        watching = [] if options.auto_reload is None else [asyncio.create_task(reloader.watch(options.auto_reload))]
        if options.statefulset:
            reshard = self._replicas.follow(self.shard.total, lambda total: polling.call(self._reshard(total)))
            watching.append(asyncio.create_task(reshard))
        self._announce(sockets, "http" if web_config is None or web_config.current.context is None else "https")
        site = self._site(reloader, polling)
        await server.run(application(site), sockets, stop, self._log, limits=options.limits, web_config=web_config)
        for task in watching:
            task.cancel()
        await asyncio.to_thread(polling.stop, _STOP_SECONDS)
        self._log.info("stopped")
        return 0

    def _region_lists(self) -> list[tuple[str, ...]]:
        return list(dict.fromkeys(each.regions for each in self.settings.entries)) or [self.settings.config.aws.regions]

    async def _apply(self, content: bytes, polling: LoopThread) -> None:
        settings = await asyncio.to_thread(self._parse, content)
        await polling.call(self._put_in_force(settings))

    async def _put_in_force(self, settings: Settings) -> None:
        known = [listing.discovery for listing in self.collector.discoverer.listings]
        plan = targets.plan(settings, self._readers, known)
        self.settings = settings
        self._log_shared_endpoints()  # here, as it has boto3 resolve what is new, which is neither fast nor thread-safe
        self.collector.apply(plan)

    async def _reshard(self, total: int) -> None:
        self.shard = replace(self.shard, total=total)
        self._state.forget()
        await self._put_in_force(self.settings)

    def _site(self, reloader: Reloader, polling: LoopThread) -> Site:
        publisher = self.collector.publisher
        return Site(
            version=__version__,
            paths=self._options.paths,
            pages=self.store,
            report=self._report,
            about=self._about,
            config=lambda: as_yaml(self.settings.config),
            problems=lambda: self._last_reload().problems,
            health_problems=lambda: [*polling.problems(), *self.collector.health_problems()],
            ready=lambda: publisher.ready,
            now=self._clock.time,
            policy=lambda: publisher.snapshot.policy,
            reload=reloader.by_request,
            refresh=lambda account_id: polling.call(self.collector.refresh(account_id)),
            lifecycle=self._options.lifecycle,
            shard=lambda: "" if self._options.ordinal is None else f"This is shard {self.shard.index} of {self.shard.total}.",
            notice=_DEMO if self._options.demo else "",
        )

    def _report(self) -> FleetReport:
        snapshot = self.collector.publisher.snapshot
        now, events = self._clock.time(), self.collector.events.status
        return fleet_report(snapshot.statuses, snapshot.organizations, snapshot.policy, now, events)

    def _about(self) -> dict[str, object]:
        last = self._last_reload()
        return {
            "version": __version__,
            "revision": __revision__,
            "time": self._clock.time(),
            "shard": asdict(self.shard),
            "config": {"reloaded_at": last.succeeded_at, "problems": last.problems},
        }

    def _samples(self) -> Iterator[Sample]:
        build = {"version": __version__, "revision": __revision__, "pythonversion": platform.python_version()}
        yield Sample(catalog.BUILD_INFO, build, 1)
        yield from self._last_reload().samples()
        yield from self._state.samples()
        poll = self.settings.config.poll
        yield Sample(catalog.POLL_INTERVAL, {}, poll.interval)
        yield Sample(catalog.MAX_STALENESS, {}, poll.max_staleness)
        if self._options.ordinal is not None:
            yield Sample(catalog.SHARD, {"ordinal": str(self.shard.index), "total": str(self.shard.total)}, 1)
            yield Sample(catalog.SHARDS, {}, self.shard.total)

    def _announce(self, sockets: Sequence[socket.socket], scheme: str) -> None:
        paths = self._options.paths
        urls = [f"{server.url_of(sock, scheme)}{paths.prefix}" for sock in sockets]
        for url in urls:
            self._log.info("listening", url=url, metrics=f"{url}{paths.telemetry}", version=__version__)
        if self._options.demo:
            sys.stdout.write(f"{_DEMO} Open {urls[0]} - Press Ctrl-C to stop.\n")
            sys.stdout.flush()

    def _log_shared_endpoints(self) -> None:
        """Say which regions lead to fewer Support endpoints: nobody must count on that fail-over."""
        for regions in self._region_lists():
            endpoints = [endpoint.region for endpoint in self._endpoints.support(regions)]
            if len(endpoints) < len(regions):
                several = {"regions": ", ".join(regions), "endpoints": ", ".join(endpoints)}
                self._log.info("regions share a Support endpoint", **several)


def _web_config(path: Path | None, log: FilteringBoundLogger) -> WebConfigFile | None:
    if path is None:
        return None

    def load() -> WebSettings:
        return parse_web_config(read(path, "web-config"), source=str(path), directory=path.parent)

    return WebConfigFile(str(path), load, log)


@contextmanager
def _configuration(options: Options) -> Iterator[tuple[bytes, str]]:
    """Yield the configuration and its name in messages; in a demo, with a simulated AWS that runs meanwhile."""
    if options.demo:
        from exporter.demo import simulated_aws  # noqa: PLC0415 - some MiB that only a demo needs

        with simulated_aws() as content:
            yield content, "demo"
    elif options.config_file is None:
        yield b"{}", "defaults"
    else:
        yield read(options.config_file), str(options.config_file)
