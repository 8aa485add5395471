"""The processes that are measured: the simulated AWS, the exporter, and what the system says of them."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[1]
_TICKS = os.sysconf("SC_CLK_TCK")
_MEBIBYTE = 1024.0
_PATIENCE = 180.0


def wait_for(probe: Callable[[], T | None], what: str, seconds: float = _PATIENCE, pause: float = 0.02) -> T:
    """Return what a probe finds, once it finds something.

    Raises:
        TimeoutError: It never did.
    """
    end = time.monotonic() + seconds
    while (found := probe()) is None:
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:g} s in vain: {what}")
        time.sleep(pause)
    return found


def get(url: str, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """Return status and body of one request; status 0 when nobody listens yet."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        response = connection.getresponse()
        return response.status, response.read()
    except ConnectionError:
        return 0, b""
    finally:
        connection.close()


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which AWS is what `extra` says, and nothing of this machine's."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | dict(extra)


class Process:
    """A child process, and what it costs; ended with the `with` statement.

    Args:
        command: What to run, with the repository as its working directory.
        env: Its environment.
        stdout: Where its standard output goes, as for `subprocess.Popen`.
        stderr: A file for its standard error.
    """

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], stderr: Path, *, stdout: int = subprocess.DEVNULL
    ) -> None:
        self._stderr = stderr
        with stderr.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own commands
                command, env=dict(env), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=stdout, stderr=log, text=True
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.resume()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    @property
    def ended(self) -> bool:
        """Whether it is no longer running."""
        return self._process.poll() is not None

    def told(self) -> str:
        """Return the end of what it wrote to standard error."""
        return self._stderr.read_text(errors="replace")[-2000:]

    def lines(self) -> list[str]:
        """Return the lines of its standard output up to the first empty one."""
        assert self._process.stdout  # noqa: S101 - asked for a pipe
        return list(iter(lambda: self._process.stdout.readline().strip(), ""))  # type: ignore[union-attr]  # as above

    def stall(self) -> None:
        """Let it do nothing until it is resumed."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def cpu_seconds(self) -> float:
        """Return the CPU time that it has used, its kernel time included."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def rss(self, *, peak: bool = False) -> float:
        """Return its resident memory in MiB, or the most that it ever was."""
        return self._status("VmHWM" if peak else "VmRSS") / _MEBIBYTE

    def threads(self) -> int:
        """Return how many threads it has."""
        return self._status("Threads")

    def descriptors(self) -> int:
        """Return how many files and sockets it has open."""
        return len(os.listdir(f"/proc/{self._process.pid}/fd"))  # noqa: PTH208 - only how many

    def _status(self, name: str) -> int:
        found = re.search(rf"^{name}:\s+(\d+)", Path(f"/proc/{self._process.pid}/status").read_text(), re.MULTILINE)
        return int(found[1]) if found else 0


class SimulatedAws(Process):
    """The simulator, in a process of its own; signatures are not checked, so that it keeps up.

    Args:
        folder: Where its log goes.
        arguments: Which fleet, as its own command line says it.
    """

    def __init__(self, folder: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "exporter.simulator", "--no-signatures", *arguments]
        super().__init__(command, environment({}), folder / "simulator.log", stdout=subprocess.PIPE)
        lines = self.lines()
        if not lines:
            raise RuntimeError(f"the simulator did not start\n{self.told()}")
        self.url = lines[0]
        self.environment = dict(line.removeprefix("export ").split("=", 1) for line in lines[1:])

    def calls(self) -> dict[str, int]:
        """Return how many calls of each operation were made so far."""
        counts: dict[str, int] = json.loads(get(self.url, "/_simulator/stats")[1])["requests"]
        return counts


class Exporter(Process):
    """The exporter as users run it.

    Args:
        folder: Where its log and configuration go.
        config: The configuration.
        aws: What it reads.
        name: Tells its files from those of others.
        module: What is run.
        web_config: How its port is secured; empty for not at all.

    Attributes:
        url: Where it listens.
        started_at: When it was started, on the monotonic clock.
    """

    def __init__(
        self,
        folder: Path,
        config: str,
        aws: SimulatedAws,
        name: str = "exporter",
        *,
        module: str = "exporter",
        web_config: str = "",
    ) -> None:
        path = folder / f"{name}.yaml"
        path.write_text(config)
        self.url = f"http://127.0.0.1:{free_port()}"
        self.started_at = time.monotonic()
        command = [sys.executable, "-m", module, f"--config.file={path}"]
        command.append(f"--web.listen-address={urlsplit(self.url).netloc}")
        if web_config:
            secured = folder / f"{name}.web.yml"
            secured.write_text(web_config)
            command.append(f"--web.config.file={secured}")
        super().__init__(command, environment(aws.environment), folder / f"{name}.log")

    def wait_until(self, path: str, status: Sequence[int], pause: float = 0.1) -> float:
        """Return the seconds from its start until a path answers with one of these statuses."""

        def probe() -> float | None:
            if self.ended:
                raise RuntimeError(f"the exporter ended\n{self.told()}")
            return time.monotonic() - self.started_at if get(self.url, path)[0] in status else None

        return wait_for(probe, f"{path} of the exporter\n{self.told()}", pause=pause)


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port
