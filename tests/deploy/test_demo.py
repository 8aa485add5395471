"""What `docker compose up` starts, without its containers: the same commands, and the past that dashboards show soon after."""

import math
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.deploy.test_compose import PROMETHEUS, SERVICES
from tests.support.process import ExporterProcess, environment
from tests.support.prometheus import PrometheusServer
from tests.support.tools import need_tool

DAY = 86400
POINTS = 400
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


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_graphs_of_the_past_have_no_gaps_from_a_year_ago_until_now(tmp_path: Path) -> None:
    prometheus, promtool = need_tool("newer/prometheus"), need_tool("newer/promtool")
    config = yaml.safe_load(PROMETHEUS.read_text())
    (name,) = config["scrape_configs"][0]["static_configs"][0]["targets"]
    flags = [flag for flag in SERVICES["prometheus"]["command"] if not flag.startswith(OF_THE_SERVER)]
    with ExporterProcess(SERVICES["exporter"]["command"]) as exporter:
        for service in ("backfill", "blocks"):
            run_once(service, tmp_path, promtool.parent)
        target = {"static_configs": [{"targets": [exporter.url.removeprefix("http://")], "labels": {"instance": name}}]}
        interval = config["global"]["scrape_interval"]
        with PrometheusServer(
            prometheus, exporter.url, tmp_path, scrape_interval=interval, client=target, flags=flags
        ) as server:
            server.wait_for('aws_support_account_info{account_name="payments"} offset 1s', bool, 60)
            for expr in ("sum(aws_support_account_open_cases) > 0", "sum(increase(aws_support_cases_opened_total[1d]))"):
                for days in (7, 364):
                    now = time.time()
                    span = {"start": str(now - days * DAY), "end": str(now), "step": str(days * DAY / POINTS)}
                    (series,) = server.api("query_range", query=expr, **span)["result"]
                    numbers = [value for _, value in series["values"] if not math.isnan(float(value))]
                    assert len(numbers) == POINTS + 1


def test_blocks_are_made_once_and_anew_where_that_was_cut_short(tmp_path: Path) -> None:
    promtool, cut_short = tmp_path / "promtool", tmp_path / "data/cut short"
    promtool.write_text("#!/bin/sh\necho $6\n")
    promtool.chmod(0o755)
    (tmp_path / "history").mkdir()
    months = [str(tmp_path / f"history/aws-support-2026-0{month}.om") for month in (1, 2)]
    for month in months:
        Path(month).touch()
    cut_short.mkdir(parents=True)

    assert run_once("blocks", tmp_path, tmp_path).split() == months
    assert not cut_short.exists()
    assert run_once("blocks", tmp_path, tmp_path) == ""
