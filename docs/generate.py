"""Writes what is generated of the documents: `make docs`."""

from pathlib import Path

from exporter.metrics import reference

_ROOT = Path(__file__).resolve().parents[1]
_GENERATED = (("docs/metrics.md", "metrics", reference.tables), ("README.md", "overview", reference.overview))

for _document, _name, _content in _GENERATED:
    _path = _ROOT / _document
    _path.write_text(reference.replace_between(_path.read_text(), _name, _content()))
