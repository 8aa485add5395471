"""Which process runs which tests: a file stays whole, and tests that look at the clock run one after another, beside others."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

_ON_THE_CLOCK = (
    "tests/bench/",
    "tests/e2e/test_alerts.py",
    "tests/e2e/test_endings.py",
    *(f"tests/reliability/test_{name}.py" for name in ("chaos", "fault_matrix", "load", "outage", "refused", "soak")),
    "tests/resilience/test_neighbours.py",
    "tests/resilience/test_quota.py",
    "tests/web/test_crowds.py",
)
"""What is late when something else of its kind runs beside it, or when coverage is measured in the processes that it starts."""


class ByFile(LoadScopeScheduling):
    """Gives each process a file at a time, and all tests that look at the clock to one process, first."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return "on the clock" if is_on_the_clock(nodeid) else nodeid.partition("::")[0]


def is_on_the_clock(nodeid: str) -> bool:
    """Return whether a test measures time, or waits for others within bounds."""
    return nodeid.startswith(_ON_THE_CLOCK)


def longest_first(items: list[pytest.Item]) -> None:
    """Sort tests so that no process is left alone with much at the end: who has few tests in a file starts programs in them."""
    files = [item.nodeid.partition("::")[0] for item in items]
    sizes = {file: files.count(file) for file in set(files)}
    items.sort(key=lambda item: (not is_on_the_clock(item.nodeid), sizes[item.nodeid.partition("::")[0]]))
