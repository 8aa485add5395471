"""Exporters as processes of their own that need not import everything first: forks of one that has."""

import atexit
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path

import pytest

from exporter import cli

_MEASURED_BY_COVERAGE = "COVERAGE_PROCESS_CONFIG"
_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])


class Fork:
    """A process, with as much of `subprocess.Popen` as `tests.support.process` needs."""

    def __init__(self, args: Sequence[str], env: Mapping[str, str], outputs: Sequence[Path]) -> None:
        self._process = _CONTEXT.Process(target=_be_the_command, args=(args, dict(env), outputs), daemon=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv(_MEASURED_BY_COVERAGE, raising=False)  # of the server, from which some forks are not measured
            self._process.start()
        self.pid = self._process.pid or 0

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("exporter", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()


def _be_the_command(args: Sequence[str], env: Mapping[str, str], outputs: Sequence[Path]) -> None:
    for number, path in enumerate(outputs, start=1):
        os.dup2(os.open(path, os.O_WRONLY), number)
    os.closerange(3, 256)
    sys.argv[1:], sys.stdout, sys.stderr = args, os.fdopen(1, "w"), os.fdopen(2, "w", buffering=1)
    os.environ.clear()
    os.environ.update(env)
    if _MEASURED_BY_COVERAGE in env:
        import coverage  # noqa: PLC0415 - nobody else needs it

        coverage.process_startup()
    try:
        sys.exit(cli.main(args))
    finally:
        atexit._run_exitfuncs()
