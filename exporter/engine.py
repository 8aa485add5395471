"""Everything that reads accounts and makes pages of them, for whatever configuration is in force."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from structlog.typing import FilteringBoundLogger

from exporter.aws.connector import Connector
from exporter.aws.endpoints import Endpoints
from exporter.aws.timing import Timing
from exporter.cases.report import FleetReport, fleet_report
from exporter.collector.collector import Collector
from exporter.collector.discoverer import Discoverer
from exporter.collector.poller import Poller, Terms
from exporter.collector.publisher import Publisher
from exporter.collector.roster import Roster
from exporter.collector.schedule import Cadence
from exporter.collector.sharding import Shard
from exporter.collector.store import PageStore
from exporter.config import Settings
from exporter.config.schema import MAX_CONCURRENCY
from exporter.metrics import catalog
from exporter.metrics.families import Sample, View
from exporter.metrics.instruments import Instruments
from exporter.metrics.renderer import Renderer
from exporter.targets import configured_targets, discoveries


class Engine:
    """Puts the parts together for a configuration, and changes them over to another.

    Args:
        settings: The configuration.
        endpoints: Resolves regions.
        shard: Which share of the accounts is read.
        more_samples: Returns samples that are neither the accounts' nor the discoveries'.
        timing: The clocks.
        random: Returns a number from 0 to 1, for pauses.
        log: Where changes of state are told.
    """

    def __init__(
        self,
        settings: Settings,
        endpoints: Endpoints,
        shard: Shard,
        more_samples: Callable[[], Iterable[Sample]],
        *,
        timing: Timing,
        random: Callable[[], float],
        log: FilteringBoundLogger,
    ) -> None:
        poll, targets = settings.config.poll, settings.config.metrics.first_response_targets
        self.settings = settings
        self.view = _view(settings)
        self._more_samples = more_samples
        self._endpoints = endpoints
        self._was_ready = False
        self._timing = timing
        self._log = log
        self.instruments = Instruments(targets)
        self.connector = Connector(endpoints, self.instruments, MAX_CONCURRENCY, timing=timing, random=random)
        self.roster = Roster(Cadence(poll.interval), timing)
        self.discoverer = Discoverer(
            configured_targets(settings, self.connector),
            discoveries(settings, self.connector),
            self.roster,
            shard.owns,
            timing,
            log,
        )
        self.poller = Poller(self.roster, _terms(settings), self.instruments, timing, log)
        self.store = PageStore(timing.monotonic)
        renderer = Renderer(self.view, self.instruments)
        self.publisher = Publisher(self.roster, renderer, self.store, self._fleet_samples, timing)
        self.collector = Collector(
            self.roster,
            self.discoverer,
            self.poller,
            self.publisher,
            concurrency=poll.concurrency,
            monotonic=timing.monotonic,
        )
        self._tell_shared_endpoints()

    def adopt(self, settings: Settings) -> None:
        """Change over to another configuration, wholly, or not at all when this raises.

        What is known of accounts that stay is kept: their cases, counts and credentials, and what is planned for them. Polls
        in flight end as they began.
        """
        config = settings.config
        targets = config.metrics.first_response_targets
        configured = configured_targets(settings, self.connector)
        found = discoveries(settings, self.connector, self.discoverer.discoveries())
        view = _view(settings)
        renderer = Renderer(view, self.instruments)
        self.collector.resize(config.poll.concurrency)
        with self.publisher.changing_over(renderer):
            self.settings, self.view = settings, view
            self.instruments.aim_at(targets)
            self.poller.adopt(_terms(settings))
            self.discoverer.adopt(configured, found)
            self.roster.adopt(Cadence(config.poll.interval))
        self._tell_shared_endpoints()

    def ready(self) -> bool:
        """Return whether there was a moment at which every account had been tried; those that come later change nothing."""
        self._was_ready = self._was_ready or (self.discoverer.all_tried() and self.roster.all_polled())
        return self._was_ready

    def report(self) -> FleetReport:
        """Return how the fleet is doing now."""
        view, statuses = self.view, self.roster.statuses()[1]
        return fleet_report(statuses, self.discoverer.organizations(), view.targets, view.max_staleness, self._timing.time())

    def _fleet_samples(self) -> Iterator[Sample]:
        targets: Mapping[str, float] = self.view.targets
        for severity_code, seconds in sorted(targets.items()):
            yield Sample(catalog.FIRST_RESPONSE_TARGET, {"severity_code": severity_code}, seconds)
        yield from self.discoverer.samples()
        yield from self._more_samples()

    def shared_endpoints(self) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
        """Return lists of regions that are fewer endpoints of Support, with these endpoints.

        Nobody is to count on a fail-over that is none.
        """
        settings = self.settings
        lists = [account.regions for account in settings.accounts] + [found.regions for found in settings.organizations]
        regions = dict.fromkeys(lists or [settings.config.aws.regions])
        found = [(several, tuple(endpoint.region for endpoint in self._endpoints.support(several))) for several in regions]
        return [(several, endpoints) for several, endpoints in found if len(endpoints) < len(several)]

    def _tell_shared_endpoints(self) -> None:
        for regions, endpoints in self.shared_endpoints():
            message = "several regions lead to one Support endpoint"
            self._log.info(message, regions=", ".join(regions), endpoints=", ".join(endpoints))


def _terms(settings: Settings) -> Terms:
    poll = settings.config.poll
    return Terms(poll.timeout, settings.config.metrics.first_response_targets, poll.max_staleness)


def _view(settings: Settings) -> View:
    cases = settings.config.metrics.cases
    return View(
        settings.config.poll.max_staleness,
        settings.config.metrics.first_response_targets,
        cases.limit if cases.enabled else None,
        subjects=cases.enabled and cases.subject,
    )
