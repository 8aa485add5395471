"""An agent on the loopback interface that hands out credentials, as EKS Pod Identity's and ECS's do."""

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from exporter.simulator.keys import AccessKey

TOKEN = "a token of the cluster"  # noqa: S105 - of a test


def credentials(key: AccessKey, expiration: str = "2099-01-01T00:00:00Z") -> dict[str, str]:
    """Return a key in the agent's words."""
    names = {"AccessKeyId": key.access_key_id, "SecretAccessKey": key.secret_access_key, "Token": key.session_token}
    return {**names, "Expiration": expiration}


class Agent:
    """Answers whoever knows the token, from `with` on."""

    def __init__(self, answer: Callable[[], Mapping[str, str]], port: int = 0) -> None:
        self.asked = 0
        agent = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                agent.asked += 1
                self.send_response(200 if self.headers["Authorization"] == TOKEN else 403)
                self.end_headers()
                self.wfile.write(json.dumps(answer()).encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/credentials"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
