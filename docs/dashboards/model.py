"""A dashboard: its variables, its links to the others, and its panels on the grid."""

from collections.abc import Sequence

from docs.dashboards.colors import BAD, GOOD, PLAIN, Json
from docs.dashboards.panels import DATASOURCE

TAG = "aws-support"
RUNBOOKS = "https://github.com/aws-support-exporter/aws-support-exporter/blob/main/docs/runbooks.md"
_COLUMNS = 24
_SCHEMA = 38

ALL = {"text": ["All"], "value": ["$__all"], "selected": True}
_ONE_OF_SEVERAL: Json = {"includeAll": False, "multi": False, "allValue": ""}
JOB = 'cluster=~"$cluster", job=~"$job"'
INFO = "aws_support_account_info"
UNIT = 'organizational_unit=~"$unit(/.*)?"'
"""A chosen unit, and all below it."""

_LABEL = "organizational_unit"
OF_OWNER = f'organization=~"$organization", {UNIT}, $label=~"$owner"'

Line = tuple[int, Sequence[tuple[int, Json]]]
"""Panels beside each other: how high they are, and each with how wide it is."""


def dashboard(
    uid: str,
    title: str,
    description: str,
    variables: Sequence[Json],
    rows: Sequence[tuple[str, Sequence[Line]]],
    *,
    since: str,
    refresh: str,
) -> Json:
    """Return a dashboard."""
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": [TAG],
        "editable": False,
        "graphTooltip": 1,
        "schemaVersion": _SCHEMA,
        "version": 1,
        "refresh": refresh,
        "time": {"from": since, "to": "now"},
        "timezone": "browser",
        "annotations": {"list": _annotations()},
        "links": _links(),
        "templating": {"list": list(variables)},
        "panels": _place(rows),
    }


def variables(*, several: bool, cases: bool) -> list[Json]:
    """Return what can be chosen; All is also what has no cluster, organization, unit or owner.

    `several` accounts, or one of them; `cases` by severity and service, too.
    """
    build, organization = "aws_support_exporter_build_info", f'{JOB}, organization=~"$organization"'
    always = f'label_replace(vector(0), "{_LABEL}", "none", "", "")'  # an empty label would make expressions invalid
    labels = f"query_result(group without (account_id, account_name, instance, pod) ({INFO}{{{JOB}}}) or {always})"
    of_cases = f'{JOB}, account_id=~"$account"'
    return [
        {
            "name": "datasource",
            "label": "Data source",
            "description": "The Prometheus, Thanos or Mimir that scrapes the exporter",
            "type": "datasource",
            "query": "prometheus",
            "refresh": 1,
            "includeAll": False,
            "multi": False,
            "current": {},
        },
        _values("cluster", "Cluster", "Values of the label cluster, if there is one", f"label_values({build}, cluster)"),
        _values("job", "Job", "Scrape jobs of exporters", f'label_values({build}{{cluster=~"$cluster"}}, job)', allValue=""),
        _values(
            "organization",
            "Organization",
            "As named in the exporter's configuration",
            f"label_values({INFO}{{{JOB}}}, organization)",
        ),
        _values(
            "unit",
            "Organizational unit",
            "AWS Organizations units, each with all below it",
            f"label_values({INFO}{{{organization}}}, organizational_unit)",
        ),
        _values(
            "label",
            "Label",
            "Label of accounts for the variable Owner and the row By owner",
            labels,
            **_ONE_OF_SEVERAL,
            regex=r'/\b(label_\w+|organizational_unit|organization|plan)="/g',
            current={"text": _LABEL, "value": _LABEL, "selected": True},
        ),
        _values("owner", "Owner", "Values of that label", f"label_values({INFO}{{{organization}, {UNIT}}}, $label)"),
        _values(
            "account",
            "Account",
            "AWS accounts, by name",
            f"query_result(max by (account_id, account_name) ({INFO}{{{JOB}, {OF_OWNER}}}))",
            regex='/account_id="(?<value>[^"]+)|account_name="(?<text>[^"]+)/g',
            sort=5,
            **({} if several else _ONE_OF_SEVERAL | {"current": {}}),
        ),
        *(
            _values(name, name.capitalize(), description, f"label_values({metric}{{{of_cases}}}, {name}_code)")
            for name, description, metric in (
                ("severity", "Severity codes of AWS", "aws_support_account_open_cases"),
                ("service", "AWS services with an open case in the time range", "aws_support_open_cases"),
            )
            if cases
        ),
    ]


def _values(name: str, label: str, description: str, query: str, **options: object) -> Json:
    variable = {
        "name": name,
        "label": label,
        "description": description,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": f"variable-{name}"},
        "refresh": 2,
        "sort": 1,
        "includeAll": True,
        "multi": True,
        "current": ALL,
        "allValue": ".*",
    }
    return {key: value for key, value in (variable | options).items() if value != ""}


def _links() -> list[Json]:
    shared = {"asDropdown": False, "keepTime": True, "tooltip": ""}
    dashboards = {"type": "dashboards", "title": "AWS Support", "tags": [TAG], "icon": "external link", "url": ""}
    runbooks = {"type": "link", "title": "Runbooks", "tags": [], "icon": "doc", "url": RUNBOOKS}
    return [
        shared | dashboards | {"includeVars": True, "targetBlank": False},
        shared | runbooks | {"includeVars": False, "targetBlank": True},
    ]


def _annotations() -> list[Json]:
    """Return what is marked on graphs; a reload at the start is none."""
    started, reloaded = "process_start_time_seconds", "aws_support_exporter_config_last_reload_success_timestamp_seconds"
    just_now = f"(time() - %s{{{JOB}}}) * 1000 < $__interval_ms"
    reloads = f"{just_now % reloaded} and {reloaded}{{{JOB}}} - {started}{{{JOB}}} > 60"
    firing = 'count by (alertname) (ALERTS{alertname=~"AwsSupport.+", alertstate="firing", severity=~"critical|warning"})'
    return [
        {
            "name": name,
            "datasource": DATASOURCE,
            "enable": True,
            "iconColor": color,
            "expr": expr,
            "titleFormat": title,
            "textFormat": text,
        }
        for name, color, expr, title, text in (
            ("Restarts", PLAIN, just_now % started, "Restart", "{{instance}}"),
            ("Reloads", GOOD, reloads, "Configuration reload", "{{instance}}"),
            ("Alerts", BAD, firing, "{{alertname}}", "warning or critical; see the runbook"),
        )
    ]


def _place(rows: Sequence[tuple[str, Sequence[Line]]]) -> list[Json]:
    """Return the panels with ids and places, line under line."""
    placed: list[Json] = []
    y = 0
    for heading, lines in rows:
        if heading:
            place = {"x": 0, "y": y, "w": _COLUMNS, "h": 1}
            placed.append({"type": "row", "title": heading, "collapsed": False, "panels": [], "gridPos": place})
            y += 1
        for height, panels in lines:
            x = 0
            for width, panel in panels:
                placed.append(panel | {"gridPos": {"x": x, "y": y, "w": width, "h": height}})
                x += width
            y += height
    return [{"id": number} | panel for number, panel in enumerate(placed, 1)]
