"""What makes a dashboard easy to import, to read and to keep."""

import json
import re
from collections import Counter
from collections.abc import Iterator

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard as Schema

from docs.dashboards import dashboards
from docs.dashboards.colors import SEVERITY
from tests.support.grafana import FILES, Dashboard
from tests.support.tools import ROOT

UIDS = {
    "aws-support-overview": "AWS Support / Overview",
    "aws-support-account": "AWS Support / Account",
    "aws-support-exporter-health": "AWS Support / Exporter health",
}


def test_the_chart_holds_what_the_generator_makes() -> None:
    shipped = {path.name: path.read_text() for path in FILES}
    models = [Dashboard.load(path).model for path in FILES]

    assert shipped.keys() == dashboards().keys()
    assert [name for name, text in dashboards().items() if shipped[name] != text] == [], "write them anew with: make dashboards"
    assert {model["uid"]: model["title"] for model in models} == UIDS
    assert max(map(len, shipped.values())) < 256 * 1024, "a ConfigMap holds 1 MiB, and kubectl's annotation 256 KiB"


def test_a_dashboard_is_not_edited_in_place_and_leads_to_the_others_and_to_the_runbooks(dashboard: Dashboard) -> None:
    model = dashboard.model
    to_dashboards, to_runbooks = model["links"]

    assert model["editable"] is False
    assert not {"id", "__inputs"} & model.keys()
    assert model["tags"] == to_dashboards["tags"]
    assert (to_dashboards["type"], to_dashboards["keepTime"], to_dashboards["includeVars"]) == ("dashboards", True, True)
    assert to_runbooks["url"].endswith("/docs/runbooks.md")
    assert set(re.findall(r"/d/([\w-]+)/", json.dumps(model))) <= UIDS.keys()


def test_panels_fill_the_grid_without_overlapping(dashboard: Dashboard) -> None:
    squares = Counter(
        (x, y)
        for place in (panel["gridPos"] for panel in dashboard.model["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    )

    assert set(squares.values()) == {1}
    assert squares.keys() == {(x, y) for x in range(24) for y in range(1 + max(y for _, y in squares))}


def test_every_panel_has_what_every_grafana_draws_and_says_what_it_shows(dashboard: Dashboard) -> None:
    titles = [panel["title"] for panel in dashboard.panels]
    defaults = {panel["title"]: panel["fieldConfig"]["defaults"] for panel in dashboard.panels if panel["type"] != "text"}

    assert len(set(titles)) == len(titles)
    assert max(map(len, titles)) <= 50
    assert [panel["title"] for panel in dashboard.panels if not panel["description"].endswith(".")] == []
    assert {panel["type"] for panel in dashboard.panels} <= {"stat", "timeseries", "table", "bargauge", "text"}
    assert [title for title, default in defaults.items() if not default.get("unit")] == []
    assert [title for title, default in defaults.items() if default["thresholds"]["steps"][0]["value"] is not None] == []


def test_a_table_gives_every_column_of_values_a_unit_or_words(dashboard: Dashboard) -> None:
    without = []
    for panel in (panel for panel in dashboard.panels if panel["type"] == "table"):
        organize = next(each for each in panel["transformations"] if each["id"] == "organize")
        many = len(panel["targets"]) > 1
        values = {f"Value #{target['refId']}" if many else "Value" for target in panel["targets"]}
        told = {
            override["matcher"]["options"]
            for override in panel["fieldConfig"]["overrides"]
            if {"unit", "mappings"} & {each["id"] for each in override["properties"]}
        }
        without += [(panel["title"], value) for value in sorted(values - organize["options"]["excludeByName"].keys() - told)]

    assert without == []


def test_a_severity_has_its_colour_everywhere(dashboard: Dashboard) -> None:
    for panel in dashboard.panels:
        set_for = [(by["matcher"]["options"], each) for by in panel["fieldConfig"]["overrides"] for each in by["properties"]]
        colours = {name: each["value"]["fixedColor"] for name, each in set_for if each["id"] == "color"}
        for mapping in (each["value"][0]["options"] for _, each in set_for if each["id"] == "mappings"):
            colours |= {code: mapping[code]["color"] for code in SEVERITY.keys() & mapping.keys()}
        of_severities = {code: color for code, color in colours.items() if code in SEVERITY}
        named = any("{{severity_code}}" in target.get("legendFormat", "") for target in panel.get("targets", ()))
        assert of_severities == (SEVERITY if named or of_severities else {}), panel["title"]


def test_whoever_imports_it_chooses_the_data_source(dashboard: Dashboard) -> None:
    panels = [panel for panel in dashboard.panels if panel["type"] != "text"]
    targets = [target for panel in panels for target in panel["targets"]]
    variables = [variable for variable in dashboard.variables.values() if variable["type"] == "query"]

    assert (dashboard.variables["datasource"]["type"], dashboard.variables["datasource"]["query"]) == (
        "datasource",
        "prometheus",
    )
    for each in (*panels, *targets, *variables):
        assert each["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_every_variable_is_told_of_and_used_and_no_other(dashboard: Dashboard) -> None:
    text = json.dumps(dashboard.model["panels"]) + json.dumps(dashboard.model["templating"])

    assert set(re.findall(r"\$\{?([a-z]\w*)", text)) == dashboard.variables.keys()
    assert all(variable["label"] and variable["description"] for variable in dashboard.variables.values())


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(each, f"{path}.{key}")
    else:
        yield path, value


def test_grafanas_own_schema_knows_every_key(dashboard: Dashboard) -> None:
    register_default_plugins()
    known = set(leaves(json.loads(json.dumps(Schema.from_json(dashboard.model), cls=JSONEncoder))))
    of_prometheus = (".titleFormat", ".textFormat")  # in annotations

    assert [leaf for leaf in leaves(dashboard.model) if leaf not in known and not leaf[0].endswith(of_prometheus)] == []


def test_documents_show_a_picture_of_each_dashboard_and_lead_to_its_file() -> None:
    pictures = {f"dashboard-{uid.removeprefix('aws-support-')}.png" for uid in UIDS}
    readme, document = ((ROOT / name).read_text() for name in ("README.md", "docs/dashboards.md"))

    assert set(re.findall(r"!\[[^\]]+\]\(docs/images/(dashboard-[^)]+)\)", readme)) == pictures
    assert set(re.findall(r"!\[[^\]]+\]\(images/(dashboard-[^)]+)\)", document)) == pictures
    assert [path.name for path in FILES if f"(../{path.relative_to(ROOT)})" not in document] == []
