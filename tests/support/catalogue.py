"""Whether a page is what the catalogue says: only its names, each with exactly its labels, in its order, no series twice."""

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric as Family

from exporter.metrics.catalog import CATALOG, Kind, Metric

OF_EVERY_CLIENT = ("process_", "python_")
_ENDS = {Kind.GAUGE: ("",), Kind.COUNTER: ("_total",), Kind.HISTOGRAM: ("_bucket", "_count", "_sum")}
_BY_FAMILY = {metric.family: metric for metric in CATALOG.values()}


def complaints(families: list[Family]) -> list[str]:
    """Return what a parsed page has that the catalogue does not allow: nothing, when it is clean."""
    ours = [family for family in families if not family.name.startswith(OF_EVERY_CLIENT)]
    order = [family.name for family in ours]
    found = [] if order == [name for name in _BY_FAMILY if name in order] else [f"families out of order: {order}"]
    seen: set[tuple[str, frozenset[tuple[str, str]]]] = set()
    for family in ours:
        metric = _BY_FAMILY.get(family.name)
        if metric is None or family.type != metric.kind.value:
            found.append(f"not in the catalogue: {family.name} ({family.type})")
            continue
        for sample in family.samples:
            series = (sample.name, frozenset(sample.labels.items()))
            found += [f"twice: {series}"] if series in seen else []
            found += _of_sample(metric, sample.name, set(sample.labels))
            seen.add(series)
    return found


def _of_sample(metric: Metric, name: str, labels: set[str]) -> Iterator[str]:
    if name.removeprefix(metric.family) not in _ENDS[metric.kind]:
        yield f"not a sample of {metric.family}: {name}"
    bounds = {"le"} if name.endswith("_bucket") else set()
    optional = {label for label in labels for allowed in metric.optional if label == allowed or _is_prefix(allowed, label)}
    if labels - optional != {*metric.labels, *bounds}:
        yield f"{name} has the labels {sorted(labels)}, not {sorted(metric.labels)}"


def _is_prefix(allowed: str, label: str) -> bool:
    return allowed.endswith("*") and label.startswith(allowed.removesuffix("*"))
