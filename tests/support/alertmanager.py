"""A real Alertmanager, and a webhook that receives its alerts."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple, Self

from tests.support.prometheus import Daemon
from tests.support.waiting import wait_until


class Notification(NamedTuple):
    """One alert as a receiver gets it: `firing` since an RFC 3339 time, or `resolved`."""

    status: str
    labels: dict[str, str]
    annotations: dict[str, str]
    started_at: str


class Receiver:
    """A webhook on a free loopback port that keeps the alerts it receives."""

    def __enter__(self) -> Self:
        self._told: list[Notification] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._told))
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def told(self) -> list[Notification]:
        """Return all it has been told so far, in order."""
        return list(self._told)

    def wait_for(self, wanted: Callable[[Notification], bool], timeout_seconds: float) -> Notification:
        """Return the first notification that is wanted, once it has come."""
        return wait_until(
            lambda: next(filter(wanted, self.told()), None), timeout_seconds, lambda: f"no such alert has come: {self.told()}"
        )


class AlertmanagerServer(Daemon):
    """Alertmanager that passes everything on to a webhook at once."""

    def __init__(self, binary: Path, receiver_url: str, directory: Path) -> None:
        config = {
            "route": {"receiver": "test", "group_wait": "0s", "group_interval": "1s"},
            "receivers": [{"name": "test", "webhook_configs": [{"url": receiver_url}]}],
        }
        super().__init__(binary, config, directory, [f"--storage.path={directory / 'data'}", "--cluster.listen-address="])


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
