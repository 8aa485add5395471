"""Every panel over two days of a known fleet, in a real Prometheus: it shows what the fleet holds, or says why it is empty."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dashboards.history import Scrape, Story, create_blocks, healthy
from tests.dashboards.known import DAY, OWNERS, PAYMENTS, known
from tests.support.grafana import FILES, Dashboard, Target, View
from tests.support.prometheus import PrometheusServer, Promtool, Samples
from tests.support.promql import selectors
from tests.support.tools import ROOT

END = 1_785_000_000.0
STEP = 1800.0
STORIES = tuple(
    Story(fleet, scrapes, 2 * DAY, STEP)
    for fleet, scrapes in (
        (known, [Scrape("known:1", "known", owners=OWNERS)]),
        (known, [Scrape("pair:1", "pair", owners=OWNERS | {"search": ("", "")}), Scrape("pair:2", "pair", owners=OWNERS)]),
        (known, [Scrape("old:1", "rollout", owners=OWNERS), Scrape("new:1", "rollout", owners=OWNERS, since=2 * DAY - STEP)]),
        (known, [Scrape(f"shard:{index}", "shards", index, 2, owners=OWNERS) for index in range(2)]),
        (healthy(1), [Scrape("one:1", "one", organization="", per_case=False)]),
        (healthy(1, cases=0.001), [Scrape("idle:1", "idle", organization="")]),
    )
)
RULES = ROOT / "helm/aws-support-exporter/files/rules"
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
OF_JOB = re.compile(r'job=~?"[^"]*"')
NOT_IN_THE_NAME = {"account_id", "display_id", "instance", "job", "version", "pythonversion"}
PANELS = yaml.safe_load((Path(__file__).parent / "panels.yaml").read_text())
SECONDS = {"m": 60, "h": 3600, "d": 86400}
OF_EACH_EXPORTER = {"Render time", "Memory", "Exporters", "CPU", "Open files"}
"""Panels with a line or a row for each exporter."""
NEVER_IN_THE_FLEET = ('reason=~"timeout|unreachable|server_error|malformed|internal"', "severity_outcome:")
"""A rule records the latter."""

pytestmark = pytest.mark.timeout(120)


class History:
    """A Prometheus with the history."""

    def __init__(self, server: PrometheusServer) -> None:
        self._server = server
        (self._only,) = {labels["account_id"] for labels, _ in self.at_the_end('aws_support_account_info{job="one"}')}

    def view(self, dashboard: Dashboard, job: str) -> View:
        account = {} if dashboard.variables["account"]["includeAll"] else {"account": PAYMENTS}
        if account and job in {"one", "idle"}:
            account = {"account": self._only}
        return View({"job": job, "label": "label_team", **account}, step=4 * STEP)

    def values(self, dashboard: Dashboard, target: Target, job: str) -> Samples:
        """Return what a panel's query finds at the end of the time range, without numbers that are none."""
        found = self.at_the_end(dashboard.filled(target.expr, self.view(dashboard, job)))
        return [(labels, value) for labels, value in found if not math.isnan(value)]

    def points(self, dashboard: Dashboard, target: Target) -> int:
        """Return how many points a panel's query finds in the time range."""
        span = {"start": str(END - 2 * DAY), "end": str(END), "step": str(4 * STEP)}
        expr = dashboard.filled(target.expr, self.view(dashboard, "known"))
        return sum(len(series["values"]) for series in self._server.api("query_range", query=expr, **span)["result"])

    def at_the_end(self, expr: str) -> Samples:
        """Return what an expression finds at the end of the time range."""
        return self.at(expr, END)

    def at(self, expr: str, moment: float) -> Samples:
        """Return what an expression finds at a moment."""
        answer = self._server.api("query", query=expr, time=str(moment))
        return [(series["metric"], float(series["value"][1])) for series in answer["result"]]


@pytest.fixture(scope="module")
def history(prometheus_binary: Path, promtool: Promtool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    directory = tmp_path_factory.mktemp("history")
    create_blocks(STORIES, END, directory, promtool.binary)
    flags = ["--storage.tsdb.retention.time=100y", f"--query.lookback-delta={STEP - 1:g}s"]
    with PrometheusServer(prometheus_binary, "http://127.0.0.1:1", directory, scrape_interval="1h", flags=flags) as server:
        yield History(server)


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
        field: {
            value: told["text"] for mapping in found if mapping["type"] == "value" for value, told in mapping["options"].items()
        }
        for field, found in mappings.items()
    }


def shown(dashboard: Dashboard, history: History, job: str) -> dict[str, dict[str, Any]]:
    """Return what each panel shows: the value of each series, or of a table, the values in each row.

    A series is called by its legend, or where there is none, by its labels in alphabetical order.
    """
    panels: dict[str, dict[str, Any]] = {}
    for panel in dashboard.panels:
        told = texts(panel)
        columns: list[dict[str, Any]] = []
        for target in (target for target in dashboard.targets() if target.panel == panel["title"]):
            in_words = told.get(f"Value #{target.ref_id}", told[""])
            columns.append({})
            for labels, value in history.values(dashboard, target, job):
                worded = [
                    told.get(label, {}).get(labels[label], labels[label]) for label in sorted(labels.keys() - NOT_IN_THE_NAME)
                ]
                legend = re.sub(r"{{(\w+)}}", lambda found, labels=labels: labels[found[1]], target.legend)  # type: ignore[misc]
                columns[-1][legend or " ".join(worded)] = in_words.get(f"{value:g}", value)
        if panel["type"] == "table":
            columns += [
                quotient(columns, each["options"]) for each in panel["transformations"] if each["id"] == "calculateField"
            ]
            panels[panel["title"]] = {row: [column.get(row) for column in columns] for each in columns for row in each}
        elif columns:
            panels[panel["title"]] = {series: value for each in columns for series, value in each.items()}
    return panels


def quotient(columns: Sequence[Mapping[str, float]], options: Mapping[str, Any]) -> dict[str, float]:
    """Return the column that Grafana calculates of two, without what is divided by zero."""
    assert options["mode"] == "binary"
    assert options["binary"]["operator"] == "/"
    left, right = (columns[ord(options["binary"][side][-1]) - ord("A")] for side in ("left", "right"))
    return {row: value / right[row] for row, value in left.items() if right.get(row)}


def fits(found: Any, expected: Any) -> bool:  # noqa: ANN401 - whatever YAML holds
    match expected:
        case dict():
            return bool(found.keys() == expected.keys()) and all(fits(found[key], expected[key]) for key in expected)
        case list():
            return len(found) == len(expected) and all(map(fits, found, expected))
        case str() if ".." in expected:
            low, high = map(number, expected.split(".."))
            return bool(low < found <= high)
        case None:
            return found is None
        case str() if isinstance(found, str):
            return found == expected
        case _:
            return bool(found == pytest.approx(number(expected), rel=1e-3))


def is_sorted(panel: Mapping[str, Any], found: Mapping[str, Sequence[Any]], expected: Iterable[str]) -> bool:
    """Return whether a table is sorted as its rows are written down, by a column that tells them apart."""
    for by in (each["options"]["sort"][0] for each in panel.get("transformations", ()) if each["id"] == "sortBy"):
        values = [found[row][0 if by["field"] == "Value" else ord(by["field"][-1]) - ord("A")] for row in expected]
        return len(set(values)) != 1 and values == sorted(values, reverse=by["desc"])
    return True


def number(text: str | float) -> float:
    unit = SECONDS.get(str(text)[-1])
    return float(str(text)[:-1]) * unit if unit else float(text)


@pytest.mark.parametrize("job", ["known", "pair", "rollout", "shards"])
def test_every_panel_shows_what_the_fleet_holds(dashboard: Dashboard, history: History, job: str) -> None:
    """A case counts once, whether one exporter polls its account, or a pair, or the two pods of a rollout, or a shard."""
    expected = {
        panel: content if isinstance(content, dict) else {"": content}
        for panel, content in PANELS[dashboard.model["uid"]].items()
        if job == "known" or panel not in OF_EACH_EXPORTER
    }
    found = shown(dashboard, history, job)

    assert found.keys() == PANELS[dashboard.model["uid"]].keys()
    assert {panel: found[panel] for panel, content in expected.items() if not fits(found[panel], content)} == {}
    assert [
        panel["title"]
        for panel in dashboard.panels
        if panel["title"] in expected and not is_sorted(panel, found[panel["title"]], expected[panel["title"]])
    ] == []


def test_each_shard_has_a_row_with_its_accounts(history: History) -> None:
    health = Dashboard.load(next(path for path in FILES if "health" in path.name))
    of_accounts, of_shards = (next(t for t in health.targets() if (t.panel, t.ref_id) == ("Exporters", ref)) for ref in "CF")

    accounts = {labels["instance"]: value for labels, value in history.values(health, of_accounts, "shards")}
    shards = {labels["instance"]: labels["ordinal"] for labels, _ in history.values(health, of_shards, "shards")}

    assert shards == {"shard:0": "0", "shard:1": "1"}
    assert accounts.keys() == shards.keys()
    assert sum(accounts.values()) == 5


@pytest.mark.parametrize("job", ["one", "idle"])
def test_a_panel_that_has_nothing_to_show_says_why(dashboard: Dashboard, history: History, job: str) -> None:
    """For one account of no organization, without per-case series; and for one without any case."""
    filled = {target.panel for target in dashboard.targets() if history.values(dashboard, target, job)}
    empty = [panel for panel in dashboard.panels if panel["type"] != "text" and panel["title"] not in filled]

    assert [panel["title"] for panel in empty if not panel["fieldConfig"]["defaults"].get("noValue")] == []


def test_every_graph_is_drawn_over_time(dashboard: Dashboard, history: History) -> None:
    graphs = [target for target in dashboard.targets() if not target.instant]

    assert [target for target in graphs if history.points(dashboard, target) < 10] == []


@pytest.mark.parametrize(
    ("choices", "count"),
    [
        ({"severity": "urgent"}, 2),
        ({"severity": ["critical", "low"]}, 3),
        ({"organization": "demo"}, 7),
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
def test_choices_narrow_what_is_counted(history: History, choices: dict[str, str | list[str]], count: float | None) -> None:
    overview = Dashboard.load(next(path for path in FILES if "overview" in path.name))
    target = next(target for target in overview.targets() if target.panel == "Open cases")

    found = history.at_the_end(overview.filled(target.expr, View({"job": "known", "label": "label_team", **choices})))

    assert [value for _, value in found] == ([] if count is None else [count])


@pytest.mark.parametrize(
    ("job", "names"),
    [
        ("known", {"label_team", "organizational_unit", "organization", "plan"}),
        ("one", {"organizational_unit", "plan"}),
        ("no-such-job", {"organizational_unit"}),
    ],
)
def test_the_default_label_is_always_there(dashboard: Dashboard, history: History, job: str, names: set[str]) -> None:
    label = dashboard.variables["label"]
    asked = re.fullmatch(r"query_result\((.*)\)", label["query"]["query"])
    pattern = re.fullmatch(r"/(.*)/g", label["regex"])
    assert asked
    assert pattern
    answers = history.at_the_end(dashboard.filled(asked[1], View({"job": job})))
    as_grafana_has_them = ["{" + ",".join(f'{name}="{value}"' for name, value in found.items()) + "}" for found, _ in answers]

    assert {name for text in as_grafana_has_them for name in re.findall(pattern[1], text)} == names
    assert label["current"]["value"] == "organizational_unit"


def test_graphs_mark_when_an_exporter_started_and_nothing_else(dashboard: Dashboard, history: History) -> None:
    marks = {each["name"]: each["expr"] for each in dashboard.model["annotations"]["list"]}

    def marked(moment: float) -> list[str]:
        return [
            name for name, expr in marks.items() if history.at(dashboard.filled(expr, history.view(dashboard, "known")), moment)
        ]

    assert list(marks) == ["Restarts", "Reloads", "Alerts"]
    assert marked(END - 2 * DAY + STEP) == ["Restarts"]
    assert marked(END) == []


def test_whatever_rules_and_documents_select_is_there(history: History) -> None:
    rules = [
        rule for file in RULES.glob("*.yaml") for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]
    ]
    blocks = [block for file in DOCUMENTS for block in re.findall(r"```promql\n(.*?)```", file.read_text(), re.DOTALL)]
    selected = {selector for expr in (*(rule["expr"] for rule in rules), *blocks) for selector in selectors(expr)}
    wanted = sorted(
        OF_JOB.sub("", selector) for selector in selected if not any(part in selector for part in NEVER_IN_THE_FLEET)
    )

    assert len(wanted) >= 20
    assert [selector for selector in wanted if not history.at_the_end(f"last_over_time({selector}[2d])")] == []
