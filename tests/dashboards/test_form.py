"""What makes a dashboard easy to import, to read and to keep."""

import json
import re
from collections import Counter

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard as Schema

from docs.dashboards import DIRECTORY, dashboards
from docs.dashboards.colors import SEVERITY
from tests.support.grafana import FILES, Dashboard
from tests.support.tools import ROOT

UIDS = {
    "aws-support-overview": "AWS Support / Overview",
    "aws-support-account": "AWS Support / Account",
    "aws-support-exporter-health": "AWS Support / Exporter health",
}
DRAWN_BY_EVERY_GRAFANA = {"stat", "timeseries", "table", "bargauge", "text"}
MOST_BYTES = 256 * 1024
MOST_BYTES_OF_A_PICTURE = 300 * 1024
LONGEST_TITLE = 50
COLUMNS = 24


def differences(one: object, other: object, path: str = "") -> list[str]:
    """List what the first has and the second does not have alike."""
    if isinstance(one, dict) and isinstance(other, dict):
        return [
            line
            for key, value in one.items()
            for line in (differences(value, other[key], f"{path}.{key}") if key in other else [f"{path}.{key} is lost"])
        ]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [line for index, pair in pairs for line in differences(*pair, f"{path}[{index}]")]
    return [] if one == other else [f"{path}: {one!r} is {other!r}"]


def test_every_dashboard_keeps_its_uid_and_its_title() -> None:
    models = [Dashboard.load(path).model for path in FILES]

    assert {model["uid"]: model["title"] for model in models} == UIDS


def test_the_chart_holds_what_the_generator_makes() -> None:
    shipped = {path.name: path.read_text() for path in DIRECTORY.iterdir()}

    assert shipped.keys() == dashboards().keys()
    assert [name for name, text in dashboards().items() if shipped[name] != text] == [], "write them anew with: make dashboards"
    assert max(map(len, shipped.values())) < MOST_BYTES, "a ConfigMap holds 1 MiB, and kubectl's annotation 256 KiB"


def test_a_dashboard_is_not_edited_in_place_and_leads_to_the_others(dashboard: Dashboard) -> None:
    model = dashboard.model

    assert model["editable"] is False
    assert "id" not in model
    assert "__inputs" not in model
    assert model["tags"] == ["aws-support"]
    assert [(link["type"], link["tags"], link["keepTime"], link["includeVars"]) for link in model["links"]] == [
        ("dashboards", ["aws-support"], True, True),
        ("link", [], True, False),
    ]
    assert model["links"][1]["url"].endswith("/docs/runbooks.md")


def test_ids_and_places_are_unique_and_within_the_grid(dashboard: Dashboard) -> None:
    ids = Counter(panel["id"] for panel in dashboard.model["panels"])
    squares = Counter(
        (x, y)
        for panel in dashboard.model["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    )
    height = max(y for _, y in squares) + 1

    assert [number for number, count in ids.items() if count > 1] == []
    assert [square for square, count in squares.items() if count > 1] == []
    assert len(squares) == COLUMNS * height
    assert {x for x, _ in squares} == set(range(COLUMNS))


def test_every_panel_says_what_it_shows(dashboard: Dashboard) -> None:
    titles = Counter(panel["title"] for panel in dashboard.panels)

    assert [title for title, count in titles.items() if count > 1 or len(title) > LONGEST_TITLE] == []
    assert [panel["title"] for panel in dashboard.panels if not panel["description"].endswith(".")] == []


def test_every_panel_is_drawn_by_every_grafana_and_has_a_unit_and_thresholds(dashboard: Dashboard) -> None:
    defaults = {panel["title"]: panel["fieldConfig"]["defaults"] for panel in dashboard.panels if panel["type"] != "text"}

    assert {panel["type"] for panel in dashboard.panels} <= DRAWN_BY_EVERY_GRAFANA
    assert [title for title, default in defaults.items() if not default.get("unit")] == []
    assert [title for title, default in defaults.items() if default["thresholds"]["steps"][0]["value"] is not None] == []


def test_a_table_gives_every_column_of_values_a_unit_or_words(dashboard: Dashboard) -> None:
    without = []
    for panel in (panel for panel in dashboard.panels if panel["type"] == "table"):
        organize = next(each for each in panel["transformations"] if each["id"] == "organize")
        hidden = organize["options"]["excludeByName"]
        many = len(panel["targets"]) > 1
        values = {f"Value #{target['refId']}" if many else "Value" for target in panel["targets"]} - hidden.keys()
        told = {
            override["matcher"]["options"]
            for override in panel["fieldConfig"]["overrides"]
            if {"unit", "mappings"} & {each["id"] for each in override["properties"]}
        }
        without += [(panel["title"], value) for value in sorted(values - told)]

    assert without == []


def test_a_severity_has_the_same_colour_everywhere(dashboard: Dashboard) -> None:
    colours: dict[str, set[str]] = {}
    for panel in dashboard.panels:
        for override in panel["fieldConfig"]["overrides"]:
            for each in override["properties"]:
                if each["id"] == "color" and override["matcher"]["options"] in SEVERITY:
                    colours.setdefault(override["matcher"]["options"], set()).add(each["value"]["fixedColor"])
                if each["id"] == "mappings":
                    for code in SEVERITY.keys() & each["value"][0]["options"].keys():
                        colours.setdefault(code, set()).add(each["value"][0]["options"][code]["color"])
    drawn = {code: {color} for code, color in SEVERITY.items()}

    assert colours == (drawn if "severity" in dashboard.variables else {})


def test_series_named_for_severities_are_coloured_by_severity(dashboard: Dashboard) -> None:
    uncoloured = []
    for panel in dashboard.panels:
        named = any("{{severity_code}}" in target.get("legendFormat", "") for target in panel.get("targets", ()))
        coloured = {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]}
        if named and not SEVERITY.keys() <= coloured:
            uncoloured.append(panel["title"])

    assert uncoloured == []


def test_whoever_imports_it_chooses_the_data_source(dashboard: Dashboard) -> None:
    sources = [
        source
        for holder in (
            *(panel for panel in dashboard.panels if panel["type"] != "text"),
            *(target for panel in dashboard.panels for target in panel.get("targets", ())),
            *(variable for variable in dashboard.variables.values() if variable["type"] == "query"),
        )
        for source in [holder["datasource"]]
    ]

    assert dashboard.variables["datasource"]["type"] == "datasource"
    assert dashboard.variables["datasource"]["query"] == "prometheus"
    assert {json.dumps(source, sort_keys=True) for source in sources} == {'{"type": "prometheus", "uid": "${datasource}"}'}


def test_the_variables_are_those_that_apply(dashboard: Dashboard) -> None:
    everywhere = ["datasource", "cluster", "job", "organization", "unit", "label", "owner", "account"]
    of_cases = [] if dashboard.model["uid"] == "aws-support-exporter-health" else ["severity", "service"]

    assert list(dashboard.variables) == everywhere + of_cases
    assert all(variable["label"] and variable["description"] for variable in dashboard.variables.values())


def test_every_variable_is_used_and_every_variable_and_dashboard_referred_to_exists(dashboard: Dashboard) -> None:
    text = json.dumps(dashboard.model["panels"]) + json.dumps(dashboard.model["templating"])
    used = set(re.findall(r"\$\{?([a-z]\w*)", text))

    assert used == dashboard.variables.keys()
    assert set(re.findall(r"/d/([\w-]+)/", json.dumps(dashboard.model))) <= UIDS.keys()


def test_grafanas_own_schema_knows_every_key(dashboard: Dashboard) -> None:
    register_default_plugins()
    written = json.loads(json.dumps(Schema.from_json(dashboard.model), cls=JSONEncoder))

    of_prometheus = ("titleFormat is lost", "textFormat is lost")  # in annotations

    assert [each for each in differences(dashboard.model, written) if not each.endswith(of_prometheus)] == []


@pytest.mark.parametrize(("document", "place"), [("README.md", "docs/images"), ("docs/dashboards.md", "images")])
def test_a_document_shows_a_picture_of_each_dashboard(document: str, place: str) -> None:
    shown = re.findall(rf"!\[[^\]]+\]\({place}/(dashboard-[^)]+)\)", (ROOT / document).read_text())
    pictures = [f"dashboard-{uid.removeprefix('aws-support-')}.png" for uid in UIDS]

    assert sorted(shown) == sorted(pictures)
    assert max((ROOT / "docs/images" / picture).stat().st_size for picture in pictures) < MOST_BYTES_OF_A_PICTURE


def test_the_document_leads_to_each_file() -> None:
    text = (ROOT / "docs/dashboards.md").read_text()

    assert [name for name in dashboards() if f"(../{(DIRECTORY / name).relative_to(ROOT)})" not in text] == []
