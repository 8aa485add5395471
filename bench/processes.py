"""The processes that are measured: the simulated AWS, the exporter, and what the system says of them."""

import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.certificates import Authority
from tests.support.fetch import fetch, free_port
from tests.support.process import environment
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 180.0
_TICKS = os.sysconf("SC_CLK_TCK")
_KIBIBYTES = 1024.0
_CA_BUNDLE = "AWS_CA_BUNDLE"


class Process:
    """A child process, and what it costs; ended with the `with` statement."""

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        stderr: Path,
        *,
        folder: Path = ROOT,
        stdout: int = subprocess.DEVNULL,
    ) -> None:
        self._stderr = stderr
        with stderr.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own commands
                command, env=dict(env), cwd=folder, stdin=subprocess.DEVNULL, stdout=stdout, stderr=log, text=True
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

    def check(self) -> None:
        """Raise RuntimeError when it has ended."""
        if self._process.poll() is not None:
            raise RuntimeError(f"a process ended\n{self.stderr()}")

    def stderr(self) -> str:
        """Return the end of what it wrote to standard error."""
        return self._stderr.read_text(errors="replace")[-2000:]

    def stall(self) -> None:
        """Let it do nothing until it is resumed."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def reload(self) -> None:
        """Let it read its configuration again."""
        self._process.send_signal(signal.SIGHUP)

    def cpu_seconds(self) -> float:
        """Return the CPU time that it has used, its kernel time included."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def rss(self) -> float:
        """Return its resident memory in MiB."""
        return self._status("VmRSS") / _KIBIBYTES

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
    """The simulator, in a process of its own; signatures are not checked, so that it keeps up."""

    def __init__(self, folder: Path, *arguments: str, tls: bool = False) -> None:
        command = [sys.executable, "-m", "exporter.simulator", "--no-signatures", *arguments]
        trusted = {}
        self._context: ssl.SSLContext | None = None
        if tls:
            authority = Authority()
            certificate, key = authority.sign("127.0.0.1").write(folder, "aws")
            command += [f"--tls-cert-file={certificate}", f"--tls-key-file={key}"]
            trusted[_CA_BUNDLE] = str(folder / "ca.crt")
            (folder / "ca.crt").write_text(authority.certificate)
            self._context = authority.client_context()
        super().__init__(command, environment(), folder / "simulator.log", stdout=subprocess.PIPE)
        stdout = self._process.stdout
        assert stdout  # noqa: S101 - asked for a pipe
        lines = list(iter(lambda: stdout.readline().strip(), ""))
        if not lines:
            raise RuntimeError(f"the simulator did not start\n{self.stderr()}")
        self.url = lines[0]
        self.environment = dict(line.removeprefix("export ").split("=", 1) for line in lines[1:]) | trusted

    def calls(self) -> dict[str, int]:
        """Return how many calls of each operation were made so far."""
        stats = fetch(f"{self.url}/_simulator/stats", tls=self._context, timeout_seconds=30)
        counts: dict[str, int] = json.loads(stats.body)["requests"]
        return counts

    def read(self) -> int:
        """Return how many calls for cases were made so far."""
        return self.calls().get("DescribeCases", 0)


class Exporter(Process):
    """The exporter of a checkout as users run it; another checkout's runs in its own `.venv`.

    `aws` is the environment in which AWS's clients talk to the simulator, `started_at` on the monotonic clock.
    """

    def __init__(
        self,
        folder: Path,
        config: str,
        aws: Mapping[str, str],
        name: str = "exporter",
        *,
        checkout: Path = ROOT,
        web_config: str = "",
    ) -> None:
        path = folder / f"{name}.yaml"
        path.write_text(config)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.started_at = time.monotonic()
        python = sys.executable if checkout == ROOT else str(checkout / ".venv/bin/python")
        command = [python, "-m", "exporter", f"--config.file={path}", f"--web.listen-address=127.0.0.1:{port}"]
        if web_config:
            secured = folder / f"{name}.web.yml"
            secured.write_text(web_config)
            command.append(f"--web.config.file={secured}")
        env = environment({**aws, "PYTHONPATH": str(checkout)})
        super().__init__(command, env, folder / f"{name}.log", folder=checkout)

    def wait_for_status(self, path: str, *statuses: int, headers: Mapping[str, str] | None = None, pause: float = 0.1) -> float:
        """Return the seconds from its start until a path answers with one of these statuses."""

        def probe() -> float | None:
            self.check()
            try:
                status = fetch(f"{self.url}{path}", headers, timeout_seconds=30).status
            except ConnectionError:
                return None
            return time.monotonic() - self.started_at if status in statuses else None

        return wait_until(probe, PATIENCE, lambda: f"{path} of the exporter\n{self.stderr()}", pause_seconds=pause)
