"""The composition root: from options to running objects."""

import asyncio
import platform
import random
import signal
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from boto3.session import Session
from structlog.typing import FilteringBoundLogger

from exporter import __revision__, __version__
from exporter.aws.api import Api
from exporter.aws.connector import Connector
from exporter.aws.endpoints import Endpoints
from exporter.aws.timing import SystemTiming
from exporter.collector.collector import Collector
from exporter.collector.discoverer import Discoverer
from exporter.collector.poller import Poller
from exporter.collector.publisher import Publisher
from exporter.collector.roster import Roster
from exporter.collector.schedule import Cadence
from exporter.collector.store import PageStore
from exporter.config import Config, load
from exporter.metrics import catalog
from exporter.metrics.families import Sample, View
from exporter.metrics.instruments import Instruments
from exporter.metrics.live import LiveMetrics
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
    """

    config_file: Path | None
    address: server.Address
    telemetry_path: str
    demo: bool


def load_config(path: Path | None) -> Config:
    """Return the configuration in a file, or the defaults without one.

    Raises:
        ConfigError: It cannot be used.
    """
    return Config() if path is None else load(path, partition_of=Endpoints(Session()).partition_of)


def run(options: Options, log: FilteringBoundLogger) -> int:
    """Run the exporter until SIGTERM or SIGINT.

    Returns:
        The exit code.

    Raises:
        ConfigError: The configuration cannot be used.
        StartupError: The address cannot be listened on.
    """
    with ExitStack() as stack:
        config = stack.enter_context(demo.fleet()) if options.demo else load_config(options.config_file)
        sock = stack.enter_context(server.listen(options.address))
        exporter = Exporter(config, options, log)
        return asyncio.run(exporter.serve(sock))
