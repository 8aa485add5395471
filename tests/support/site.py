"""A site with pages of every kind, without anything that reads AWS."""

import time
from collections.abc import Sequence

from starlette.types import ASGIApp

from exporter.cases.changes import Changes
from exporter.cases.model import SEVERITY_CODES, Account, Case, Reading
from exporter.cases.report import fleet_report
from exporter.cases.status import AccountStatus, Poll
from exporter.collector.store import PageStore
from exporter.metrics.families import View
from exporter.metrics.instruments import Instruments
from exporter.metrics.live import LiveMetrics
from exporter.metrics.renderer import Renderer
from exporter.web.routes import Paths, Site, application

NOW = 1_700_000_000.0
VIEW = View(1800.0, {})


def site_of(accounts: int) -> ASGIApp:
    """Return a site over that many accounts of twenty cases each."""
    statuses = []
    for number in range(accounts):
        account = Account(f"{number:012}", f"account-{number}", "us-east-1", "aws")
        cases = tuple(
            Case(f"case-{number}-{n}", str(n), "opened", SEVERITY_CODES[n % 5], f"service-{n}", "other", "en", NOW - n)
            for n in range(20)
        )
        statuses.append(AccountStatus(account).after_success(Reading(NOW, cases), Poll(NOW, 0.1), Changes()))

    async def no_reload() -> Sequence[str]:
        return ()

    store = PageStore(time.monotonic)
    store.publish(Renderer(VIEW, Instruments({})).render(statuses, [], NOW))
    return application(
        Site(
            version="1.2.3",
            paths=Paths(),
            store=store,
            live=LiveMetrics().encode,
            report=lambda: fleet_report(statuses, [], {}, VIEW.max_staleness, NOW),
            about=dict,
            config=str,
            problems=tuple,
            ailments=tuple,
            ready=lambda: True,
            now=lambda: NOW,
            view=lambda: VIEW,
            reload=no_reload,
        )
    )
