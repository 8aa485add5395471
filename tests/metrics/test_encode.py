import pytest
from prometheus_client import CollectorRegistry, exposition
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics import exposition as openmetrics

from exporter.metrics.encode import END_OF_OPENMETRICS, TextFormat, header
from exporter.metrics.live import LiveMetrics
from exporter.metrics.metric import Kind, Metric


class Empty:
    """One family without samples.

    Args:
        metric: Its name, type and help.
    """

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> list[Family]:
        return [Family(self._metric.family, self._metric.help, self._metric.kind.value)]


@pytest.mark.parametrize("help_text", ["plain", "a\\b", "two\nlines", 'in "quotes"', '\\n"\n\\'])
def test_a_header_is_what_prometheus_client_writes_whatever_its_help(help_text: str) -> None:
    metric = Metric("cases_total", Kind.COUNTER, (), help_text)
    registry = CollectorRegistry()
    registry.register(Empty(metric))
    assert header(metric, TextFormat.PROMETHEUS).encode() == exposition.generate_latest(registry)
    strict = header(metric, TextFormat.OPENMETRICS).encode() + END_OF_OPENMETRICS
    assert strict == openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]  # prometheus_client leaves it untyped


def test_the_live_part_tells_of_the_process_of_python_and_of_its_garbage() -> None:
    page = LiveMetrics().encode(TextFormat.PROMETHEUS).decode()
    names = {line.partition("{")[0].partition(" ")[0] for line in page.splitlines() if not line.startswith("#")}
    assert {"process_open_fds", "python_info", "python_gc_collections_total"} <= names
