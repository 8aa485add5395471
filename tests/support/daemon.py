"""A server of somebody else's as a process, from readiness until SIGTERM."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.support.fetch import fetch
from tests.support.waiting import wait_until

_START_SECONDS = 40
_STOP_SECONDS = 10


class Daemon:
    """A running server.

    Args:
        command: Its program and arguments.
        url: Where it serves, with `/-/ready`.
        log_file: Where its output goes.
    """

    def __init__(self, command: Sequence[str], url: str, log_file: Path) -> None:
        self._name = Path(command[0]).name
        self._url = url
        self._log_file = log_file
        with log_file.open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_until(self._ready, _START_SECONDS, lambda: f"{self._name} is not ready\n{self.log}")
        except BaseException:
            self.stop()
            raise

    @property
    def log(self) -> str:
        """All it has written so far."""
        return self._log_file.read_text()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ready(self) -> bool | None:
        assert self._process.poll() is None, f"{self._name} ended\n{self.log}"
        try:
            return fetch(f"{self._url}/-/ready").status == 200 or None
        except OSError:
            return None
