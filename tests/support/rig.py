"""The exporter's own parts in the test's process, put together as the command does, on a clock of the test's choice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import boto3
import botocore.session
import structlog
from botocore.loaders import create_loader
from structlog.typing import FilteringBoundLogger

from exporter.aws.connector import Connector
from exporter.aws.endpoints import Endpoints
from exporter.aws.timing import Timing
from exporter.collector.collector import Collector
from exporter.collector.discoverer import Discoverer
from exporter.collector.poller import Poller
from exporter.collector.publisher import Publisher
from exporter.collector.roster import Roster
from exporter.collector.schedule import Cadence
from exporter.collector.store import PageStore
from exporter.config import parse
from exporter.metrics.encode import TextFormat
from exporter.metrics.families import View
from exporter.metrics.instruments import Instruments
from exporter.metrics.page import Encoding
from exporter.metrics.renderer import Renderer
from exporter.targets import configured_targets, discoveries
from tests.support.clock import FakeTiming
from tests.support.page import Page

_PLAIN = Encoding(TextFormat.PROMETHEUS, gzip=False)
_LOADER = create_loader()
"""botocore's data files, read once for all tests."""


class Rig:
    """A running exporter without its web server.

    Args:
        config: Its configuration.
        timing: Its clock.
        random: Makes its pauses: 0 for none, 1 for the longest.
    """

    def __init__(self, config: str, timing: Timing, *, random: Callable[[], float] = lambda: 0.5) -> None:
        endpoints = Endpoints(_session())
        settings = parse(config.encode(), source="test", partition_of=endpoints.partition_of)
        self.timing = timing
        self.config = settings.config
        cases = self.config.metrics.cases
        self.instruments = Instruments(self.config.metrics.first_response_targets)
        self.connector = Connector(
            endpoints,
            self.instruments,
            self.config.poll.concurrency,
            self.config.aws.session_name,
            self.config.aws.session_duration,
            timing=timing,
            random=random,
            keep_subject=cases.enabled and cases.subject,
        )
        silent = structlog.make_filtering_bound_logger("critical")
        log: FilteringBoundLogger = structlog.wrap_logger(structlog.PrintLogger(), wrapper_class=silent)
        targets = self.config.metrics.first_response_targets
        self.roster = Roster(Cadence(self.config.poll.interval), timing)
        self.discoverer = Discoverer(
            configured_targets(settings, self.connector),
            discoveries(settings, self.connector),
            self.roster,
            lambda _: True,
            timing,
            log,
        )
        self.poller = Poller(self.roster, self.config.poll.timeout, targets, self.instruments, timing, log)
        self.store = PageStore(timing.monotonic)
        renderer = Renderer(
            View(self.config.poll.max_staleness, targets, cases.limit if cases.enabled else None), self.instruments
        )
        self.publisher = Publisher(self.roster, renderer, self.store, self.discoverer.samples, timing)

    def page(self) -> Page:
        """Return the page of what is known now."""
        self.publisher.publish()
        return self.published()

    def published(self) -> Page:
        """Return the page that was published last."""
        body = self.store.prepare(_PLAIN)
        assert body is not None
        return Page(body.stored.decode())

    def round(self, threads: int = 1) -> Page:
        """List the accounts if that is due, read each account that is due once, and return the page."""
        self.discoverer.refresh_due()
        due = []
        while (target := self.roster.take()) is not None:
            due.append(target)
        if threads == 1:
            for target in due:
                self.poller.poll(target)
        else:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(self.poller.poll, due))
        return self.page()

    def collector(self) -> Collector:
        """Return what runs all of it in threads of its own."""
        return Collector(self.roster, self.discoverer, self.poller, self.publisher, self.config.poll.concurrency)


class FakeRig(Rig):
    """A rig on a clock that moves when told to."""

    timing: FakeTiming

    def __init__(self, config: str, timing: FakeTiming, *, random: Callable[[], float] = lambda: 0.5) -> None:
        super().__init__(config, timing, random=random)

    def after(self, seconds: float) -> Page:
        """Let time pass, read what fell due meanwhile, and return the page."""
        self.timing.advance(seconds)
        return self.round()


def _session() -> boto3.session.Session:
    session = botocore.session.Session()
    session.register_component("data_loader", _LOADER)
    return boto3.session.Session(botocore_session=session)
