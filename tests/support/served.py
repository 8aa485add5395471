"""A rig behind the exporter's web server; its configuration is a file that is reloaded when it is asked for."""

import asyncio
from http.client import HTTPConnection
from pathlib import Path
from typing import Self

from exporter.reload import Reloader
from exporter.web.handlers import Paths, Site, application
from tests.support.log import Log
from tests.support.rig import FakeRig
from tests.support.serving import Serving
from tests.support.waiting import wait_until

_PATIENCE = 20.0


class Served:
    """Serves a rig until the end of a `with`."""

    def __init__(self, rig: FakeRig, file: Path) -> None:
        reloader = Reloader(
            file,
            b"",
            apply=lambda content: asyncio.wrap_future(rig.submit(rig.applying(content.decode()))),
            publish=lambda: asyncio.wrap_future(rig.submit(rig.publisher.publish())),
            now=rig.clock.time,
            log=Log().logger,
        )
        self._file = file
        self._serving = Serving(application(_site(rig, reloader)))

    def __enter__(self) -> Self:
        self._serving.__enter__()
        self._serving.start_threads()
        self._kept = self.connect()
        _answer(self._kept, "GET", "/-/ready", "*/*")
        self._alone = self._serving.tasks()
        return self

    def __exit__(self, *_: object) -> None:
        self._kept.close()
        self._serving.__exit__()

    def connect(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self._serving.port, timeout=_PATIENCE)

    def get(self, path: str, accept: str = "*/*", *, connection: HTTPConnection | None = None) -> str:
        """Return what is at a path; anything but success fails the test."""
        status, text = _answer(connection or self._kept, "GET", path, accept)
        assert status == 200, f"{path}: {status} {text}"
        return text

    def wait_until_alone(self) -> None:
        """Wait until the server has noticed that all other connections are closed."""
        wait_until(lambda: self._serving.tasks() <= self._alone or None, _PATIENCE, lambda: "connections are left")

    def reload(self, config: str) -> int:
        """Write the file, ask for a reload, and return the status of the answer."""
        self._file.write_text(config)
        return _answer(self._kept, "POST", "/-/reload", "*/*")[0]


def _answer(connection: HTTPConnection, method: str, path: str, accept: str) -> tuple[int, str]:
    connection.request(method, path, headers={"Accept": accept})
    response = connection.getresponse()
    return response.status, response.read().decode()


def _site(rig: FakeRig, reloader: Reloader) -> Site:
    return Site(
        version="1.2.3",
        paths=Paths(),
        pages=rig.store,
        report=rig.report,
        about=dict,
        config=str,
        problems=lambda: reloader.last.problems,
        health_problems=rig.collector.health_problems,
        ready=lambda: rig.publisher.ready,
        now=rig.clock.time,
        policy=lambda: rig.publisher.snapshot.policy,
        reload=reloader.by_request,
        refresh=lambda account_id: asyncio.wrap_future(rig.submit(rig.collector.refresh(account_id))),
        lifecycle=True,
    )
