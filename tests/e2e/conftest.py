import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.support.process import ExporterProcess


@pytest.fixture
def fleet() -> Fleet:
    return Fleet.empty(time.time)


@pytest.fixture
def simulator(fleet: Fleet) -> Iterator[Simulator]:
    fleet.add_account(account_id="999999999999", name="management")
    with Simulator(fleet) as running:
        yield running


StartExporter = Callable[..., ExporterProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[StartExporter]:
    """Start the exporter as a process with a configuration, against a simulated AWS."""
    with ExitStack() as stack:

        def start(config: str | None, env: Mapping[str, str], *args: str) -> ExporterProcess:
            arguments = list(args)
            if config is not None:
                path = tmp_path / "config.yaml"
                path.write_text(config)
                arguments.append(f"--config.file={path}")
            return stack.enter_context(ExporterProcess(arguments, env))

        yield start
