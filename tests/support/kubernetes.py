"""A Kubernetes API over TLS on loopback that has one StatefulSet, and what Kubernetes gives its pods."""

import json
import os
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from tests.support.certificates import Authority
from tests.support.process import host_named
from tests.support.tools import ROOT

_MOUNTED_ELSEWHERE = """
from pathlib import Path
from exporter import statefulset
statefulset.SERVICE_ACCOUNT = Path(os.environ["SERVICE_ACCOUNT"])
"""


class KubernetesApi:
    """Refuses connections until it is started; its StatefulSet has `replicas`, and it answers with `status`."""

    def __init__(self, folder: Path) -> None:
        self.replicas: object = 3
        self.status = 200
        self.asked: list[tuple[str, str]] = []  # path and authorization
        self.directory = folder / "serviceaccount"
        self.directory.mkdir()
        self._hosts = folder / "host-name"
        authority = Authority()
        for name, content in {"ca.crt": authority.certificate, "namespace": "monitoring", "token": "first\n"}.items():
            (self.directory / name).write_text(content)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self), bind_and_activate=False)
        self._server.server_bind()
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*authority.sign("127.0.0.1").write(folder, "api"))
        self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.environment = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(self._server.server_port)}

    def __enter__(self) -> Self:
        self._server.server_activate()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def pod(self, index: int) -> dict[str, str]:
        """Return the environment of a pod's process, which has its host name, and finds what is mounted where it is here."""
        named = host_named(f"exporter-{index}", self._hosts)
        with (self._hosts / "sitecustomize.py").open("a") as site:
            site.write(_MOUNTED_ELSEWHERE)
        path = os.pathsep.join((named["PYTHONPATH"], str(ROOT)))
        return named | self.environment | {"PYTHONPATH": path, "SERVICE_ACCOUNT": str(self.directory)}


def _handler(api: KubernetesApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            api.asked.append((self.path, self.headers["Authorization"]))
            self.send_response(api.status)
            self.end_headers()
            self.wfile.write(json.dumps({"spec": {"replicas": api.replicas} if api.status == 200 else {}}).encode())

        def log_message(self, *_: object) -> None:
            pass

    return Handler
