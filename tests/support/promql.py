"""Which names a PromQL expression uses that nobody exports."""

import re
from collections.abc import Iterator

import promql_parser
from promql_parser import AggregateExpr, Call, Expr, StringLiteral, VectorSelector

from exporter.metrics.catalog import CATALOG
from tests.support.catalogue import LABELS

_PARTS = ("lhs", "rhs", "param", "expr", "vector_selector")  # of expressions, which are expressions
OF_A_TARGET = {"job", "instance", "cluster", "namespace", "pod", "container", "endpoint", "service"}
SCRAPES = ("duration_seconds", "samples_scraped", "samples_post_metric_relabeling", "series_added")
OF_PROMETHEUS: dict[str, set[str]] = {"up": set(), **{f"scrape_{what}": set() for what in SCRAPES}}
PROCESS = ("cpu_seconds_total", "max_fds", "open_fds", "resident_memory_bytes", "start_time_seconds", "virtual_memory_bytes")
OF_THE_PROCESS: dict[str, set[str]] = {
    **{f"process_{what}": set() for what in PROCESS},
    **{f"python_gc_{what}_total": {"generation"} for what in ("collections", "objects_collected", "objects_uncollectable")},
    "python_info": {"implementation", "major", "minor", "patchlevel", "version"},
}
OF_THE_CATALOGUE = LABELS | {name: {*metric.labels, *metric.optional} for name, metric in CATALOG.items() if metric.optional}
OF_THE_RULES: dict[str, set[str]] = {
    "account_severity_waiting_on:aws_support_open_cases:sum": {"account_id", "severity_code", "waiting_on"},
    **{
        f"account_severity:aws_support_cases_{what}:increase1h": {"account_id", "severity_code"}
        for what in ("opened", "reopened", "resolved")
    },
    "severity_outcome:aws_support_first_responses:increase1h": {"severity_code", "outcome"},
    "account_severity_outcome:aws_support_first_responses:increase1h": {"account_id", "severity_code", "outcome"},
}
KNOWN = OF_PROMETHEUS | OF_THE_PROCESS | OF_THE_CATALOGUE | OF_THE_RULES
_OFFSET = re.compile(r" offset \S+$")
_MAKES_A_LABEL = ("label_replace", "label_join")


def unknown(expression: str) -> list[str]:
    """Return the names of metrics and labels that an expression uses and that are in no catalogue."""
    tree = promql_parser.parse(expression)
    found = []
    labels_in_sight = OF_A_TARGET | set(_made(tree))
    for selector in _selectors(tree):
        labels = KNOWN.get(selector.name or "")
        if labels is None:
            found.append(str(selector.name))
            continue
        labels_in_sight |= labels
        alternatives = (selector.matchers.matchers, *selector.matchers.or_matchers)
        used = {matcher.name for matchers in alternatives for matcher in matchers}
        found += sorted(
            label for label in used - labels - OF_A_TARGET if not (label.startswith("label_") and "label_*" in labels)
        )
    found += sorted(label for label in set(_grouped(tree)) - labels_in_sight if not label.startswith("label_"))
    return found


def selectors(expression: str) -> list[str]:
    """Return what an expression selects, each as PromQL of its own, without offsets."""
    return [_OFFSET.sub("", node.prettify()) for node in _selectors(promql_parser.parse(expression))]


def _nodes(node: Expr) -> Iterator[Expr]:
    yield node
    for child in (*(getattr(node, part, None) for part in _PARTS), *getattr(node, "args", ())):
        if child is not None:
            yield from _nodes(child)


def _selectors(tree: Expr) -> Iterator[VectorSelector]:
    return (node for node in _nodes(tree) if isinstance(node, VectorSelector))


def _grouped(tree: Expr) -> Iterator[str]:
    """Yield the labels that are aggregated by, matched by, or taken over from the other side."""
    for node in _nodes(tree):
        modifier = getattr(node, "modifier", None)
        yield from getattr(modifier, "labels", None) or ()
        yield from getattr(modifier, "group_labels", None) or ()
        yield from getattr(getattr(modifier, "matching", None), "labels", None) or ()


def _made(tree: Expr) -> Iterator[str]:
    """Yield the labels that the expression itself makes."""
    for node in _nodes(tree):
        if isinstance(node, Call) and node.func.name in _MAKES_A_LABEL and isinstance(node.args[1], StringLiteral):
            yield node.args[1].val
        if isinstance(node, AggregateExpr) and isinstance(node.param, StringLiteral):
            yield node.param.val
