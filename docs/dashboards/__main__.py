"""Writes the dashboards into the chart: `python -m docs.dashboards`."""

from docs.dashboards import DIRECTORY, dashboards

DIRECTORY.mkdir(parents=True, exist_ok=True)
for _name, _text in dashboards().items():
    (DIRECTORY / _name).write_text(_text)
