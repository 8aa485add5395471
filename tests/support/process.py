"""The exporter as a process of its own, as users run it."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self

from tests.support.fetch import Response, fetch
from tests.support.forks import Fork
from tests.support.page import Page
from tests.support.waiting import wait_until

_START_SECONDS = 40
_STOP_SECONDS = 10
_LISTENING = re.compile(r'\bevent"?[=:] ?"?listening\b')
_URL = re.compile(r'\burl"?[=:] ?"?([^\s"]+)')


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment in which no AWS setting, credential, certificate or proxy of the developer's is left."""
    foreign = [name for name in os.environ if name.startswith(("AWS_", "REQUESTS_CA_")) or name.lower().endswith("_proxy")]
    kept = {name: value for name, value in os.environ.items() if name not in foreign}
    nothing = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
    return {**kept, **nothing, "AWS_EC2_METADATA_DISABLED": "true", **(extra or {})}


def host_named(name: str, folder: Path) -> dict[str, str]:
    """Return what to add to an environment so that a process takes the host's name to be this one, as in a pod."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text("import os, socket\nsocket.gethostname = lambda: os.environ['HOST_NAME']\n")
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    return {"PYTHONPATH": path, "HOST_NAME": name}


def run_exporter(
    args: Sequence[str], env: Mapping[str, str] | None = None, *, timeout_seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, for arguments with which it does not stay."""
    process = _start(args, env or {})
    stdout, stderr = _Output(process.stdout), _Output(process.stderr)
    try:
        process.wait(timeout_seconds)
    finally:
        process.kill()
    return subprocess.CompletedProcess(args, process.wait(), stdout.whole(), stderr.whole())


def _start(args: Sequence[str], env: Mapping[str, str], wrapper: Sequence[str] = ()) -> subprocess.Popen[str] | Fork:
    """Start it as users do wherever that makes a difference: some variables are read when Python starts and imports it."""
    is_early = any(name.startswith(("PYTHON", "AWS_SUPPORT_EXPORTER_")) for name in env)
    if wrapper or is_early:
        command, pipe = [*wrapper, sys.executable, "-m", "exporter", *args], subprocess.PIPE
        every = os.environ | dict(env)
        return subprocess.Popen(command, env=every, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True)
    return Fork(args, os.environ | dict(env))


class ExporterProcess:
    """A running exporter, from its first announcement until SIGTERM."""

    def __init__(self, args: Sequence[str] = (), env: Mapping[str, str] | None = None, *, wrapper: Sequence[str] = ()) -> None:
        own_address = any(arg.startswith("--web.listen-address") for arg in args)
        address = [] if own_address else ["--web.listen-address=127.0.0.1:0"]
        self._how = [*address, *args], dict(env or {}), wrapper
        self.url = ""

    def __enter__(self) -> Self:
        self._process = _start(*self._how)
        self._stdout, self._stderr = _Output(self._process.stdout), _Output(self._process.stderr)
        try:
            self.url = wait_until(self._find_url, _START_SECONDS, lambda: f"it announced no address\n{self.stderr}")
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
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
        return "".join(self._stdout.lines)

    @property
    def stderr(self) -> str:
        """All it has written to standard error so far."""
        return "".join(self._stderr.lines)

    def get(self, path: str = "/metrics", headers: Mapping[str, str] | None = None, **options: Any) -> Response:  # noqa: ANN401 - as they are there
        """Send one request to it; options are those of `fetch`."""
        return fetch(f"{self.url}{path}", headers, **options)

    def wait_for(self, predicate: Callable[[str], bool], timeout_seconds: float = 40, *, path: str = "/metrics") -> str:
        """Read a page until it is as wanted, and return it."""
        page = ""

        def probe() -> str | None:
            nonlocal page
            page = self.get(path).text
            return page if predicate(page) else None

        return wait_until(probe, timeout_seconds, lambda: f"{path} is not as wanted\n{page}\n{self.stderr}")

    def first_page(self) -> Page:
        """Return the page that follows the first round over all accounts."""
        self.wait_for(lambda text: text == "Ready.\n", path="/-/ready")
        return Page(self.wait_for(lambda text: 'aws_support_accounts{state="pending"} 0.0' in text))

    def wait_for_log(self, predicate: Callable[[str], bool], timeout_seconds: float = 40) -> str:
        """Return the first line of the log for which the predicate holds, once there is one."""
        return wait_until(
            lambda: next((line for line in list(self._stderr.lines) if predicate(line)), None),
            timeout_seconds,
            lambda: f"no such line in the log\n{self.stderr}",
        )

    def stop(self, number: signal.Signals = signal.SIGTERM, timeout_seconds: float = _STOP_SECONDS) -> int:
        """Send it a signal and return its exit code; a second call returns the code again."""
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
        found = next(
            (url[1] for line in list(self._stderr.lines) if _LISTENING.search(line) and (url := _URL.search(line))), None
        )
        assert found or ended is None, f"it ended with exit code {ended} before it listened\n{self.stderr}"
        return found

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._join()

    def _join(self) -> None:
        self._stdout.whole()
        self._stderr.whole()


class _Output:
    """What a process has written so far, read as it comes."""

    def __init__(self, stream: IO[str] | None) -> None:
        assert stream
        self._stream, self.lines = stream, list[str]()
        self._reader = threading.Thread(target=self._drain, daemon=True)
        self._reader.start()

    def whole(self) -> str:
        self._reader.join()
        return "".join(self.lines)

    def _drain(self) -> None:
        with self._stream as stream:
            self.lines.extend(stream)
