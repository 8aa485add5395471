"""Exporters as processes of their own that need not import everything first: a process that has forks for each."""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache

from exporter import cli

_MOST_BYTES = 131_072


class Fork:
    """A process, with as much of `subprocess.Popen` as `tests.support.process` needs."""

    def __init__(self, args: Sequence[str], env: Mapping[str, str]) -> None:
        outputs = [os.pipe() for _ in range(3)]
        socket.send_fds(
            _server(os.environ.get("COVERAGE_PROCESS_CONFIG")),
            [json.dumps([args, dict(env)]).encode()],
            [written for _, written in outputs],
        )
        for _, written in outputs:
            os.close(written)
        self.stdout, self.stderr, self._status = (os.fdopen(read) for read, _ in outputs)
        self.pid = int(self._status.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        if self.returncode is None and select.select([self._status], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code once it has ended; raises TimeoutExpired."""
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("exporter", timeout or 0)
            with self._status:
                self.returncode = int(self._status.readline())
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@cache
def _server(_measured: str | None) -> socket.socket:
    """Return where requests go to the process that forks, which ends with this one; coverage measures what it forks, or not."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        command = [sys.executable, "-m", "tests.support.forks", str(theirs.fileno())]
        server = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)

    def end() -> None:
        ours.close()
        server.wait()

    atexit.register(end)
    return ours


def _serve(requests: socket.socket) -> None:
    """Fork for each request: one process to be an exporter, in which this returns, and one that waits for its end."""
    signal.signal(signal.SIGCHLD, lambda *_: os.waitpid(-1, os.WNOHANG))
    while request := (received := socket.recv_fds(requests, _MOST_BYTES, 3))[0]:
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            stdout, stderr, status = received[1]
            if pid := os.fork():
                os.close(stdout)
                os.close(stderr)
                os.write(status, f"{pid}\n".encode())
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                os.write(status, f"{code}\n".encode())
                os._exit(0)
            os.dup2(stdout, 1)
            os.dup2(stderr, 2)
            os.closerange(3, max(*received[1], requests.detach()) + 1)
            args, env = json.loads(request)
            os.environ.clear()
            os.environ.update(env)
            sys.argv[1:], sys.stdout, sys.stderr = args, os.fdopen(1, "w"), os.fdopen(2, "w", buffering=1)
            return
        for file in received[1]:
            os.close(file)
    sys.exit()


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
    sys.exit(cli.main(sys.argv[1:]))
