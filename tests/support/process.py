"""The exporter as a process of its own, as users run it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any, Self

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
    with TemporaryDirectory() as directory:
        process, outputs = _start(args, env or {}, Path(directory))
        try:
            process.wait(timeout_seconds)
        finally:
            process.kill()
        return subprocess.CompletedProcess(args, process.wait(), *(output.read_text() for output in outputs))


def _start(
    args: Sequence[str], env: Mapping[str, str], directory: Path, wrapper: Sequence[str] = ()
) -> tuple[subprocess.Popen[bytes] | Fork, tuple[Path, Path]]:
    """Start it as users do wherever that makes a difference: some variables are read when Python starts and imports it."""
    outputs = directory / "stdout", directory / "stderr"
    every = os.environ | dict(env)
    with outputs[0].open("wb") as stdout, outputs[1].open("wb") as stderr:
        if wrapper or any(name.startswith(("PYTHON", "AWS_SUPPORT_EXPORTER_")) for name in env):
            command = [*wrapper, sys.executable, "-m", "exporter", *args]
            return subprocess.Popen(command, env=every, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr), outputs
    return Fork(args, every, outputs), outputs


class ExporterProcess:
    """A running exporter, from its first announcement until SIGTERM."""

    def __init__(self, args: Sequence[str] = (), env: Mapping[str, str] | None = None, *, wrapper: Sequence[str] = ()) -> None:
        own_address = any(arg.startswith("--web.listen-address") for arg in args)
        self._args = [*([] if own_address else ["--web.listen-address=127.0.0.1:0"]), *args]
        self._env, self._wrapper = env or {}, wrapper
        self.url = ""

    def __enter__(self) -> Self:
        directory = Path(mkdtemp())
        weakref.finalize(self, shutil.rmtree, directory)
        self._process, (self._stdout, self._stderr) = _start(self._args, self._env, directory, self._wrapper)
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
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.poll()

    @property
    def stdout(self) -> str:
        return self._stdout.read_text(errors="replace")

    @property
    def stderr(self) -> str:
        return self._stderr.read_text(errors="replace")

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
        return wait_until(
            lambda: next(filter(predicate, self._log_lines()), None),
            timeout_seconds,
            lambda: f"no such line in the log\n{self.stderr}",
        )

    def stop(self, number: signal.Signals = signal.SIGTERM, timeout_seconds: float = _STOP_SECONDS) -> int:
        """Send it a signal and return its exit code; a second call returns the code again."""
        if self.returncode is None:
            self._process.send_signal(number)
        try:
            return self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self._kill()
            raise AssertionError(f"it ignored {number.name} for {timeout_seconds:g} s\n{self.stderr}") from None

    def _find_url(self) -> str | None:
        ended = self.returncode
        urls = (_URL.search(line) for line in self._log_lines() if _LISTENING.search(line))
        found = next((url[1] for url in urls if url), None)
        assert found or ended is None, f"it ended with exit code {ended} before it listened\n{self.stderr}"
        return found

    def _log_lines(self) -> list[str]:
        return self.stderr.split("\n")[:-1]

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()
