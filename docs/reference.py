"""The catalogue of metrics and the table of advice as Markdown, for the documents."""

from exporter.cases.advice import KINDS, Kind, advice
from exporter.metrics import catalog
from exporter.metrics.catalog import Metric, unit_of

_SECTIONS = (
    ("Cases", catalog.CASE_METRICS),
    ("Accounts", catalog.HEALTH_METRICS),
    ("Fleet and exporter", (*catalog.EXPORTER_METRICS, *catalog.INSTRUMENTS)),
)
_HEAD = "| metric | type | unit | labels | meaning | when |\n|---|---|---|---|---|---|\n"


def tables() -> str:
    """Return one Markdown table for each part of the catalogue, with its heading."""
    return "\n".join(f"### {title}\n\n{_HEAD}{''.join(_row(metric) for metric in metrics)}" for title, metrics in _SECTIONS)


def failures() -> str:
    """Return one Markdown table of failures for each reason, and one for those that several reasons have in common."""
    kinds: dict[str, list[Kind]] = {}
    for kind in KINDS:
        kinds.setdefault(kind.example, []).append(kind)
    sections: dict[str, str] = {}
    for example, alike in kinds.items():
        title = ", ".join(f"`{kind.reason.value}`" for kind in alike)
        sections.setdefault(title, f"### {title}\n\n| message | what to do |\n|---|---|\n")
        sections[title] += f"| `{example}` | {advice(alike[0].reason, example)} |\n"
    return "\n".join(sections.values())


def replace_between(text: str, name: str, content: str) -> str:
    """Return a document with what stands between the marks of that name replaced.

    Raises:
        ValueError: The document has no such marks.
    """
    start, end = f"<!-- {name}: generated -->\n", f"<!-- {name}: end -->\n"
    head, _, rest = text.partition(start)
    _, mark, tail = rest.partition(end)
    if not mark:
        raise ValueError(f"there are no marks for {name}")
    return f"{head}{start}{content}{end}{tail}"


def _row(metric: Metric) -> str:
    labels = [f"`{label}`" for label in metric.labels] + [f"[`{label}`]" for label in metric.optional]
    unit = unit_of(metric.family)
    return f"| `{metric.name}` | {metric.kind} | {unit} | {', '.join(labels)} | {metric.help} | {metric.presence} |\n"
