"""What gets into the log, in a process of its own, as logging is a process's."""

import json
import os
import subprocess
import sys

import pytest

SCRIPT = """
import logging, sys, threading, warnings
from exporter import log
own = log.configure(sys.argv[1], sys.argv[2])
own.debug("own debug", account_name="a b")
own.info("own info")
own.warning("own warning")
own.error("own error")
for library in ("botocore.endpoint", "aiohttp.server", "unheard.of"):
    logging.getLogger(library).debug("Authorization: secret")
    logging.getLogger(library).info("Authorization: secret")
    logging.getLogger(library).warning("%s\\n  tells", library)
try:
    raise ValueError("secret")
except ValueError:
    logging.getLogger("asyncio").exception("a task failed\\nfuture: <Task exception=ValueError('secret')>")
warnings.warn("old ways")
def fail():
    raise RuntimeError("secret")
thread = threading.Thread(target=fail, name="poll")
thread.start()
thread.join()
"""
OWN = ["debug", "info", "warning", "error"]


@pytest.mark.parametrize(("level", "own"), [("debug", OWN), ("warn", OWN[2:])])
def test_every_line_is_json_with_nothing_secret_and_libraries_warn_on_one(level: str, own: list[str]) -> None:
    command = [sys.executable, "-c", SCRIPT, level, "json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "secret" not in ended.stdout + ended.stderr
    told = [json.loads(line) for line in ended.stderr.splitlines()]
    assert all({"ts", "level", "event"} <= entry.keys() and entry["ts"].endswith("Z") for entry in told)
    assert [entry["level"] for entry in told if entry["event"].startswith("own ")] == own
    others = [(entry["level"], entry["event"]) for entry in told if not entry["event"].startswith("own ")]
    warned = [("warning", f"{library} tells") for library in ("botocore.endpoint", "aiohttp.server", "unheard.of")]
    assert others[:4] == [*warned, ("error", "a task failed")]
    assert "old ways" in others[4][1]
    (crash,) = [entry for entry in told if entry["event"] == "thread crashed"]
    assert (crash["thread"], crash["error"], crash["place"]) == ("poll", "RuntimeError", "fail, line 19")


DROPPED = " log lines dropped: standard error blocked"
FLOOD = """
import sys
from exporter import log
own = log.configure("info", "json")
for number in range(12_000):
    own.info("line", number=number)
print("done", flush=True)
sys.stdin.readline()
own.info("last")
"""


def test_who_does_not_read_standard_error_stops_nobody_and_is_told_later_how_much_was_dropped() -> None:
    unread, written = os.pipe()
    command, pipe = [sys.executable, "-c", FLOOD], subprocess.PIPE
    with (
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=written, text=True) as process,
        os.fdopen(unread) as log,
    ):
        os.close(written)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "done\n", "it waits for who reads its log"
        told = [json.loads(log.readline()) for _ in range(9_000)]
        process.stdin.write("\n")
        process.stdin.flush()
        told += [json.loads(line) for line in log]
    kept = [entry["number"] for entry in told if entry["event"] == "line"]
    dropped = [int(entry["event"].split()[0]) for entry in told if entry["event"].endswith(DROPPED)]
    assert kept == sorted(set(kept))
    assert len(kept) + sum(dropped) == 12_000
    assert sum(dropped) > 0
    assert told[-1]["event"] == "last"
