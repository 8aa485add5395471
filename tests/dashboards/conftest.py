import pytest

from tests.support.grafana import FILES, Dashboard


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def dashboard(request: pytest.FixtureRequest) -> Dashboard:
    return Dashboard.load(request.param)
