import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from starlette.types import ASGIApp

from exporter.cases.changes import Changes
from exporter.cases.model import SEVERITY_CODES, Account, Case, Reading
from exporter.cases.report import fleet_report
from exporter.cases.status import AccountStatus, Poll
from exporter.collector.store import PageStore
from exporter.config import parse_web_config, read_web_config
from exporter.metrics.families import View
from exporter.metrics.instruments import Instruments
from exporter.metrics.live import LiveMetrics
from exporter.metrics.renderer import Renderer
from exporter.web.routes import Paths, Site, application
from exporter.web.secured import WebConfigFile
from tests.support.certificates import Authority
from tests.support.log import Log
from tests.support.serving import Serving

NOW = 1_700_000_000.0
VIEW = View(1800.0, {})


@pytest.fixture(scope="session")
def large_site() -> ASGIApp:
    """A site whose page is larger than what kernels buffer."""
    statuses = []
    for number in range(400):
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


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


ReadWebConfig = Callable[..., WebConfigFile]


@pytest.fixture
def web_config(tmp_path: Path, authority: Authority) -> ReadWebConfig:
    """Write a web-config file, with a certificate for loopback beside it, and read it."""

    def written(text: str, log: Log | None = None) -> WebConfigFile:
        if not (tmp_path / "server.crt").exists():
            authority.sign("127.0.0.1", "localhost").write(tmp_path, "server")
            (tmp_path / "ca.crt").write_text(authority.certificate)
        path = tmp_path / "web-config.yml"
        path.write_text(text)
        return WebConfigFile(
            "web-config.yml",
            lambda: read_web_config(path),
            lambda content: parse_web_config(content, source="web-config.yml", directory=tmp_path),
            (log or Log()).logger,
        )

    return written


ServeWith = Callable[[str], Serving]


@pytest.fixture
def serve_with(large_site: ASGIApp, web_config: ReadWebConfig) -> ServeWith:
    """Serve the large site as a web-config says."""
    return lambda text: Serving(large_site, web_config=web_config(text))
