from collections.abc import Iterator

import pytest

from tests.docs.test_documents import commands
from tests.support.process import ExporterProcess
from tests.support.tools import ROOT


@pytest.fixture(scope="session")
def demo() -> Iterator[ExporterProcess]:
    """The demo, as docs/api.md starts it."""
    start, *_ = commands(ROOT / "docs/api.md")
    assert start.startswith("aws-support-exporter --demo")
    with ExporterProcess(start.split()[1:]) as exporter:
        exporter.wait_for(lambda text: text == "Ready.\n", path="/-/ready")
        yield exporter
