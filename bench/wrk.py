"""wrk, which keeps many connections busy with little of the processor: scrapes, and guesses of passwords."""

import base64
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from bench.processes import ROOT
from tests.support.tools import find_tool

_SCRIPT = Path(__file__).with_suffix(".lua")
_TIMEOUT = 10
_GRACE = 30.0


class Load(NamedTuple):
    """What wrk tells at its end.

    Attributes:
        requests: That were answered.
        seconds: In which they were.
        bytes: That came, heads included.
        p50: Milliseconds.
        p99: Milliseconds.
        slowest: Milliseconds.
        status: Answers of 400 and above.
        socket: Connections refused or broken, and answers that took longer than 10 s.
        unauthorized: Of guesses, answers of 401.
        too_many: Of guesses, answers of 429.
        others: Of guesses, all other answers.
    """

    requests: int
    seconds: float
    bytes: int
    p50: float
    p99: float
    slowest: float
    status: int
    socket: int
    unauthorized: int
    too_many: int
    others: int

    @property
    def rate(self) -> float:
        """Requests in a second."""
        return self.requests / self.seconds

    @property
    def failed(self) -> int:
        """Scrapes that failed, for whatever reason."""
        return self.status + self.socket


class Wrk:
    """Keeps connections busy for some seconds, each with one request at a time, from its making on.

    Each waits `pause` seconds before a request. With a name in `guessed`, each request guesses another password of that name.
    """

    def __init__(
        self,
        url: str,
        connections: int,
        seconds: int,
        headers: Mapping[str, str],
        *,
        pause: float = 0.0,
        guessed: str = "",
    ) -> None:
        program = find_tool("wrk")
        if program is None:
            raise RuntimeError("wrk is not here: run `make tools`")
        self._seconds = seconds
        command = [str(program), "-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={_TIMEOUT}s", f"--script={_SCRIPT}"]
        command += [f"-H{name}: {value}" for name, value in headers.items()]
        command += [url, "--", str(round(1000 * pause)), *([_begin(guessed)] if guessed else [])]
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def result(self) -> Load:
        """Wait for the end, and return what came of it."""
        output, _ = self._process.communicate(timeout=self._seconds + _GRACE)
        lines = output.splitlines()
        if self._process.returncode or not lines or not lines[-1].startswith("{"):
            raise RuntimeError(f"wrk failed: {output}")
        return Load(**json.loads(lines[-1]))


def _begin(name: str) -> str:
    """Return Base64 of a login up to its password, of whole groups, so that more Base64 can follow."""
    begin = f"{name}:".encode()
    if len(begin) % 3:
        raise ValueError(f"{name}: of 3n - 1 characters, so that the password begins a group of Base64")
    return base64.b64encode(begin).decode()
