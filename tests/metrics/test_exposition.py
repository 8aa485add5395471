import pytest
from prometheus_client import CollectorRegistry, exposition
from prometheus_client.core import Metric as Family
from prometheus_client.openmetrics import exposition as openmetrics

from exporter.metrics.catalog import Kind, Metric
from exporter.metrics.exposition import TextFormat, encode_page
from tests.support.page import plain

SAMPLE = b"cases_total 1.0\n"


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
    page = encode_page([(metric, (SAMPLE,))], lambda _: b"")
    text, strict = (plain(page, text_format).encode().replace(SAMPLE, b"") for text_format in TextFormat)
    assert text == exposition.generate_latest(registry)
    assert strict == openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]  # prometheus_client leaves it untyped
