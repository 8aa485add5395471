"""Which encoding of a page a client asks for, from its Accept and Accept-Encoding headers (RFC 9110)."""

from collections.abc import Iterator

from exporter.metrics.exposition import Encoding, TextFormat


def negotiate(accept: str, accept_encoding: str) -> Encoding:
    """Return the encoding that serves a client best.

    OpenMetrics 1.0.0 is chosen only when it is asked for by name and preferred to plain text; whatever else a client asks
    for, it gets the text format 0.0.4, as from every Prometheus client library.
    """
    return Encoding(_text_format(accept), gzip=accepts_gzip(accept_encoding))


def _text_format(accept: str) -> TextFormat:
    openmetrics = text = 0.0
    for value, parameters, quality in _ranges(accept):
        if value == "application/openmetrics-text" and parameters.get("version", "1.0.0") in {"1.0.0", "0.0.1"}:
            openmetrics = max(openmetrics, quality)
        elif value in {"text/plain", "text/*", "*/*"} and parameters.get("version", "0.0.4") == "0.0.4":
            text = max(text, quality)
    return TextFormat.OPENMETRICS if openmetrics > 0 and openmetrics >= text else TextFormat.PROMETHEUS


def accepts_gzip(accept_encoding: str) -> bool:
    qualities = {value: quality for value, _, quality in _ranges(accept_encoding)}
    return qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0.0))) > 0


def _ranges(header: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Yield the elements of a header: their values, parameters and qualities."""
    for element in header.split(","):
        value, *rest = (part.strip() for part in element.lower().split(";"))
        pairs = dict(part.split("=", 1) for part in rest if "=" in part)
        yield value, {k.strip(): v.strip(' "') for k, v in pairs.items()}, _quality(pairs.pop("q", "1"))


def _quality(text: str) -> float:
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return quality if 0.0 <= quality <= 1.0 else 0.0
