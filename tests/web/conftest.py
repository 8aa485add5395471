from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.types import ASGIApp

from exporter.config import parse_web_config, read_web_config
from exporter.web.secured import WebConfigFile
from tests.support.certificates import Authority
from tests.support.log import Log
from tests.support.serving import Serving
from tests.support.site import site_of


@pytest.fixture(scope="session")
def large_site() -> ASGIApp:
    """A site whose page is larger than what kernels buffer."""
    return site_of(400)


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
