"""The peer: `aws-prometheus-exporter`, which can be told to read Support cases, in a venv of its own."""

import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from bench.measuring import Plan, explicit_config
from bench.processes import ROOT, Exporter, Process, SimulatedAws, environment, free_port, get, wait_for
from bench.scraping import Scrapers, quantile

_VENV = ROOT / ".tools/peer"
_MARKER = _VENV / ".installed"
_PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--require-hashes", "--no-deps", "--requirement")
_PERIOD = 10
_METRICS = """\
aws_support_cases:
  description: Open cases
  service: support
  paginator: describe_cases
  paginator_args: {includeCommunications: true, PaginationConfig: {PageSize: 100}}
  label_names: [case, status, severity_code, service_code, last_author]
  search: "cases[].{case: displayId, status: status, severity_code: severityCode, service_code: serviceCode,
    last_author: recentCommunications.communications[0].submittedBy, value: `1`}"
"""


class Reader(NamedTuple):
    """What reading one large account took.

    Attributes:
        fill: Seconds from the start until the cases are on the page.
        refresh_cpu: CPU seconds of one further reading.
        rss: MiB.
        idle_ms: p50 and p99 of scrapes in which nothing else goes on.
        worst_ms: The slowest scrape over two periods, a reading among them.
    """

    fill: float
    refresh_cpu: float
    rss: float
    idle_ms: tuple[float, float]
    worst_ms: float


def install() -> str:
    """Set the peer up if it is not there; return why that is not possible, or an empty text."""
    if _MARKER.exists():
        return ""
    steps = (
        [sys.executable, "-m", "venv", "--clear", str(_VENV)],
        [str(_VENV / "bin/python"), *_PIP, "bench/peer-build-requirements.txt"],
        [str(_VENV / "bin/python"), *_PIP, "bench/peer-requirements.txt", "--no-build-isolation"],
    )
    for step in steps:
        done = subprocess.run(step, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own commands
        if done.returncode:
            problems = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or [
                f"exit code {done.returncode}"
            ]
            return f"it cannot be installed: {problems[-1]}"
    _MARKER.touch()
    return ""


def measure_peer(folder: Path, aws: SimulatedAws, cases: int) -> Reader:
    """Measure the peer on the account of the simulator's own identity."""
    metrics = folder / "peer.yaml"
    metrics.write_text(_METRICS)
    port = free_port()
    command = [
        str(_VENV / "bin/python"),
        "-m",
        "aws_prometheus_exporter",
        "-f",
        str(metrics),
        "-p",
        str(port),
        "-s",
        str(_PERIOD),
    ]
    began = time.monotonic()
    with Process(command, environment(aws.environment), folder / "peer.log") as peer:
        page = _Page(f"http://127.0.0.1:{port}", b"\naws_support_cases{", cases)
        return _measure(peer, page, aws, began, cases)


def measure_ours(folder: Path, plan: Plan, aws: SimulatedAws, account_id: str, cases: int) -> Reader:
    """Measure the exporter on the same account."""
    config = explicit_config(plan, [account_id], interval=_PERIOD)
    with Exporter(folder, config, aws, "one-account") as exporter:
        page = _Page(exporter.url, b"\naws_support_open_cases{", 1)
        return _measure(exporter, page, aws, exporter.started_at, cases)


class _Page(NamedTuple):
    """Where a page is, and how many lines of which kind show that the cases are on it."""

    url: str
    line_start: bytes
    lines: int


def _measure(process: Process, page: _Page, aws: SimulatedAws, began: float, cases: int) -> Reader:
    def full() -> bool | None:
        if process.ended:
            raise RuntimeError(f"it ended\n{process.told()}")
        return get(page.url, "/metrics")[1].count(page.line_start) >= page.lines or None

    wait_for(full, "cases on the page", pause=0.1)
    fill = time.monotonic() - began
    pages = -(-cases // 100)
    calls = aws.calls()["DescribeCases"]
    cpu = process.cpu_seconds()
    wait_for(lambda: aws.calls()["DescribeCases"] >= calls + pages or None, "another reading", pause=0.2)
    time.sleep(1.0)
    refresh_cpu = process.cpu_seconds() - cpu
    rss = process.rss()
    with Scrapers(page.url, 1, 0.05) as idle:
        time.sleep(2.0)
    with Scrapers(page.url, 1, 0.05) as busy:
        time.sleep(2.0 * _PERIOD)
    return Reader(
        fill, refresh_cpu, rss, (quantile(idle.scrapes, 0.5), quantile(idle.scrapes, 0.99)), quantile(busy.scrapes, 1)
    )
