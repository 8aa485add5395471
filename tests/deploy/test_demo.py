"""What `docker compose up` starts, without its containers: the same commands, and what the dashboards show soon after."""

import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.deploy.test_compose import PROMETHEUS, SERVICES
from tests.support.grafana import FILES, Dashboard, Target, View
from tests.support.process import ExporterProcess, environment
from tests.support.prometheus import PrometheusServer
from tests.support.tools import need_tool
from tests.support.waiting import wait_until

DAY = 86400
SPANS = {"now-24h": DAY, "now-7d": 7 * DAY}
POINTS = 400
SOON_SECONDS = 120
NEVER_IN_THE_DEMO = {("aws-support-exporter-health", "Exporters", "F")}  # the ordinals of shards
NOT_SO_SOON = {
    ("aws-support-account", "Opened and resolved per day", "B"),  # reopened cases, of which the past has none
    ("aws-support-overview", "Opened and resolved per day", "B"),
    ("aws-support-exporter-health", "Events per day", "C"),  # a median, of ten events and more
}
WITH_A_PAST = ("sum(aws_support_account_open_cases) > 0", "sum(increase(aws_support_cases_opened_total[1d]))")
VOLUMES = {"/history": "history", "/prometheus": "data"}
OF_THE_SERVER = ("--config.file", "--storage.tsdb.path")


def run_once(service: str, directory: Path, programs: Path) -> str:
    """Run the command of a service that ends, with its volumes in a directory, and return what it says."""
    (script,) = SERVICES[service]["command"]
    script = script.replace("$$", "$").replace("aws-support-exporter --demo", f"{sys.executable} -m exporter --demo")
    for volume, place in VOLUMES.items():
        (directory / place).mkdir(exist_ok=True)
        script = script.replace(volume, str(directory / place))
    command, path = [*SERVICES[service]["entrypoint"], script], f"{programs}:{os.environ['PATH']}"
    ended = subprocess.run(command, env=environment({"PATH": path}), check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    """Prometheus, filled and started after the exporter."""
    directory = tmp_path_factory.mktemp("stack")
    prometheus, promtool = need_tool("newer/prometheus"), need_tool("newer/promtool")
    config = yaml.safe_load(PROMETHEUS.read_text())
    (name,) = config["scrape_configs"][0]["static_configs"][0]["targets"]
    with ExporterProcess(SERVICES["exporter"]["command"]) as exporter:
        for service in ("backfill", "blocks"):
            run_once(service, directory, promtool.parent)
        target = {"targets": [exporter.url.removeprefix("http://")], "labels": {"instance": name}}
        flags = [flag for flag in SERVICES["prometheus"]["command"] if not flag.startswith(OF_THE_SERVER)]
        interval = config["global"]["scrape_interval"]
        with PrometheusServer(
            prometheus, exporter.url, directory, scrape_interval=interval, client={"static_configs": [target]}, flags=flags
        ) as server:
            yield server


def points(server: PrometheusServer, expr: str, seconds: int) -> int:
    """Return how many numbers a graph of so many seconds is drawn from, up to now."""
    now = time.time()
    span = {"start": str(now - seconds), "end": str(now), "step": str(seconds / POINTS)}
    found = server.api("query_range", query=expr, **span)["result"]
    return sum(not math.isnan(float(value)) for series in found for _, value in series["values"])


def is_empty(server: PrometheusServer, dashboard: Dashboard, target: Target, account_id: str) -> bool:
    seconds = SPANS[dashboard.model["time"]["from"]]
    account = {} if dashboard.variables["account"]["includeAll"] else {"account": account_id}
    choices = {"job": "aws-support-exporter", "label": "label_team", **account}
    expr = dashboard.filled(target.expr, View(choices, seconds=seconds, step=seconds / POINTS))
    return not (server.query(expr) if target.instant else points(server, expr, seconds))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_query_of_every_panel_finds_something_within_two_minutes(server: PrometheusServer) -> None:
    ((account, _),) = server.wait_for('aws_support_account_info{account_name="payments"}', bool, SOON_SECONDS)
    left = [(dashboard, target) for dashboard in map(Dashboard.load, FILES) for target in dashboard.targets()]
    assert len(left) > 90

    def filled() -> bool | None:
        left[:] = [each for each in left if is_empty(server, *each, account["account_id"])]
        empty = {(dashboard.model["uid"], target.panel, target.ref_id) for dashboard, target in left}
        return empty - NOT_SO_SOON == NEVER_IN_THE_DEMO or None

    wait_until(filled, SOON_SECONDS, lambda: str([target for _, target in left]), pause_seconds=1)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_graphs_of_the_past_have_no_gaps_from_a_year_ago_until_now(server: PrometheusServer) -> None:
    for expr in WITH_A_PAST:
        assert points(server, expr, 7 * DAY) >= POINTS + 1
        assert points(server, expr, 365 * DAY) >= POINTS, "nothing increases from one sample"


def test_blocks_are_made_once_and_anew_where_that_was_cut_short(tmp_path: Path) -> None:
    promtool, cut_short = tmp_path / "promtool", tmp_path / "data/cut short"
    promtool.write_text("#!/bin/sh\necho $6\n")
    promtool.chmod(0o755)
    (tmp_path / "history").mkdir()
    months = [str(tmp_path / f"history/aws-support-2026-0{month}.om") for month in (1, 2)]
    for month in months:
        Path(month).touch()
    cut_short.parent.mkdir()
    cut_short.mkdir()

    assert run_once("blocks", tmp_path, tmp_path).split() == months
    assert not cut_short.exists()
    assert run_once("blocks", tmp_path, tmp_path) == ""
