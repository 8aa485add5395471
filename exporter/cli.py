"""The command: flags to exit code."""

import io
import os
import signal
import sys
from collections.abc import Sequence

from exporter import app, log, options
from exporter.errors import ConfigError, StartupError

USAGE_ERROR = 2
STARTUP_ERROR = 1
_ENDED_BY_SIGNAL = 128


def main(arguments: Sequence[str]) -> int:
    """Run the command, and return the exit code.

    It is 0 when all went well, 1 when it could not start, 2 when the flags or the configuration are wrong, and 128 plus the
    signal's number when a signal ended it before it was done.
    """
    received = signal.SIGINT

    def terminate(*_: object) -> None:
        nonlocal received
        received = signal.SIGTERM
        interrupt = signal.getsignal(signal.SIGINT)  # asyncio's cancels its task; an exit from here could end any coroutine
        (interrupt if callable(interrupt) else signal.default_int_handler)(signal.SIGINT, None)

    # As process 1 of a container a signal without a handler is ignored.
    signal.signal(signal.SIGTERM, terminate)
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal cannot show must not end the command.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run(options.parse(arguments))
        sys.stdout.flush()
    except ConfigError as error:
        sys.stderr.writelines(f"{problem}\n" for problem in error.problems)
        return USAGE_ERROR
    except StartupError as error:
        sys.stderr.write(f"{error}\n")
        return STARTUP_ERROR
    except KeyboardInterrupt:
        return _ENDED_BY_SIGNAL + received
    except OSError as error:
        # Of a write to standard output; every other one is handled where it occurs. What is left of the output goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return _ENDED_BY_SIGNAL + signal.SIGPIPE
        sys.stderr.write(f"cannot write to standard output: {error.strerror}\n")
        return STARTUP_ERROR
    return code


def _run(given: options.Options) -> int:
    if given.config_check:
        app.check_config(given, log.configure("error", given.log_format))
        none = "" if given.config_file else " Without --config.file, the defaults apply."
        sys.stdout.write(f"The configuration is valid.{none}\n")
        return 0
    if given.command == "run":
        # A reload that is asked for before there is anything to reload must not end the process.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # A check reports problems itself; log lines between its rows would only hide them.
    level = "error" if given.command == "check" else given.log_level
    command = {"run": app.run, "check": app.check, "once": app.once, "backfill": app.backfill}[given.command]
    return command(given, log.configure(level, given.log_format))
