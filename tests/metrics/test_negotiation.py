import pytest

from exporter.metrics.exposition import TextFormat
from exporter.metrics.negotiation import negotiate

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (PROMETHEUS_2, TextFormat.OPENMETRICS),
        (PROMETHEUS_3, TextFormat.OPENMETRICS),
        ("", TextFormat.PROMETHEUS),
        ("*/*", TextFormat.PROMETHEUS),
        ("text/html,application/xhtml+xml,*/*;q=0.8", TextFormat.PROMETHEUS),
        ("application/openmetrics-text;version=2.0.0,text/plain", TextFormat.PROMETHEUS),
        ("application/openmetrics-text;q=0.2,text/plain;q=0.9", TextFormat.PROMETHEUS),
        ("application/openmetrics-text;q=0", TextFormat.PROMETHEUS),
        ("APPLICATION/OpenMetrics-Text; Version=1.0.0", TextFormat.OPENMETRICS),
        ("application/openmetrics-text", TextFormat.OPENMETRICS),
        ("application/openmetrics-text,text/plain", TextFormat.OPENMETRICS),
        ("application/openmetrics-text;version=0.0.1", TextFormat.OPENMETRICS),
        ('application/openmetrics-text; version="1.0.0"; q=0.5, text/*; q=0.4', TextFormat.OPENMETRICS),
        ('application/openmetrics-text; version = "1.0.0"; flag; q=0.5', TextFormat.OPENMETRICS),
        ("application/openmetrics-text;version=2.0.0", TextFormat.PROMETHEUS),
        ("application/openmetrics-text;q=0.5,*/*;q=0.6", TextFormat.PROMETHEUS),
        ("application/openmetrics-text;q=0.5,text/*;q=0.6", TextFormat.PROMETHEUS),
        ("application/openmetrics-text;q=0.5,text/plain;version=0.0.4;q=0.6", TextFormat.PROMETHEUS),
        ("application/openmetrics-text;q=0.5,text/plain;version=1.0.0;q=0.6", TextFormat.OPENMETRICS),
        ("application/openmetrics-text;q=0.5,text/html;q=0.6", TextFormat.OPENMETRICS),
        ("application/openmetrics-text;q=0.5,text/html;version=1.0.0;q=0.6", TextFormat.OPENMETRICS),
        ("application/openmetrics-text;q=0.5,text/plain;q=0.6,text/plain;q=0.1", TextFormat.PROMETHEUS),
        ("application/openmetrics-text;q=0.7,application/openmetrics-text;q=0.1,text/plain;q=0.6", TextFormat.OPENMETRICS),
        ("application/openmetrics-text;q=1,text/plain;q=1", TextFormat.OPENMETRICS),
        ("application/openmetrics-text;q=1.1", TextFormat.PROMETHEUS),
        ("application/openmetrics-text;q=-1", TextFormat.PROMETHEUS),
        ("application/openmetrics-text;q=nan", TextFormat.PROMETHEUS),
        ("application/openmetrics-text;q=high", TextFormat.PROMETHEUS),
        ("application/openmetrics-text;q=0.5=1", TextFormat.PROMETHEUS),
    ],
)
def test_openmetrics_is_for_who_prefers_it_by_name(accept: str, expected: TextFormat) -> None:
    assert negotiate(accept, "").text_format is expected


@pytest.mark.parametrize(
    ("accept_encoding", "expected"),
    [
        ("gzip", True),
        ("gzip;q=0", False),
        ("deflate, gzip;q=0.1", True),
        ("*", True),
        ("*;q=0", False),
        ("br", False),
        ("x-gzip", True),
        ("x-gzip;q=0, *", False),
        ("gzip;q=0, x-gzip", False),
        ("gzip;q=0, *", False),
        ("br, *;q=0.1", True),
        ("GZip", True),
        ("", False),
    ],
)
def test_gzip_is_for_who_accepts_it(accept_encoding: str, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    assert negotiate("", accept_encoding).gzip is expected
