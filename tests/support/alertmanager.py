"""A real Alertmanager, and somebody who is told by it."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from tests.support.daemon import Daemon
from tests.support.fetch import free_port
from tests.support.waiting import wait_until


class Notification(NamedTuple):
    """One alert as a receiver is told of it: `firing` since an RFC 3339 time, or `resolved`."""

    status: str
    labels: dict[str, str]
    annotations: dict[str, str]
    started_at: str


class Receiver:
    """A webhook on a free loopback port that keeps what it is told."""

    def __enter__(self) -> Self:
        self._told: list[Notification] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._told))
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def told(self) -> list[Notification]:
        """Return all it has been told so far, in order."""
        return list(self._told)

    def wait_for(self, wanted: Callable[[Notification], bool], timeout_seconds: float) -> Notification:
        """Return the first notification that is wanted, once it has come."""
        return wait_until(
            lambda: next(filter(wanted, self.told()), None), timeout_seconds, lambda: f"no such alert has come: {self.told()}"
        )


class AlertmanagerServer:
    """Alertmanager on a free loopback port that passes everything on at once.

    Args:
        binary: Its program.
        receiver_url: The webhook that is told.
        directory: An empty directory of its own.
    """

    def __init__(self, binary: Path, receiver_url: str, directory: Path) -> None:
        self._binary = binary
        self._directory = directory
        self._config = {
            "route": {"receiver": "test", "group_wait": "0s", "group_interval": "1s"},
            "receivers": [{"name": "test", "webhook_configs": [{"url": receiver_url}]}],
        }
        self.url = ""

    def __enter__(self) -> Self:
        config = self._directory / "alertmanager.json"
        config.write_text(json.dumps(self._config))  # JSON is YAML
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [
            str(self._binary),
            f"--config.file={config}",
            f"--storage.path={self._directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ]
        self._daemon = Daemon(command, self.url, self._directory / "alertmanager.log")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._daemon.stop()


def _handler(told: list[Notification]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["content-length"])))
            told.extend(
                Notification(alert["status"], alert["labels"], alert["annotations"], alert["startsAt"])
                for alert in message["alerts"]
            )
            self.send_response(200)
            self.end_headers()

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Keep the terminal free of requests."""

    return Handler
