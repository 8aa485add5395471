"""Every panel over two days of a known fleet, in a real Prometheus: it shows what the fleet holds, or says why it is empty."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dashboards.known import CONTENDED, DAY, END, HOUR, IDLE, JOBS, PAYMENTS, SEARCH, create_blocks
from tests.support.grafana import FILES, Dashboard, View
from tests.support.prometheus import PrometheusServer, Promtool, Samples
from tests.support.promql import selectors
from tests.support.tools import ROOT

RULES = ROOT / "helm/aws-support-exporter/files/rules"
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
OF_JOB = re.compile(r'job=~?"[^"]*"')
NOT_IN_THE_NAME = {"account_id", "display_id", "job", "version", "pythonversion", "ordinal", "total"}
PANELS = yaml.safe_load((Path(__file__).parent / "panels.yaml").read_text())
SECONDS = {"m": 60, "h": 3600, "d": 86400}
ONLY = {
    **dict.fromkeys(("Render time", "Memory", "Exporters", "CPU", "Open files"), "shards"),
    **dict.fromkeys(("Event queue", "Events per day", "Requests by operation", "Failed requests by reason"), "pair"),
}
"""Of which job alone panels.yaml has what a panel shows: of one with something for each exporter, or of events."""
NEVER_IN_THE_FLEET = ('reason=~"timeout|unreachable|server_error|malformed|internal"', "state_")
"""The last one is there with --storage.path."""


@pytest.fixture(scope="module")
def history(
    prometheus_binary: Path, promtool: Promtool, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrometheusServer]:
    directory = tmp_path_factory.mktemp("history")
    create_blocks(directory, promtool.binary)
    flags = ["--storage.tsdb.retention.time=100y", f"--query.lookback-delta={HOUR - 1:g}s"]
    prometheus = PrometheusServer(prometheus_binary, "http://127.0.0.1:1", directory, scrape_interval="1h", flags=flags)
    with prometheus as server:
        server.record(promtool, END - 2 * DAY, END)
    with prometheus as server:
        yield server


def at(history: PrometheusServer, expr: str, moment: float = END) -> Samples:
    """Return what an expression finds at a moment, without numbers that are none."""
    found = history.api("query", query=expr, time=str(moment))["result"]
    return [(series["metric"], float(series["value"][1])) for series in found if series["value"][1] != "NaN"]


def view(dashboard: Dashboard, job: str, label: str = "label_team", **choices: str | Sequence[str]) -> View:
    one_account = not dashboard.variables["account"]["includeAll"]
    account = {"account": IDLE if job == "idle" else PAYMENTS} if one_account else {}
    return View({"job": job, "label": label, **account, **choices}, step=HOUR)


def shown(dashboard: Dashboard, history: PrometheusServer, panel: Mapping[str, Any], job: str) -> dict[str, Any]:
    """Return what a panel shows: the value of each series by its name, or of a table, the values in each row.

    A series is called by its legend, or where there is none, by its labels in alphabetical order.
    """
    told = texts(panel)
    columns: dict[str, dict[str, Any]] = {}
    for target in (target for target in dashboard.targets() if target.panel == panel["title"]):
        in_words = told.get(f"Value #{target.ref_id}", told[""])
        column = columns[f"Value #{target.ref_id}"] = {}
        for labels, value in at(history, dashboard.filled(target.expr, view(dashboard, job))):
            worded = [
                told.get(label, {}).get(labels[label], labels[label]) for label in sorted(labels.keys() - NOT_IN_THE_NAME)
            ]
            legend = re.sub(r"{{(\w+)}}", lambda found, labels=labels: labels[found[1]], target.legend)  # type: ignore[misc]
            column[legend or " ".join(worded)] = in_words.get(f"{value:g}", value)
    if panel["type"] != "table":
        return {series: value for column in columns.values() for series, value in column.items()}
    options = {each["id"]: each["options"] for each in panel["transformations"]}
    if "calculateField" in options:
        assert options["calculateField"]["binary"]["operator"] == "/"
        left, right = (columns[options["calculateField"]["binary"][side]] for side in ("left", "right"))
        columns["quotient"] = {row: value / right[row] for row, value in left.items() if right.get(row)}
    return {row: [column.get(row) for column in columns.values()] for column in columns.values() for row in column}


def is_sorted(panel: Mapping[str, Any], rows: Sequence[Sequence[Any]]) -> bool:
    """Return whether Grafana sorts a table so, if at all, by a column that tells rows apart."""
    for by in (each["options"]["sort"][0] for each in panel.get("transformations", ()) if each["id"] == "sortBy"):
        values = [row[0 if by["field"] == "Value" else ord(by["field"][-1]) - ord("A")] for row in rows]
        return len(set(values)) != 1 and values == sorted(values, reverse=by["desc"])
    return True


def texts(panel: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return what stands for values, by the field or label that they are of; of all fields, by an empty name."""
    config = panel["fieldConfig"]
    mappings = {"": config["defaults"].get("mappings", ())} | {
        override["matcher"]["options"]: each["value"]
        for override in config["overrides"]
        for each in override["properties"]
        if each["id"] == "mappings"
    }
    return {
        field: {value: told["text"] for each in found if each["type"] == "value" for value, told in each["options"].items()}
        for field, found in mappings.items()
    }


def fits(found: Any, expected: Any) -> bool:  # noqa: ANN401 - whatever YAML holds
    if isinstance(expected, dict):
        return bool(found.keys() == expected.keys()) and all(fits(found[key], expected[key]) for key in expected)
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(fits, found, expected))
    if found is None or isinstance(found, str):
        return bool(found == expected)
    low, _, high = str(expected).partition("..")
    return number(low) < found <= number(high) if high else bool(found == pytest.approx(number(low), rel=1e-3))


def number(text: str) -> float:
    unit = SECONDS.get(text[-1])
    return float(text[:-1]) * unit if unit else float(text)


@pytest.mark.parametrize("job", ["shards", "pair"])
def test_every_panel_shows_what_the_fleet_holds(dashboard: Dashboard, history: PrometheusServer, job: str) -> None:
    """A case counts once, whether a shard polls its account, or a pair and the new pod of a rollout."""
    expected = {
        panel: content if isinstance(content, dict) else {"": content}
        for panel, content in PANELS[dashboard.model["uid"]].items()
        if ONLY.get(panel, job) == job
    }
    panels = {panel["title"]: panel for panel in dashboard.panels if panel.get("targets")}
    found = {title: shown(dashboard, history, panels[title], job) for title in expected}

    assert panels.keys() == PANELS[dashboard.model["uid"]].keys()
    assert {title: found[title] for title, content in expected.items() if not fits(found[title], content)} == {}
    in_order = {title: [found[title][row] for row in content] for title, content in expected.items()}
    assert [title for title, rows in in_order.items() if not is_sorted(panels[title], rows)] == []


def test_a_panel_that_has_nothing_to_show_says_why(dashboard: Dashboard, history: PrometheusServer) -> None:
    """For one account of no organization, without any case."""
    idle = view(dashboard, "idle")
    filled = {target.panel for target in dashboard.targets() if at(history, dashboard.filled(target.expr, idle))}
    empty = [panel for panel in dashboard.panels if panel["type"] != "text" and panel["title"] not in filled]

    assert [panel["title"] for panel in empty if not panel["fieldConfig"]["defaults"].get("noValue")] == []


def test_every_graph_is_drawn_over_time(dashboard: Dashboard, history: PrometheusServer) -> None:
    span = {"start": str(END - 2 * DAY), "end": str(END), "step": str(HOUR)}
    for target in (target for target in dashboard.targets() if not target.instant):
        expr = dashboard.filled(target.expr, view(dashboard, "pair"))
        assert sum(len(series["values"]) for series in history.api("query_range", query=expr, **span)["result"]) >= 10, target


@pytest.mark.parametrize(
    ("choices", "count"),
    [
        ({"severity": ["critical", "low"]}, 3),
        ({"organization": "elsewhere"}, None),
        ({"account": PAYMENTS}, 4),
        ({"unit": "Root/Workloads"}, 6),
        ({"unit": ["Root/Labs", "Root/Workloads/Shop"]}, 5),
        ({"unit": "Root/Work"}, None),
        ({"owner": "shop"}, 6),
        ({"label": "plan", "owner": "enterprise"}, 5),
        ({"service": "service-eks"}, 3),
        ({"service": "no-such-service"}, 0),
    ],
)
def test_choices_narrow_what_is_counted(
    history: PrometheusServer, choices: dict[str, str | list[str]], count: float | None
) -> None:
    overview = Dashboard.load(next(path for path in FILES if "overview" in path.name))
    target = next(target for target in overview.targets() if target.panel == "Open cases")

    found = at(history, overview.filled(target.expr, view(overview, "pair", **choices)))  # type: ignore[arg-type]

    assert [value for _, value in found] == ([] if count is None else [count])


def test_variables_offer_what_there_is_to_choose(dashboard: Dashboard, history: PrometheusServer) -> None:
    there = {
        "cluster": set(),
        "job": set(JOBS),
        "organization": {"demo"},
        "unit": {"Root", "Root/Labs", "Root/Workloads", "Root/Workloads/Shop"},
        "label": {"label_team", "organizational_unit", "organization", "plan"},
        "owner": {"shop"},
        "account": {"contended", "no-plan", "payments", "refused", "search"},
        "severity": {"critical", "urgent", "high", "normal", "low"},
        "service": {"service-ec2", "service-eks", "service-rds"},
    }
    variables = [name for name, variable in dashboard.variables.items() if variable["type"] == "query"]

    assert {name: offered(dashboard, history, name, "pair") for name in variables} == {name: there[name] for name in variables}
    assert offered(dashboard, history, "label", "idle") == {"organizational_unit", "plan"}
    assert offered(dashboard, history, "label", "no-such-job") == {"organizational_unit"}  # an empty one fits no expression
    assert dashboard.variables["label"]["current"]["value"] == "organizational_unit"


def offered(dashboard: Dashboard, history: PrometheusServer, name: str, job: str) -> set[str]:
    """Return the texts that a variable offers."""
    variable = dashboard.variables[name]
    everything = View({"job": job, "label": "label_team", "account": [PAYMENTS, SEARCH, CONTENDED]})
    asked = re.fullmatch(r"(\w+)\((.*?)(?:, (\w+))?\)", dashboard.filled(variable["query"]["query"], everything))
    assert asked
    found = [labels for labels, _ in at(history, asked[2])]
    if asked[1] == "label_values":
        return {labels[asked[3]] for labels in found if asked[3] in labels}
    pattern = variable["regex"].removeprefix("/").removesuffix("/g").replace("(?<", "(?P<")
    series = ["{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}" for labels in found]
    return {each["text"] if each.groupdict() else each[1] for text in series for each in re.finditer(pattern, text)} - {None}


def test_graphs_mark_when_an_exporter_started_and_nothing_else(dashboard: Dashboard, history: PrometheusServer) -> None:
    marks = {each["name"]: each["expr"] for each in dashboard.model["annotations"]["list"]}

    def marked(moment: float) -> list[str]:
        return [name for name, expr in marks.items() if at(history, dashboard.filled(expr, view(dashboard, "shards")), moment)]

    assert list(marks) == ["Restarts", "Reloads", "Alerts"]
    assert marked(END - 2 * DAY) == ["Restarts"]
    assert marked(END) == []


def test_whatever_rules_and_documents_select_is_there(history: PrometheusServer) -> None:
    groups = [group for file in RULES.glob("*.yaml") for group in yaml.safe_load(file.read_text())["groups"]]
    exprs = [rule["expr"] for group in groups for rule in group["rules"]]
    exprs += [block for file in DOCUMENTS for block in re.findall(r"```promql\n(.*?)```", file.read_text(), re.DOTALL)]
    selected = {OF_JOB.sub("", selector) for expr in exprs for selector in selectors(expr)}
    of_other_rules = "severity_outcome:"  # recorded of what is recorded: promtool does not
    wanted = [selector for selector in sorted(selected) if not selector.startswith(of_other_rules)]
    wanted = [selector for selector in wanted if not any(part in selector for part in NEVER_IN_THE_FLEET)]

    assert len(wanted) >= 20
    assert [selector for selector in wanted if not at(history, f"last_over_time({selector}[2d])")] == []
