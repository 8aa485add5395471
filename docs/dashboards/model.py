"""A dashboard: its variables, its links to the others, and its panels on the grid."""

from collections.abc import Sequence

from docs.dashboards.colors import BAD, GOOD, PLAIN, Json
from docs.dashboards.panels import DATASOURCE

TAG = "aws-support"
RUNBOOKS = "https://github.com/aws-support-exporter/aws-support-exporter/blob/main/docs/runbooks.md"
_COLUMNS = 24
_SCHEMA = 38

ALL = {"text": ["All"], "value": ["$__all"], "selected": True}
_ONE_OF_SEVERAL: Json = {"includeAll": False, "multi": False, "current": {}}
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
        "weekStart": "",
        "fiscalYearStartMonth": 0,
        "annotations": {"list": _annotations()},
        "links": _links(),
        "templating": {"list": list(variables)},
        "panels": _place(rows),
    }


def datasource() -> Json:
    """Return the variable for the Prometheus to query."""
    return {
        "name": "datasource",
        "label": "Data source",
        "description": "The Prometheus, Thanos or Mimir that scrapes the exporter",
        "type": "datasource",
        "query": "prometheus",
        "regex": "",
        "refresh": 1,
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "options": [],
        "current": {},
        "skipUrlSync": False,
    }


def where() -> list[Json]:
    """Return the variables for where exporters are: all of them where series have no label cluster."""
    build = "aws_support_exporter_build_info"
    cluster = _values("cluster", "Cluster", "Values of the label cluster, if there is one", f"label_values({build}, cluster)")
    job = _values("job", "Job", "Scrape jobs of exporters", f'label_values({build}{{cluster=~"$cluster"}}, job)')
    return [cluster | {"allValue": ".*"}, job]


def organization() -> Json:
    """Return the variable for organizations; accounts that belong to none are among All."""
    query = f"label_values({INFO}{{{JOB}}}, organization)"
    return _values("organization", "Organization", "As named in the exporter's configuration", query) | {"allValue": ".*"}


def owners() -> list[Json]:
    """Return the variables for who owns an account; accounts without a unit or the label are among All."""
    organization = f'{JOB}, organization=~"$organization"'
    unit = f"label_values({INFO}{{{organization}}}, organizational_unit)"
    always = f'label_replace(vector(0), "{_LABEL}", "none", "", "")'  # an empty label would make expressions invalid
    label = _values(
        "label",
        "Label",
        "Label of accounts for the variable Owner and the row By owner",
        f"query_result(group without (account_id, account_name, instance, pod) ({INFO}{{{JOB}}}) or {always})",
    )
    label |= {"regex": r'/\b(label_\w+|organizational_unit|organization|plan)="/g', "includeAll": False, "multi": False}
    label["current"] = {"text": _LABEL, "value": _LABEL, "selected": True}
    owner = f"label_values({INFO}{{{organization}, {UNIT}}}, $label)"
    return [
        _values("unit", "Organizational unit", "AWS Organizations units, each with all below it", unit) | {"allValue": ".*"},
        label,
        _values("owner", "Owner", "Values of that label", owner) | {"allValue": ".*"},
    ]


def account(*, several: bool) -> Json:
    """Return the variable for accounts: names are shown, ids are meant."""
    query = f"query_result(max by (account_id, account_name) ({INFO}{{{JOB}, {OF_OWNER}}}))"
    choice = _values("account", "Account", "AWS accounts, by name", query)
    choice["regex"] = '/account_id="(?<value>[^"]+)|account_name="(?<text>[^"]+)/g'
    choice["sort"] = 5
    if several:
        return choice | {"allValue": ".*"}
    return choice | _ONE_OF_SEVERAL


def severity() -> Json:
    """Return the variable for severities."""
    query = f"label_values(aws_support_account_open_cases{{{JOB}}}, severity_code)"
    return _values("severity", "Severity", "Severity codes of AWS", query) | {"allValue": ".*"}


def service(within: str) -> Json:
    """Return the variable for the AWS services that cases are about."""
    query = f"label_values(aws_support_open_cases{{{within}}}, service_code)"
    return _values("service", "Service", "AWS services with an open case in the time range", query) | {"allValue": ".*"}


def _values(name: str, label: str, description: str, query: str) -> Json:
    return {
        "name": name,
        "label": label,
        "description": description,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": f"variable-{name}"},
        "regex": "",
        "refresh": 2,
        "sort": 1,
        "hide": 0,
        "includeAll": True,
        "multi": True,
        "options": [],
        "current": ALL,
        "skipUrlSync": False,
    }


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
