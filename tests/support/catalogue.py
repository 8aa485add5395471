"""Whether a page is what the catalogue says: only its names, each with exactly its labels, in its order, no series twice."""

from collections import Counter
from fnmatch import fnmatchcase

from prometheus_client.metrics_core import Metric as Family

from exporter.metrics.catalog import CATALOG, Kind

OF_EVERY_CLIENT = ("process_", "python_")
LABELS: dict[str, set[str]] = {
    name + end: {*metric.labels, *(["le"] if end == "_bucket" else [])}
    for name, metric in CATALOG.items()
    for end in (("_bucket", "_count", "_sum") if metric.kind is Kind.HISTOGRAM else ("",))
}
"""Of each sample, by its name; those apart that it has only when they are configured."""
_KINDS = {metric.family: metric.kind.value for metric in CATALOG.values()}


def complaints(families: list[Family]) -> list[str]:
    """Return what a parsed page has that the catalogue does not allow: nothing, when it is clean."""
    ours = [family for family in families if not family.name.startswith(OF_EVERY_CLIENT)]
    names = [family.name for family in ours]
    found = [] if names == [name for name in _KINDS if name in names] else [f"unknown, or out of order: {names}"]
    found += [f"{family.name} is a {family.type}" for family in ours if family.type != _KINDS.get(family.name)]
    samples = [sample for family in ours for sample in family.samples]
    series = Counter((sample.name, *sorted(sample.labels.items())) for sample in samples)
    found += [f"twice: {one}" for one, count in series.items() if count > 1]
    for name, labels in {(sample.name, frozenset(sample.labels)) for sample in samples}:
        metric = CATALOG.get(name)
        own = {label for label in labels if not any(fnmatchcase(label, each) for each in (metric.optional if metric else ()))}
        if own != LABELS.get(name):
            found.append(f"{name} has the labels {sorted(own)}, not {sorted(LABELS.get(name, ()))}")
    return found
