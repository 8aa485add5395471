"""A site with pages of every kind, without anything that reads AWS."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from aiohttp import web

from exporter.cases.model import SEVERITY_CODES, Case
from exporter.cases.policy import Policy
from exporter.cases.report import FleetReport, OrganizationStatus, fleet_report
from exporter.cases.status import AccountStatus
from exporter.metrics.exposition import PageStore
from exporter.metrics.instrumentation import Instrumentation
from exporter.metrics.renderer import Renderer
from exporter.web.handlers import Paths, Site, application
from tests.support.cases import account, read

NOW = 1_700_000_000.0
POLICY = Policy(1800.0)


def pages_of(statuses: Sequence[AccountStatus]) -> PageStore:
    store = PageStore()
    store.publish(Renderer(Instrumentation((), process=True).encode).render(statuses, POLICY, [], NOW))
    return store


def report_of(
    statuses: Sequence[AccountStatus], organizations: Sequence[OrganizationStatus] = (), policy: Policy = POLICY
) -> FleetReport:
    return fleet_report(statuses, organizations, policy, NOW)


async def no_reload() -> Sequence[str]:
    return ()


async def no_account(_: str) -> None:
    return None


def site(
    statuses: Sequence[AccountStatus] = (),
    *,
    policy: Policy = POLICY,
    organizations: Sequence[OrganizationStatus] = (),
    problems: Sequence[str] = (),
    health_problems: Sequence[str] = (),
    ready: bool = True,
    **replaced: Any,  # noqa: ANN401 - other fields of a Site
) -> web.Application:
    fields: dict[str, Any] = {
        "version": "1.2.3",
        "paths": Paths(),
        "pages": replaced.get("pages") or pages_of(statuses),
        "report": lambda: report_of(statuses, organizations, policy),
        "about": lambda: {"version": "1.2.3"},
        "config": lambda: "poll: {}\n",
        "problems": lambda: problems,
        "health_problems": lambda: health_problems,
        "ready": lambda: ready,
        "now": lambda: NOW,
        "policy": lambda: policy,
        "reload": no_reload,
        "refresh": no_account,
        "lifecycle": True,
    }
    return application(Site(**(fields | replaced)))


@cache
def _fleet(accounts: int) -> tuple[Sequence[AccountStatus], PageStore]:
    cases = [
        Case(f"case-{n}", str(n), "opened", SEVERITY_CODES[n % 5], f"service-{n}", "other", "en", NOW - n) for n in range(20)
    ]
    statuses = [read(account(f"{number:012}", f"account-{number}"), *cases) for number in range(accounts)]
    return statuses, pages_of(statuses)


def site_of(accounts: int, policy: Policy = POLICY) -> web.Application:
    """Return an application over that many accounts of twenty cases each; an application is served once."""
    statuses, pages = _fleet(accounts)
    return site(statuses, pages=pages, policy=policy)
