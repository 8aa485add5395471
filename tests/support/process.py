"""The exporter as a process of its own, as users run it."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tests.support.fetch import Response, fetch
from tests.support.waiting import wait_until

_START_SECONDS = 40
_STOP_SECONDS = 10
_EVENT = re.compile(r"(?:^|\s)event=listening(?:\s|$)")
_URL = re.compile(r"(?:^|\s)url=(\S+)")


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment in which no AWS setting, credential or proxy of the developer's is left."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("AWS_") and not name.lower().endswith("_proxy")
    }
    nothing = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return kept | nothing | dict(extra or {})


def host_named(name: str, folder: Path) -> dict[str, str]:
    """Return what to add to an environment so that a process takes the host's name to be this one.

    It stands for the host name that Kubernetes gives to a pod: a process cannot have one of its own without privileges.

    Args:
        name: What `socket.gethostname()` is to return.
        folder: Gets a file; one that exists already is used again.
    """
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text("import os, socket\nsocket.gethostname = lambda: os.environ['HOST_NAME']\n")
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    return {"PYTHONPATH": path, "HOST_NAME": name}


def run_exporter(
    args: Sequence[str], env: Mapping[str, str] | None = None, *, timeout_seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, for arguments with which it does not stay."""
    return subprocess.run(
        [sys.executable, "-m", "exporter", *args],
        env=environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
        check=False,
    )


def announced_url(line: str) -> str | None:
    """Return the address that a log line, in logfmt or JSON, says the exporter listens on."""
    if line.startswith("{"):
        entry = json.loads(line)
        return str(entry["url"]) if entry.get("event") == "listening" else None
    url = _URL.search(line)
    return url[1].strip('"') if url and _EVENT.search(line) else None


class ExporterProcess:
    """A running exporter, from its first announcement until SIGTERM.

    Args:
        args: Its command line; it listens on a free loopback port unless `--web.listen-address` is among them.
        env: What to add to the emptied environment.
        wrapper: What starts it in place of this process, such as `nice`.
    """

    def __init__(self, args: Sequence[str] = (), env: Mapping[str, str] | None = None, *, wrapper: Sequence[str] = ()) -> None:
        own_address = any(arg.startswith("--web.listen-address") for arg in args)
        address = [] if own_address else ["--web.listen-address=127.0.0.1:0"]
        self._command = [*wrapper, sys.executable, "-m", "exporter", *address, *args]
        self._env = environment(env)
        self._stdout: list[str] = []
        self._stderr: list[str] = []
        self.url = ""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        streams = ((self._process.stdout, self._stdout), (self._process.stderr, self._stderr))
        self._readers = [threading.Thread(target=_drain, args=stream, daemon=True) for stream in streams]
        for reader in self._readers:
            reader.start()
        try:
            self.url = wait_until(self._find_url, _START_SECONDS, lambda: f"it announced no address\n{self.stderr}")
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self.stop()
        except AssertionError:
            if kind is None:
                raise

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._process.poll()

    @property
    def stdout(self) -> str:
        """All it has written to standard output so far."""
        return "".join(self._stdout)

    @property
    def stderr(self) -> str:
        """All it has written to standard error so far."""
        return "".join(self._stderr)

    def get(
        self,
        path: str = "/metrics",
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        timeout_seconds: float = 10,
    ) -> Response:
        """Send one request to it."""
        return fetch(f"{self.url}{path}", headers, method=method, timeout_seconds=timeout_seconds)

    def wait_for(self, predicate: Callable[[str], bool], timeout_seconds: float = 40, *, path: str = "/metrics") -> str:
        """Read a page until it is as wanted.

        Returns:
            The first page for which the predicate holds.

        Raises:
            AssertionError: It never came to that; the message holds the last page and the log.
        """
        page = ""

        def probe() -> str | None:
            nonlocal page
            page = self.get(path).text
            return page if predicate(page) else None

        return wait_until(probe, timeout_seconds, lambda: f"{path} is not as wanted\n{page}\n{self.stderr}")

    def wait_for_log(self, predicate: Callable[[str], bool], timeout_seconds: float = 40) -> str:
        """Return the first line of the log for which the predicate holds, once there is one."""
        return wait_until(
            lambda: next((line for line in list(self._stderr) if predicate(line)), None),
            timeout_seconds,
            lambda: f"no such line in the log\n{self.stderr}",
        )

    def stop(self, number: signal.Signals = signal.SIGTERM, timeout_seconds: float = _STOP_SECONDS) -> int:
        """Send it a signal and return its exit code; a second call returns the code again.

        Raises:
            AssertionError: It goes on; it is killed then.
        """
        if self.returncode is None:
            self._process.send_signal(number)
        try:
            code = self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self._kill()
            raise AssertionError(f"it ignored {number.name} for {timeout_seconds:g} s\n{self.stderr}") from None
        self._join()
        return code

    def _find_url(self) -> str | None:
        ended = self.returncode
        if ended is not None:
            self._join()
        url = next(filter(None, map(announced_url, list(self._stderr))), None)
        if url is None and ended is not None:
            raise AssertionError(f"it ended with exit code {ended} before it listened\n{self.stderr}")
        return url

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._join()

    def _join(self) -> None:
        for reader in self._readers:
            reader.join()


def _drain(stream: IO[str], lines: list[str]) -> None:
    with stream:
        lines.extend(stream)
