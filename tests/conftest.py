import asyncio
import inspect
import os
from collections import Counter
from collections.abc import Callable, Coroutine, Generator, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.support.process import environment
from tests.support.prometheus import Daemon, PrometheusServer, Promtool
from tests.support.tools import need_tool

StartPrometheus = Callable[..., PrometheusServer]
StartAlertmanager = Callable[[Mapping[str, object]], Daemon]

settings.register_profile("quick", deadline=None, max_examples=30)  # no deadline: a busy machine is no counterexample
settings.register_profile("thorough", deadline=None, max_examples=200)
settings.register_profile("mutation", deadline=None, max_examples=10, derandomize=True, database=None, phases=[Phase.generate])
settings.load_profile("quick")
_MEASURED_BY_COVERAGE = "COVERAGE_PROCESS_CONFIG"
"""Where coverage tells processes that tests start to measure themselves, which makes them slow."""
_ON_THE_CLOCK = (
    "tests/bench/",
    "tests/deploy/test_demo.py",
    "tests/e2e/test_alerts.py",
    "tests/e2e/test_endings.py",
    "tests/e2e/test_first_hour.py",
    *(f"tests/reliability/test_{name}.py" for name in ("chaos", "fault_matrix", "kills", "load", "outage", "soak")),
    "tests/resilience/test_neighbours.py",
    "tests/web/test_crowds.py",
)
"""What is late when something else of its kind runs beside it, or when coverage is measured in the processes that it starts."""
_REQUIRE_TOOLS = "AWS_SUPPORT_EXPORTER_REQUIRE_TOOLS"
_NOTHING_IS_SKIPPED = os.environ.get(_REQUIRE_TOOLS) == "1"


def pytest_configure() -> None:
    """Leave nothing of the developer's in the environment: neither for tests nor for what they start."""
    clean = environment()
    for name in os.environ.keys() - clean.keys() - {_REQUIRE_TOOLS}:
        del os.environ[name]
    os.environ |= clean


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-golden", action="store_true", help="write golden pages anew instead of comparing with them")


class ByFile(LoadScopeScheduling):
    """Gives each process a file at a time, and all tests that look at the clock to one process, first."""

    def _split_scope(self, nodeid: str) -> str:
        return "on the clock" if nodeid.startswith(_ON_THE_CLOCK) else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    config.option.loadscopereorder = False
    return ByFile(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave no process alone with much at the end: files of few tests, which start programs, come before those of many."""
    sizes = Counter(item.path for item in items)
    items.sort(key=lambda item: (not item.nodeid.startswith(_ON_THE_CLOCK), sizes[item.path]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    with pytest.MonkeyPatch.context() as patch:
        if item.nodeid.startswith(_ON_THE_CLOCK):
            patch.delenv(_MEASURED_BY_COVERAGE, raising=False)
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Run a test that is a coroutine, on an event loop of its own."""
    if inspect.iscoroutinefunction(pyfuncitem.obj):
        pyfuncitem.obj = partial(_run, pyfuncitem.obj)
    return (yield)


def _run(test: Callable[..., Coroutine[Any, Any, None]], **arguments: object) -> None:
    asyncio.run(test(**arguments))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if _NOTHING_IS_SKIPPED and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be: {report.longrepr}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was skipped once for each reason, be it one test or many; -rs lists them by place."""
    skipped = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in terminalreporter.stats.get("skipped", []))
    for reason, tests in skipped.most_common():
        terminalreporter.write_line(f"skipped {tests}: {reason}")


_OLDER = pytest.param("", id="prometheus-2.42", marks=pytest.mark.slow)


@pytest.fixture(scope="session", params=[_OLDER, pytest.param("newer/", id="prometheus-3.5")])
def release(request: pytest.FixtureRequest) -> str:
    """Where the programs of a release of Prometheus are, and of Alertmanager of that time: 0.25, 0.33."""
    return str(request.param)


@pytest.fixture(scope="session")
def prometheus_binary(release: str) -> Path:
    return need_tool(f"{release}prometheus")


@pytest.fixture(scope="session")
def promtool(release: str) -> Promtool:
    return Promtool(need_tool(f"{release}promtool"))


@pytest.fixture(scope="session")
def amtool(release: str) -> Path:
    return need_tool(f"{release}amtool")


@pytest.fixture(scope="session")
def chromium() -> Path:
    return need_tool("chromium")


@pytest.fixture(scope="session")
def chromedriver() -> Path:
    return need_tool("chromedriver")


@pytest.fixture
def start_prometheus(prometheus_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartPrometheus]:
    with ExitStack() as stack:

        def start(target_url: str, **options: Any) -> PrometheusServer:  # noqa: ANN401 - whatever PrometheusServer takes
            directory = tmp_path_factory.mktemp("prometheus")
            return stack.enter_context(PrometheusServer(prometheus_binary, target_url, directory, **options))

        yield start


@pytest.fixture
def start_alertmanager(release: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartAlertmanager]:
    binary = need_tool(f"{release}alertmanager")
    with ExitStack() as stack:

        def start(config: Mapping[str, object]) -> Daemon:
            directory = tmp_path_factory.mktemp("alertmanager")
            flags = [f"--storage.path={directory / 'data'}", "--cluster.listen-address="]
            return stack.enter_context(Daemon(binary, config, directory, flags))

        yield start
