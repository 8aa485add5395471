"""Every panel, rule and documented query over a backfilled week of the simulator's history, in a real Prometheus."""

import math
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from exporter.cases.model import SEVERITY_CODES
from tests.support.grafana import FILES, Dashboard, Target, View
from tests.support.history import DAY, Story, create_blocks, demo, healthy
from tests.support.prometheus import PrometheusServer, Promtool, Samples
from tests.support.promql import selectors
from tests.support.recording import Scrape
from tests.support.tools import ROOT

END = 1_785_000_000.0
STEP = 1800.0
FLEET = healthy(6)
SHORT = 2 * DAY
STORIES = (
    Story(demo, [Scrape("demo:1", "demo")], 7 * DAY, STEP),
    Story(FLEET, [Scrape("single:1", "single")], SHORT, STEP),
    Story(FLEET, [Scrape("pair:1", "pair"), Scrape("pair:2", "pair")], SHORT, STEP),
    Story(FLEET, [Scrape("shard:0", "shards", 0, 2), Scrape("shard:1", "shards", 1, 2)], SHORT, STEP),
    Story(healthy(1), [Scrape("one:1", "one", organization="", per_case=False)], SHORT, STEP),
    Story(healthy(1, cases=0.001), [Scrape("idle:1", "idle", organization="")], SHORT, STEP),
)
JOBS = ("demo", "single", "pair", "shards", "one", "idle")
OF_EACH_EXPORTER = ("process_", "aws_support_api_", "aws_support_exporter_render", "poll_duration", "by (instance", "(up{")

pytestmark = pytest.mark.timeout(240)  # the week of history takes 40 s, and more where others work

RULES = ROOT / "helm/aws-support-exporter/files/rules"
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
OF_JOB = re.compile(r'job=~?"[^"]*"')
NEVER_IN_THE_DEMO = ('reason=~"timeout|unreachable|server_error|malformed|internal"', 'alertname="')
"""Nobody records alerts here, and no endpoint of the demo goes down."""


class History:
    """A Prometheus with the history, and the account of each job that has most open cases."""

    def __init__(self, server: PrometheusServer) -> None:
        self._server = server
        self.accounts = {job: self._busiest_account(job) for job in JOBS}

    def values(self, dashboard: Dashboard, target: Target, job: str) -> Samples:
        """Return what a panel's query finds at the end of the time range, without numbers that are none."""
        single = not dashboard.variables["account"]["includeAll"]
        choices = {"job": job} | ({"account": self.accounts[job]} if single else {})
        found = self.at_the_end(dashboard.filled(target.expr, View(choices, step=4 * STEP)))
        return [(labels, value) for labels, value in found if not math.isnan(value)]

    def over_time(self, dashboard: Dashboard, target: Target, job: str) -> int:
        """Return how many points a panel's query finds in the time range."""
        single = not dashboard.variables["account"]["includeAll"]
        choices = {"job": job} | ({"account": self.accounts[job]} if single else {})
        expr = dashboard.filled(target.expr, View(choices, step=4 * STEP))
        span = {"start": str(END - 7 * DAY), "end": str(END), "step": str(4 * STEP)}
        answer = self._server.api("query_range", query=expr, **span)
        return sum(len(series["values"]) for series in answer["result"])

    def at_the_end(self, expr: str) -> Samples:
        """Return what an expression finds at the end of the time range."""
        answer = self._server.api("query", query=expr, time=str(END))
        return [(series["metric"], float(series["value"][1])) for series in answer["result"]]

    def _busiest_account(self, job: str) -> str:
        of_accounts = f'topk(1, sum by (account_id) (aws_support_account_open_cases{{job="{job}"}}))'
        return self.at_the_end(of_accounts)[0][0]["account_id"]


@pytest.fixture(scope="module")
def history(prometheus_binary: Path, promtool: Promtool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    directory = tmp_path_factory.mktemp("history")
    create_blocks(STORIES, END, directory, promtool.binary)
    flags = ["--storage.tsdb.retention.time=100y", f"--query.lookback-delta={STEP - 1:g}s"]
    with PrometheusServer(prometheus_binary, "http://127.0.0.1:1", directory, scrape_interval="1h", flags=flags) as server:
        yield History(server)


def empty_panels(dashboard: Dashboard, history: History, job: str) -> list[str]:
    filled = {target.panel for target in dashboard.targets() if history.values(dashboard, target, job)}
    return [panel["title"] for panel in dashboard.panels if panel["type"] != "text" and panel["title"] not in filled]


@pytest.mark.parametrize("job", ["demo", "single", "pair", "shards"])
def test_every_panel_shows_something(dashboard: Dashboard, history: History, job: str) -> None:
    assert empty_panels(dashboard, history, job) == []


@pytest.mark.parametrize("job", ["one", "idle"])
def test_a_panel_that_has_nothing_to_show_says_why(dashboard: Dashboard, history: History, job: str) -> None:
    """For one account of no organization, without series of single cases; and for one without any case."""
    words = {panel["title"]: panel["fieldConfig"]["defaults"].get("noValue") for panel in dashboard.panels}

    assert [title for title in empty_panels(dashboard, history, job) if not words[title]] == []


def test_every_query_finds_something_somewhere(dashboard: Dashboard, history: History) -> None:
    fruitless = [target for target in dashboard.targets() if not any(history.values(dashboard, target, job) for job in JOBS)]

    assert fruitless == []


def test_every_graph_is_drawn_over_the_week(dashboard: Dashboard, history: History) -> None:
    graphs = [target for target in dashboard.targets() if not target.instant]

    assert [target for target in graphs if not history.over_time(dashboard, target, "demo")] == []


def test_the_note_about_single_cases_stands_where_there_are_none(history: History) -> None:
    account = next(dashboard for dashboard in map(Dashboard.load, FILES) if dashboard.model["uid"] == "aws-support-account")

    assert "Cases" in empty_panels(account, history, "one")
    assert "Cases" not in empty_panels(account, history, "single")


@pytest.mark.parametrize("job", ["pair", "shards"])
def test_a_pair_and_shards_count_every_case_once(dashboard: Dashboard, history: History, job: str) -> None:
    of_the_fleet = [target for target in dashboard.targets() if not any(name in target.expr for name in OF_EACH_EXPORTER)]
    wrong = [
        target
        for target in of_the_fleet
        if by_labels(history.values(dashboard, target, job))
        != pytest.approx(by_labels(history.values(dashboard, target, "single")), rel=tolerance(target))
    ]

    assert len(of_the_fleet) >= 10
    assert wrong == []


def test_choices_narrow_what_is_counted(history: History) -> None:
    overview = next(dashboard for dashboard in map(Dashboard.load, FILES) if dashboard.model["uid"] == "aws-support-overview")
    target = next(target for target in overview.targets() if target.panel == "Open cases")

    def count(**choices: str) -> float:
        found = history.at_the_end(overview.filled(target.expr, View({"job": "demo", **choices})))
        return sum(value for _, value in found) if found else math.nan

    by_severity = [count(severity=code) for code in SEVERITY_CODES]

    assert count() == sum(by_severity) > max(by_severity)
    assert count() == count(organization="demo") > count(account=history.accounts["demo"]) > 0
    assert count(service="no-such-service") == 0
    assert math.isnan(count(organization="elsewhere"))


def by_labels(samples: Samples) -> dict[tuple[tuple[str, str], ...], float]:
    return {tuple(sorted(labels.items())): value for labels, value in samples}


def tolerance(target: Target) -> float:
    """Return how far a share of a histogram may be off: Prometheus extrapolates the buckets of each shard by themselves."""
    return 0.05 if "histogram_quantile" in target.expr else 1e-6


def test_whatever_rules_and_documents_select_is_there_in_the_week(history: History) -> None:
    rules = [
        rule for file in RULES.glob("*.yaml") for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]
    ]
    blocks = [block for file in DOCUMENTS for block in re.findall(r"```promql\n(.*?)```", file.read_text(), re.DOTALL)]
    selected = {selector for expr in (*(rule["expr"] for rule in rules), *blocks) for selector in selectors(expr)}
    wanted = sorted(
        OF_JOB.sub("", selector) for selector in selected if not any(words in selector for words in NEVER_IN_THE_DEMO)
    )

    assert len(wanted) >= 20
    assert [selector for selector in wanted if not history.at_the_end(f"last_over_time({selector}[7d])")] == []
