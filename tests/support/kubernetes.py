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
    """Refuses connections until it is started, and answers then.

    Attributes:
        directory: What is mounted into a pod, at another path.
        environment: What Kubernetes adds to the environment of a pod.
        replicas: What its StatefulSet has as the number of its pods.
        status: The status of its answers.
        asked: Path and authorization of each request.
    """

    def __init__(self, folder: Path) -> None:
        self.directory = folder / "serviceaccount"
        self.replicas: object = 3
        self.status = 200
        self.asked: list[tuple[str, str]] = []
        self._folder = folder
        self.directory.mkdir()
        authority = Authority()
        for name, content in {"ca.crt": authority.certificate, "namespace": "monitoring", "token": "first\n"}.items():
            (self.directory / name).write_text(content)
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                api.asked.append((self.path, self.headers["Authorization"]))
                body = json.dumps({"spec": {"replicas": api.replicas}} if api.status == 200 else {"kind": "Status"}).encode()
                self.send_response(api.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
        self._server.server_bind()
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*authority.sign("127.0.0.1").write(folder, "api"))
        self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.environment = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(self._server.server_port)}

    def start(self) -> None:
        self._server.server_activate()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def pod(self, index: int) -> dict[str, str]:
        """Return the environment of a pod's process, that has its host name and finds what is mounted where it is here."""
        named = host_named(f"exporter-{index}", self._folder / "host-name")
        site = self._folder / "host-name/sitecustomize.py"
        site.write_text(site.read_text() + _MOUNTED_ELSEWHERE)
        path = os.pathsep.join((named["PYTHONPATH"], str(ROOT)))
        return named | self.environment | {"PYTHONPATH": path, "SERVICE_ACCOUNT": str(self.directory)}
