"""A real Prometheus that scrapes one target, and Prometheus's own check of a page."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from tests.support.fetch import fetch, free_port
from tests.support.tools import ROOT
from tests.support.waiting import wait_until

RECORDING = ROOT / "helm/aws-support-exporter/files/rules/recording.yaml"
Samples = list[tuple[dict[str, str], float]]
_START_SECONDS = 40
_STOP_SECONDS = 10


class Daemon:
    """A server of the Prometheus project on a free loopback port, from readiness until the end of a `with`.

    Configuration, data and log are in a directory of its own.
    """

    def __init__(self, binary: Path, config: Mapping[str, object], directory: Path, flags: Sequence[str]) -> None:
        self._directory = directory
        self._log = directory / f"{binary.name}.log"
        config_file = directory / f"{binary.name}.json"
        config_file.write_text(json.dumps(config))  # JSON is YAML
        self._command = [str(binary), f"--config.file={config_file}", "--log.level=warn", *flags]

    def __enter__(self) -> Self:
        address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{address}"
        with self._log.open("wb") as log:
            command = [*self._command, f"--web.listen-address={address}"]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_until(self._ready, _START_SECONDS, lambda: f"{self._command[0]} is not ready\n{self.log}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def log(self) -> str:
        return self._log.read_text()

    def reload(self) -> None:
        """Have it read its configuration and rules again."""
        os.kill(self._process.pid, signal.SIGHUP)

    def _ready(self) -> bool | None:
        assert self._process.poll() is None, f"{self._command[0]} ended\n{self.log}"
        try:
            return fetch(f"{self.url}/-/ready").status == 200 or None
        except OSError:
            return None


class PrometheusServer(Daemon):
    """Prometheus that scrapes `target_url`; `client` is more of its scrape configuration, such as `basic_auth`."""

    def __init__(
        self,
        binary: Path,
        target_url: str,
        directory: Path,
        *,
        alertmanager_url: str = "",
        scrape_interval: str = "1s",
        rule_files: Sequence[Path] = (),
        client: Mapping[str, Any] | None = None,
        flags: Sequence[str] = (),
    ) -> None:
        target = urlsplit(target_url)
        every = ("scrape_interval", "scrape_timeout", "evaluation_interval")
        scrape = {
            "job_name": "aws-support-exporter",
            "scheme": target.scheme,
            "metrics_path": target.path or "/metrics",
            "static_configs": [{"targets": [target.netloc]}],
            **(client or {}),
        }
        alertmanagers = [{"static_configs": [{"targets": [urlsplit(alertmanager_url).netloc]}]}] if alertmanager_url else []
        config = {
            "global": dict.fromkeys(every, scrape_interval),
            "alerting": {"alertmanagers": alertmanagers},
            "rule_files": [str(path.resolve()) for path in rule_files],
            "scrape_configs": [scrape],
        }
        super().__init__(binary, config, directory, [f"--storage.tsdb.path={directory / 'data'}", *flags])

    def query(self, expression: str) -> Samples:
        """Return what an expression is now: labels and value of each series; a scalar is one without labels."""
        answer = self.api("query", query=expression)
        if answer["resultType"] == "scalar":
            return [({}, float(answer["result"][1]))]
        return [(series["metric"], float(series["value"][1])) for series in answer["result"]]

    def wait_for(self, expression: str, predicate: Callable[[Samples], bool], timeout_seconds: float = 20) -> Samples:
        samples: Samples = []

        def probe() -> Samples | None:
            nonlocal samples
            samples = self.query(expression)
            return samples if predicate(samples) else None

        return wait_until(probe, timeout_seconds, lambda: f"{expression} is {samples}\n{self.log}")

    def record(self, promtool: "Promtool", start: float, end: float) -> None:
        """Evaluate the recording rules over the past: what they record is there after the next start.

        Prometheus spreads groups over their interval, by file and name.
        """
        begin = start // 7200 * 7200  # promtool records nothing of a first block of which it sees only the end
        into = (f"--url={self.url}", f"--output-dir={(self._directory / 'data').resolve()}")
        span = (f"--start={begin:.0f}", f"--end={end:.0f}")
        command: list[str | Path] = [promtool.binary, "tsdb", "create-blocks-from", "rules", *span, *into, RECORDING.name]
        subprocess.run(command, cwd=RECORDING.parent, capture_output=True, timeout=1200, check=True)

    def api(self, endpoint: str, **parameters: str) -> Any:  # noqa: ANN401 - each endpoint has a form of its own
        """Return the data that an endpoint of the query API answers with; an AssertionError where it refuses."""
        response = fetch(f"{self.url}/api/v1/{endpoint}?{urlencode(parameters)}", timeout_seconds=120)
        answer = json.loads(response.text)
        assert answer["status"] == "success", answer
        return answer["data"]


class Promtool:
    def __init__(self, binary: Path) -> None:
        self.binary = binary

    def complaints(self, *arguments: str | Path, read: str | None = None) -> str:
        """Return what it says when it refuses, and else nothing; `read` is its standard input."""
        command = [self.binary, *arguments]
        done = subprocess.run(command, input=read, capture_output=True, text=True, timeout=300, check=False)
        return done.stdout + done.stderr or f"exit code {done.returncode}" if done.returncode else ""

    def check_metrics(self, page: str) -> str:
        """Return what is wrong with a page in the text format: nothing, when it is clean."""
        return self.complaints("check", "metrics", read=page)
