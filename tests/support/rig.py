"""The exporter's own parts in the test's process, put together as the command does, on a clock of the test's choice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import boto3
import botocore.session
import structlog
from botocore.loaders import create_loader
from structlog.typing import FilteringBoundLogger

from exporter.aws.endpoints import Endpoints
from exporter.aws.timing import Timing
from exporter.collector.collector import Collector
from exporter.collector.sharding import Shard
from exporter.config import Settings, parse
from exporter.engine import Engine
from exporter.metrics.encode import TextFormat
from exporter.metrics.page import Encoding
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
        log: Where it tells what happens; nowhere when left out.
    """

    def __init__(
        self,
        config: str,
        timing: Timing,
        *,
        random: Callable[[], float] = lambda: 0.5,
        log: FilteringBoundLogger | None = None,
    ) -> None:
        endpoints = Endpoints(_session())
        self._endpoints = endpoints
        silent = structlog.make_filtering_bound_logger("critical")
        nowhere: FilteringBoundLogger = structlog.wrap_logger(structlog.PrintLogger(), wrapper_class=silent)
        self.timing = timing
        self.engine = engine = Engine(
            self.parse(config), endpoints, Shard(0, 1), lambda: (), timing=timing, random=random, log=log or nowhere
        )
        self.connector, self.roster, self.discoverer = engine.connector, engine.roster, engine.discoverer
        self.poller, self.publisher, self.store = engine.poller, engine.publisher, engine.store

    def parse(self, config: str) -> Settings:
        """Return what a configuration says."""
        return parse(config.encode(), source="test", partition_of=self._endpoints.partition_of)

    def adopt(self, config: str) -> None:
        """Change over to another configuration."""
        self.engine.adopt(self.parse(config))

    def page(self) -> Page:
        """Return the page of what is known now."""
        self.publisher.publish()
        return self.published()

    def published(self) -> Page:
        """Return the page that was published last."""
        body = self.store.prepare(_PLAIN)
        assert body is not None
        return Page(body.whole().decode())

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
        return self.engine.collector


class FakeRig(Rig):
    """A rig on a clock that moves when told to."""

    timing: FakeTiming

    def __init__(
        self,
        config: str,
        timing: FakeTiming,
        *,
        random: Callable[[], float] = lambda: 0.5,
        log: FilteringBoundLogger | None = None,
    ) -> None:
        super().__init__(config, timing, random=random, log=log)

    def after(self, seconds: float) -> Page:
        """Let time pass, read what fell due meanwhile, and return the page."""
        self.timing.advance(seconds)
        return self.round()


def _session() -> boto3.session.Session:
    session = botocore.session.Session()
    session.register_component("data_loader", _LOADER)
    return boto3.session.Session(botocore_session=session)
