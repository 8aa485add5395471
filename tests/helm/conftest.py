from pathlib import Path

import pytest

from tests.support.chart import Helm3, Helm4, copy_of_chart, need_helm3

DASHBOARD = '{"title": "AWS Support", "uid": "aws-support-overview", "text": "{{ account_name }}", "panels": []}\n'
FILES = {
    "files/rules/alerts.yaml": (Path(__file__).parent / "rules.yaml").read_text(),
    "files/dashboards/overview.json": DASHBOARD,
    "files/dashboards/account.json": DASHBOARD.replace("overview", "account"),
}


@pytest.fixture(scope="session")
def helm3() -> Helm3:
    return Helm3(need_helm3())


@pytest.fixture(scope="session")
def helm4() -> Helm4:
    return Helm4()


@pytest.fixture(scope="session")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart with rules and dashboards that hold one of each kind of thing."""
    return copy_of_chart(tmp_path_factory.mktemp("chart"), FILES)
