"""How long the queries of a dashboard take: python -m bench.queries --accounts 1000 --keep DIRECTORY.

Each query of each panel over seven days, one after the other, by a Prometheus that holds a made-up fleet: twenty open cases for
each account, each open for three days, that change their status and who wrote last.
"""

import argparse
import itertools
import random
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from tests.support.fetch import fetch
from tests.support.grafana import FILES, Dashboard, View
from tests.support.prometheus import PrometheusServer, Promtool
from tests.support.tools import find_tool
from tests.support.waiting import wait_until

DAY = 86400
END = 1_785_024_000
CASES = 20
PIXELS = 1000
_FEW_BLOCKS = 20
_OPEN_SECONDS = 3 * DAY
_SERVICES = tuple(f"service-{number}" for number in range(25))
_PHASES = (
    ("unassigned", "customer", "aws"),
    ("pending-customer-action", "aws", "customer"),
    ("work-in-progress", "aws", "aws"),
)
_SEVERITIES = ("critical", "urgent", "high", "high", "normal", "normal", "normal", "low", "low", "low")
_FIVE = ("critical", "urgent", "high", "normal", "low")
_TARGETS = (900, 3600, 14400, 43200, 86400)

Group = tuple[str, ...]


class Account:
    """The samples of an account at a time; its cases come one after the other in each of twenty places."""

    def __init__(self, number: int) -> None:
        rng = random.Random(number)  # noqa: S311 - a benchmark, not a secret
        self._offsets = [rng.randrange(_OPEN_SECONDS) for _ in range(CASES)]
        self._seed = number
        self._target = f'instance="a:1",job="a",account_id="{number:012}",account_name="account-{number}",region="us-east-1"'
        self._owner = f'organization="acme",organizational_unit="Root/Unit {number % 40}",label_team="team-{number % 25}"'

    def lines(self, now: int) -> Iterator[str]:
        """Yield the samples without their time."""
        groups: dict[Group, int] = {}
        sides: dict[Group, int] = {}
        by_severity = dict.fromkeys(_FIVE, 0)
        opened = dict.fromkeys(_FIVE, 0)
        unanswered: dict[str, int] = {}
        for place, offset in enumerate(self._offsets):
            number, age = divmod(now + offset, _OPEN_SECONDS)
            kind = (self._seed * 31 + place * 17 + number * 7) % 1009
            severity, service = _SEVERITIES[kind % 10], _SERVICES[kind % 25]
            status, author, side = _PHASES[age * 3 // _OPEN_SECONDS]
            last = now - age % DAY
            group = status, severity, service, author, side
            groups[group] = min(last, groups.get(group, last))
            sides[severity, side] = min(last, sides.get((severity, side), last))
            by_severity[severity] += 1
            opened[severity] += now // _OPEN_SECONDS - (END - 8 * DAY) // _OPEN_SECONDS
            if side == "aws" and author == "customer":
                unanswered[severity] = min(now - age, unanswered.get(severity, now))
        of, end = self._target, "} "
        for (status, severity, service, author, side), last in groups.items():
            labels = (
                f'{{{of},status="{status}",severity_code="{severity}",service_code="{service}",last_author="{author}",'
                f'waiting_on="{side}"{end}'
            )
            yield f"aws_support_open_cases{labels}1"
            yield f"aws_support_latest_communication_age_seconds{labels}{now - last}"
        for (severity, side), last in sides.items():
            yield (
                f'aws_support_oldest_waiting_since_timestamp_seconds{{{of},severity_code="{severity}",waiting_on="{side}"{end}{last}'
            )
        for severity, target in zip(_FIVE, _TARGETS, strict=True):
            code = f'{{{of},severity_code="{severity}"'
            count = opened[severity]
            yield f"aws_support_account_open_cases{code}{end}{by_severity[severity]}"
            yield f"aws_support_unanswered_cases{code}{end}{int(severity in unanswered)}"
            yield f"aws_support_first_response_overdue_cases{code}{end}{int(now - unanswered.get(severity, now) > target)}"
            yield f"aws_support_first_response_target_seconds{code}{end}{target}"
            yield f'aws_support_first_responses_total{code},outcome="met"{end}{count * 9 // 10}'
            yield f'aws_support_first_responses_total{code},outcome="missed"{end}{count - count * 9 // 10}'
            yield f'aws_support_cases_opened_total{code},opened_by="customer"{end}{count}'
            yield f'aws_support_cases_opened_total{code},opened_by="aws"{end}0'
            yield f"aws_support_cases_resolved_total{code}{end}{count}"
            yield f"aws_support_cases_reopened_total{code}{end}0"
            if severity in unanswered:
                yield f"aws_support_oldest_unanswered_case_created_timestamp_seconds{code}{end}{unanswered[severity]}"
        yield f'aws_support_account_info{{{of},partition="aws",plan="enterprise",{self._owner}{end}1'
        yield f"aws_support_account_up{{{of}{end}1"
        yield f"aws_support_account_supported{{{of}{end}1"
        yield f"aws_support_account_last_success_timestamp_seconds{{{of}{end}{now - 60}"
        yield f"aws_support_account_poll_duration_seconds{{{of}{end}0.2"


def of_the_exporter(now: int) -> Iterator[str]:
    """Yield the samples that no account has; without their time."""
    of, count = 'instance="a:1",job="a"', (now - END + 8 * DAY) // 600
    yield f"up{{{of}}} 1"
    yield f'aws_support_exporter_build_info{{{of},version="1",revision="",pythonversion="3.13"}} 1'
    yield f"aws_support_exporter_config_last_reload_success_timestamp_seconds{{{of}}} {END - 8 * DAY}"
    yield f"process_start_time_seconds{{{of}}} {END - 8 * DAY}"
    bounds = (300, 900, 3600, 14400, 43200, 86400, 604800)
    for severity, (index, bound) in itertools.product(_FIVE, enumerate((*bounds, "+Inf"), 1)):
        labels = f'{{{of},severity_code="{severity}"'
        yield f'aws_support_first_response_seconds_bucket{labels},le="{bound}"}} {count * index // 8}'
        yield f'aws_support_case_open_duration_seconds_bucket{labels},le="{bound}"}} {count * index // 8}'
        for author in ("aws", "customer"):
            yield f'aws_support_reply_seconds_bucket{labels},author="{author}",le="{bound}"}} {count * index // 8}'


def write_blocks(accounts: int, step: int, promtool: Promtool, data: Path) -> None:
    """Make a data directory of seven days, half a day at a time."""
    fleet = [Account(number) for number in range(accounts)]
    samples = data.parent / "samples.openmetrics"
    for start in range(END - 7 * DAY, END, DAY // 2):
        with samples.open("w") as stream:
            for now in range(start, start + DAY // 2 + (step if start + DAY // 2 == END else 0), step):
                stamp = f" {now}\n"
                stream.write(stamp.join((*of_the_exporter(now), *(line for each in fleet for line in each.lines(now)), "")))
            stream.write("# EOF\n")
        command = ("create-blocks-from", "openmetrics", "--quiet", "--max-block-duration=24h")
        if complaints := promtool.complaints("tsdb", *command, samples, data):
            sys.exit(complaints)
    samples.unlink()


def own_metric(server: PrometheusServer, name: str) -> float:
    """Return a metric of Prometheus itself."""
    (found,) = re.findall(rf"^{name} (\S+)$", fetch(f"{server.url}/metrics").text, re.MULTILINE)
    return float(found)


cpu_seconds = partial(own_metric, name="process_cpu_seconds_total")
"""On a machine that does nothing else, a query takes as long."""


def timed(server: PrometheusServer, dashboard: Dashboard) -> Iterator[tuple[float, str]]:
    """Yield the CPU seconds that each panel takes: Grafana asks for a point a pixel, or as many as the panel wants."""
    seconds: dict[str, float] = {}
    one = {} if dashboard.variables["account"]["includeAll"] else {"account": "0" * 12}
    points = {panel["title"]: panel.get("maxDataPoints", PIXELS) for panel in dashboard.panels}
    for target in dashboard.targets():
        step = 3600 if points[target.panel] < PIXELS else 600  # as Grafana rounds seven days by that
        expr = dashboard.filled(target.expr, View({"job": "a", "label": "label_team", **one}, step=step))
        began = cpu_seconds(server)
        if target.instant:
            server.api("query", query=expr, time=str(END))
        else:
            server.api("query_range", query=expr, start=str(END - 7 * DAY), end=str(END), step=str(step))
        seconds[target.panel] = seconds.get(target.panel, 0.0) + cpu_seconds(server) - began
    yield from ((took, panel) for panel, took in seconds.items())


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the seconds of each panel, slowest first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100)
    parser.add_argument("--step", type=int, default=60, help="seconds between two scrapes")
    parser.add_argument("--keep", type=Path, help="where the data stays for another run")
    parser.add_argument("--dashboard", default="aws-support-overview")
    asked = parser.parse_args(arguments)
    prometheus, promtool = find_tool("newer/prometheus"), find_tool("newer/promtool")
    if not prometheus or not promtool:
        sys.exit("Prometheus is not here: get it with `make tools`")
    dashboard = Dashboard.load(next(path for path in FILES if path.stem == asked.dashboard))
    with tempfile.TemporaryDirectory() as scratch:
        directory = asked.keep or Path(scratch)
        if not (directory / "data").is_dir():
            directory.mkdir(parents=True, exist_ok=True)
            write_blocks(asked.accounts, asked.step, Promtool(promtool), directory / "data")
        flags = ["--storage.tsdb.retention.time=100y", f"--query.lookback-delta={max(300, asked.step + 1)}s"]
        server = PrometheusServer(prometheus, "http://127.0.0.1:1", directory, scrape_interval="1h", flags=flags)
        if not (directory / "recorded").exists():
            with server:
                server.record(Promtool(promtool), END - 7 * DAY, END)
            with server:  # promtool writes hundreds of blocks, which Prometheus compacts
                blocks = partial(own_metric, server, "prometheus_tsdb_blocks_loaded")
                wait_until(lambda: blocks() < _FEW_BLOCKS or None, 600, lambda: f"{blocks()} blocks")
            (directory / "recorded").touch()
        with server:
            panels = sorted(timed(server, dashboard), reverse=True)
    for seconds, panel in panels:
        print(f"{seconds:8.2f} s  {panel}")
    print(f"{sum(seconds for seconds, _ in panels):8.2f} s  together")


if __name__ == "__main__":
    main()
