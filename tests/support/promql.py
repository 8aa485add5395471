"""Which names a PromQL expression uses that nobody exports."""

from collections.abc import Iterator

import promql_parser
from promql_parser import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    MatrixSelector,
    ParenExpr,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)

from exporter.metrics.catalog import CATALOG
from exporter.metrics.metric import Kind

OF_PROMETHEUS = {"up": {"job", "instance"}, "ALERTS": {"alertname", "alertstate"}}
OF_A_TARGET = {"job", "instance", "cluster", "namespace", "pod"}
OF_THE_PROCESS = ("process_", "python_")


def unknown(expression: str, recorded: frozenset[str] = frozenset()) -> list[str]:
    """Return the names of metrics and labels that an expression uses and that are in no catalogue.

    Args:
        expression: PromQL, without a dashboard's variables.
        recorded: Names of recording rules; their labels are those of the catalogue.

    Raises:
        ValueError: It is not PromQL.
    """
    tree = promql_parser.parse(expression)
    found = []
    labels_in_sight: set[str] = set(OF_A_TARGET)
    for selector in _selectors(tree):
        labels = _labels_of(selector.name or "", recorded)
        if labels is None:
            found.append(str(selector.name))
            continue
        labels_in_sight |= labels
        used = {matcher.name for matcher in selector.matchers.matchers}
        found += sorted(label for label in used - labels - OF_A_TARGET if not _is_own_label(label, labels))
    found += sorted(label for label in set(_grouped(tree)) - labels_in_sight if not label.startswith("label_"))
    return found


def _labels_of(name: str, recorded: frozenset[str]) -> set[str] | None:
    """Return the labels that a metric has, or None where there is no such metric."""
    if name in OF_PROMETHEUS:
        return OF_PROMETHEUS[name]
    if name.startswith(OF_THE_PROCESS):
        return {"generation", "implementation", "major", "minor", "patchlevel", "version"}
    if name in recorded:
        return {label for metric in CATALOG.values() for label in metric.labels}
    if name in CATALOG and CATALOG[name].kind is not Kind.HISTOGRAM:
        return {*CATALOG[name].labels, *CATALOG[name].optional}
    family = name.rpartition("_")[0]
    if family in CATALOG and CATALOG[family].kind is Kind.HISTOGRAM and name != family:
        return {*CATALOG[family].labels, "le"}
    return None


def _is_own_label(label: str, labels: set[str]) -> bool:
    return label.startswith("label_") and "label_*" in labels


def _children(node: Expr) -> tuple[Expr, ...]:
    match node:
        case BinaryExpr():
            return (node.lhs, node.rhs)
        case AggregateExpr():
            return (node.expr,)
        case Call():
            return tuple(node.args)
        case ParenExpr() | UnaryExpr() | SubqueryExpr():
            return (node.expr,)
        case MatrixSelector():
            return (node.vector_selector,)
        case _:
            return ()


def _nodes(node: Expr) -> Iterator[Expr]:
    yield node
    for child in _children(node):
        yield from _nodes(child)


def _selectors(tree: Expr) -> Iterator[VectorSelector]:
    return (node for node in _nodes(tree) if isinstance(node, VectorSelector))


def _grouped(tree: Expr) -> Iterator[str]:
    """Yield the labels that are aggregated or matched by."""
    for node in _nodes(tree):
        modifier = getattr(node, "modifier", None)
        for part in (modifier, getattr(modifier, "matching", None)):
            yield from getattr(part, "labels", None) or ()
