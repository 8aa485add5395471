import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.metrics.exposition import TextFormat
from exporter.metrics.negotiation import negotiate

NAMED = "application/openmetrics-text"
PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,*/*;q=0.2"
)


@pytest.mark.parametrize(
    "accept",
    [
        PROMETHEUS_2,
        PROMETHEUS_3,
        NAMED,
        "APPLICATION/OpenMetrics-Text; Version=1.0.0",
        f"{NAMED};version=0.0.1",
        f'{NAMED}; version = "1.0.0"; flag; q=0.5, text/*; q=0.4',
        f"{NAMED};q=0.5,text/plain;version=1.0.0;q=0.6",
        f"{NAMED};q=0.5,text/html;q=0.6",
        f"{NAMED};q=0.7,{NAMED};q=0.1,text/plain;q=0.6",
        f"{NAMED};q=1,text/plain;q=1",
    ],
)
def test_openmetrics_is_for_who_prefers_it_by_name(accept: str) -> None:
    assert negotiate(accept, "").text_format is TextFormat.OPENMETRICS


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "text/html,application/xhtml+xml,*/*;q=0.8",
        f"{NAMED};version=2.0.0",
        *(f"{NAMED};q={quality}" for quality in ("0", "1.1", "-1", "nan", "high", "0.5=1")),
        *(f"{NAMED};q=0.5,{text};q=0.6" for text in ("*/*", "text/*", "text/plain", "text/plain;version=0.0.4")),
        f"{NAMED};q=0.5,text/plain;q=0.6,text/plain;q=0.1",
    ],
)
def test_all_others_get_the_text_format(accept: str) -> None:
    assert negotiate(accept, "").text_format is TextFormat.PROMETHEUS


def test_gzip_is_for_who_accepts_it() -> None:
    for accepted in ("gzip", "deflate, gzip;q=0.1", "*", "x-gzip", "br, *;q=0.1", "GZip"):
        assert negotiate("", accepted).gzip
    for refused in ("gzip;q=0", "*;q=0", "br", "x-gzip;q=0, *", "gzip;q=0, x-gzip", "gzip;q=0, *", ""):
        assert not negotiate("", refused).gzip


@given(st.text('gzip*/;,=q01. "\xff'), st.text('gzip*;,=q01. "\xff'))
def test_any_header_is_answered(accept: str, accept_encoding: str) -> None:
    assert negotiate(accept, accept_encoding).text_format is TextFormat.PROMETHEUS
