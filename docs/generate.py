"""Writes what is generated of the documents and of the chart: `make docs`."""

from pathlib import Path

from docs import chart_values, reference

_ROOT = Path(__file__).resolve().parents[1]
_CHART = _ROOT / "helm/aws-support-exporter"
_GENERATED = (
    ("docs/metrics.md", "metrics", reference.tables),
    ("docs/troubleshooting.md", "failures", reference.failures),
    ("helm/aws-support-exporter/README.md", "values", lambda: chart_values.table((_CHART / "values.yaml").read_text())),
)

for _document, _name, _content in _GENERATED:
    _path = _ROOT / _document
    _path.write_text(reference.replace_between(_path.read_text(), _name, _content()))

_schema = _CHART / "values.schema.json"
_schema.write_text(chart_values.described_schema(_schema.read_text(), (_CHART / "values.yaml").read_text()))
