"""The exporter's command in a terminal."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tests.support.process import environment

_LINES = 40


class Ended(NamedTuple):
    """How a command ended in a terminal."""

    returncode: int
    shown: str
    stdout: str


def run_in_terminal(args: Sequence[str], env: Mapping[str, str], columns: int, *, redirect_stdout: bool = False) -> Ended:
    """Run the command to its end in a terminal of so many columns, as a person does."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _LINES, columns, 0, 0))
        process = subprocess.Popen(
            [sys.executable, "-m", "exporter", *args],
            env=environment({"TERM": "xterm-256color", **env}),
            stdin=theirs,
            stdout=subprocess.PIPE if redirect_stdout else theirs,
            stderr=theirs,
        )
        os.close(theirs)
        shown = b""
        try:
            while chunk := _read(terminal.fileno()):
                shown += chunk
            stdout, _ = process.communicate(timeout=30)
        finally:
            process.kill()
            process.wait()
    return Ended(process.returncode, shown.decode(), (stdout or b"").decode())


def _read(terminal: int) -> bytes:
    """Return what is written to a terminal next; nothing once nobody is left who could."""
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""
