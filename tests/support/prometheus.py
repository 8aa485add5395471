"""A real Prometheus that scrapes one target, and Prometheus's own check of a page."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from tests.support.daemon import Daemon
from tests.support.fetch import fetch, free_port
from tests.support.waiting import wait_until

Samples = list[tuple[dict[str, str], float]]


class PrometheusServer:
    """Prometheus on a free loopback port.

    Args:
        binary: Its program.
        target_url: What it scrapes, such as `http://127.0.0.1:10047/metrics`.
        directory: An empty directory of its own, for configuration, data and log.
        alertmanager_url: Who is told of alerts, if anybody.
        scrape_interval: How often it scrapes, and evaluates rules.
        rule_files: Recording and alerting rules to load.
        client: What its scrapes are told besides, such as `basic_auth` and `tls_config`.
        flags: More of its flags.
    """

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
        self._binary = binary
        self._directory = directory
        self._flags = flags
        target = urlsplit(target_url)
        self._config = {
            "global": {
                "scrape_interval": scrape_interval,
                "scrape_timeout": scrape_interval,
                "evaluation_interval": scrape_interval,
            },
            "alerting": {"alertmanagers": _alertmanagers(alertmanager_url)},
            "rule_files": [str(path.resolve()) for path in rule_files],
            "scrape_configs": [
                {
                    "job_name": "aws-support-exporter",
                    "scheme": target.scheme,
                    "metrics_path": target.path or "/metrics",
                    "static_configs": [{"targets": [target.netloc]}],
                    **(client or {}),
                }
            ],
        }
        self.url = ""

    def __enter__(self) -> Self:
        config = self._directory / "prometheus.json"
        config.write_text(json.dumps(self._config))  # JSON is YAML
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [
            str(self._binary),
            f"--config.file={config}",
            f"--storage.tsdb.path={self._directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
            *self._flags,
        ]
        self._daemon = Daemon(command, self.url, self._directory / "prometheus.log")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._daemon.stop()

    def reload(self) -> None:
        """Have it read its configuration and rules again."""
        os.kill(self._daemon.pid, signal.SIGHUP)

    def query(self, expression: str) -> Samples:
        """Return what an expression is now: labels and value of each series; a scalar is one without labels.

        Raises:
            AssertionError: Prometheus refuses the expression.
        """
        answer = self.api("query", query=expression)
        if answer["resultType"] == "scalar":
            return [({}, float(answer["result"][1]))]
        return [(series["metric"], float(series["value"][1])) for series in answer["result"]]

    def wait_for(self, expression: str, predicate: Callable[[Samples], bool], timeout_seconds: float = 20) -> Samples:
        """Return what an expression is, once it is as wanted."""
        samples: Samples = []

        def probe() -> Samples | None:
            nonlocal samples
            samples = self.query(expression)
            return samples if predicate(samples) else None

        return wait_until(probe, timeout_seconds, lambda: f"{expression} is {samples}\n{self._daemon.log}")

    def api(self, endpoint: str, **parameters: str) -> Any:  # noqa: ANN401 - each endpoint has a form of its own
        """Return the data that an endpoint of the query API answers with."""
        response = fetch(f"{self.url}/api/v1/{endpoint}?{urlencode(parameters)}")
        answer = json.loads(response.text)
        assert answer["status"] == "success", answer
        return answer["data"]


class Promtool:
    """Prometheus's own checks.

    Args:
        binary: Its program.
    """

    def __init__(self, binary: Path) -> None:
        self.binary = binary

    def check_metrics(self, page: str) -> str:
        """Return what is wrong with a page in the text format: nothing, when it is clean."""
        done = subprocess.run(
            [self.binary, "check", "metrics"], input=page, capture_output=True, text=True, timeout=30, check=False
        )
        if done.returncode:
            return done.stderr + done.stdout or f"exit code {done.returncode}"
        return done.stderr


def _alertmanagers(url: str) -> list[dict[str, Any]]:
    return [{"static_configs": [{"targets": [urlsplit(url).netloc]}]}] if url else []
