"""Panels of the few kinds that every Grafana since 10 draws, with what all of them share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from docs.dashboards.colors import PLAIN, SEVERITY_TEXTS, TURN_TEXTS, Json, override, steps

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
_CALCS: Json = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_ANY = steps(base=PLAIN)
_GRAPH: Json = {"drawStyle": "line", "lineInterpolation": "linear", "gradientMode": "none", "showPoints": "never"}
_GRAPH |= {"spanNulls": False, "axisPlacement": "auto", "axisLabel": "", "thresholdsStyle": {"mode": "off"}}
_POINTS = 90
"""Of a graph, about: one for every two hours of a week, as Grafana rounds it, at a tenth of the cost of one for each pixel."""


@dataclass(frozen=True, slots=True)
class Query:
    """One expression of a panel."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    title: str
    width: int | None = None
    properties: Mapping[str, object] = field(default_factory=dict)


HIDDEN_ACCOUNT = Column("account_id", "Account id", None, {"custom__hidden": True})
"""What links need to know, but nobody needs to see."""


def stat(
    title: str,
    description: str,
    query: Query,
    *,
    unit: str = "locale",
    thresholds: Json = _ANY,
    **options: Any,  # noqa: ANN401 - Grafana's
) -> Json:
    """Return a panel of one big number: that at the end of the time range, as a history of it costs as much as a graph."""
    panel = _panel("stat", title, description, [_only(query, instant=True)], _config(unit, thresholds, **options))
    panel["options"] = {"reduceOptions": _CALCS, "colorMode": "value", "graphMode": "none"}
    return panel


def timeseries(
    title: str,
    description: str,
    *queries: Query,
    unit: str = "locale",
    thresholds: Json = _ANY,
    overrides: Sequence[Json] = (),
    stacked: bool = False,
    **options: Any,  # noqa: ANN401 - Grafana's
) -> Json:
    """Return a graph over time."""
    custom = _GRAPH | {
        "lineWidth": 1 if stacked else 2,
        "fillOpacity": 55 if stacked else 0,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        **({"axisSoftMax": 1} if unit == "locale" else {}),
    }
    config = _config(unit, thresholds, overrides=overrides, custom=custom, color={"mode": "palette-classic"}, min=0, **options)
    panel = _panel("timeseries", title, description, [_only(query, instant=False) for query in queries], config)
    panel["maxDataPoints"] = _POINTS
    panel["options"] = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return panel


def bargauge(
    title: str,
    description: str,
    *queries: Query,
    unit: str = "locale",
    thresholds: Json = _ANY,
    overrides: Sequence[Json] = (),
    **options: Any,  # noqa: ANN401 - Grafana's
) -> Json:
    """Return bars for the values at the end of the time range."""
    config = _config(unit, thresholds, overrides=overrides, min=0, **options)
    panel = _panel("bargauge", title, description, [_only(query, instant=True) for query in queries], config)
    panel["options"] = {
        "reduceOptions": _CALCS,
        "orientation": "horizontal",
        "displayMode": "basic",
        "text": {"titleSize": 13, "valueSize": 16},
        "showUnfilled": True,
        "minVizWidth": 8,
        "minVizHeight": 16,
        "maxVizHeight": 60,
    }
    return panel


def table(
    title: str,
    description: str,
    *queries: Query,
    columns: Sequence[Column],
    sort_by: str = "",
    descending: bool = True,
    hide: Sequence[str] = (),
    ratio: tuple[str, str, str] | None = None,
    limit: int | None = None,
    **options: Any,  # noqa: ANN401 - Grafana's
) -> Json:
    """Return a table of what instant queries return, joined by their common labels."""
    config = _config("string", _ANY, overrides=[_column(column) for column in columns], custom={"align": "auto"}, **options)
    panel = _panel("table", title, description, [_only(query, instant=True) | {"format": "table"} for query in queries], config)
    order = {column.name: index for index, column in enumerate(columns)}
    excluded = dict.fromkeys(("Time", *hide), True)
    chosen: list[Json] = [{"id": "merge", "options": {}}] if len(queries) > 1 else []
    if ratio:
        named, left, right = ratio
        binary = {"left": left, "operator": "/", "right": right}
        chosen.append({"id": "calculateField", "options": {"mode": "binary", "binary": binary, "alias": named}})
    chosen.append({"id": "organize", "options": {"excludeByName": excluded, "indexByName": order, "renameByName": {}}})
    if sort_by:
        chosen.append({"id": "sortBy", "options": {"fields": {}, "sort": [{"field": sort_by, "desc": descending}]}})
    if limit:
        chosen.append({"id": "limit", "options": {"limitField": limit}})
    panel["transformations"] = chosen
    panel["options"] = {"showHeader": True, "cellHeight": "sm"}
    return panel


def severity_column() -> Column:
    """Return the column of severities, in their colours."""
    look = {"mappings": [SEVERITY_TEXTS], "custom__cellOptions": {"type": "color-text"}}
    return Column("severity_code", "Severity", 90, look)


def turn_column() -> Column:
    """Return the column of who a case is waiting on."""
    look = {"mappings": [TURN_TEXTS], "custom__cellOptions": {"type": "color-text"}}
    return Column("waiting_on", "Waiting on", 95, look)


def duration_column(name: str, title: str, *levels: tuple[float, str], width: int = 105) -> Column:
    """Return a column of seconds, coloured from some levels on."""
    look: dict[str, object] = {"unit": "s", "decimals": 1}
    if levels:
        look |= {"thresholds": steps(*levels, base="text"), "custom__cellOptions": {"type": "color-text"}}
    return Column(name, title, width, look)


def count_column(name: str, title: str, width: int) -> Column:
    """Return a column of whole numbers."""
    return Column(name, title, width, {"unit": "locale", "decimals": 0})


def _column(column: Column) -> Json:
    width = {} if column.width is None else {"custom__width": column.width}
    return override(column.name, displayName=column.title, **width, **column.properties)


def _panel(kind: str, title: str, description: str, targets: Sequence[Json], config: Json) -> Json:
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "pluginVersion": "10.0.0",
        "targets": [{"refId": chr(ord("A") + index)} | target for index, target in enumerate(targets)],
        "fieldConfig": config,
    }


def _only(query: Query, *, instant: bool) -> Json:
    legend = {"legendFormat": query.legend} if query.legend else {}
    return {
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": query.expr,
        "instant": instant,
        "range": not instant,
        **legend,
    }


def _config(unit: str, thresholds: Json, *, overrides: Sequence[Json] = (), **options: object) -> Json:
    """Return the settings of all fields, and of some."""
    renamed = {"no_value": "noValue"}
    defaults: Json = {"unit": unit, "thresholds": thresholds, "color": {"mode": "thresholds"}}
    defaults |= {renamed.get(name, name): value for name, value in options.items()}
    return {"defaults": defaults, "overrides": list(overrides)}
