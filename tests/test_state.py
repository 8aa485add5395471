"""The file of `--storage.path`: what else may be in its place, and a disk that takes nothing; see also test_restart.py."""

import os
import random
import re
import sqlite3
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

import msgspec
import pytest

from exporter.cases.changes import baseline
from exporter.cases.model import Account, Reading
from exporter.cases.status import AccountStatus, Poll
from exporter.cases.targets import DEFAULT
from exporter.errors import StartupError
from exporter.metrics.histograms import zeros
from exporter.metrics.instrumentation import buckets
from exporter.state import State
from tests.support.cases import case
from tests.support.clock import FakeClock
from tests.support.log import Log

OpenState = Callable[..., State]
ACCOUNT = Account("111111111111", "production", "us-east-1", "aws")
NOTHING = zeros(buckets([]))
UNUSABLE = "state unusable, counters start at 0"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def opened(tmp_path: Path, clock: FakeClock) -> Iterator[OpenState]:
    """Open the state of a directory, after the process before has ended."""
    with ExitStack() as stack:

        def make(log: Log | None = None) -> State:
            stack.close()
            state = State(tmp_path, clock, (log or Log()).logger)
            stack.callback(lambda: state._db.close())  # noqa: PLW0108 - it is opened later
            return state

        yield make


def known(clock: FakeClock, account_id: str = ACCOUNT.account_id) -> AccountStatus:
    """Return an account that was polled once."""
    reading = Reading(clock.time(), (case(),))
    status = AccountStatus(replace(ACCOUNT, account_id=account_id))
    return status.after_success(reading, Poll(clock.time(), 1.0), baseline(reading, DEFAULT))


def save(state: State, *statuses: AccountStatus) -> None:
    state.load()
    state.save(statuses, NOTHING)
    state._db.close()


def test_an_account_that_comes_from_another_shard_begins_anew(opened: OpenState, clock: FakeClock) -> None:
    save(opened(), known(clock))
    after = opened()
    after.load()
    after.forget()
    assert after.status(ACCOUNT) == AccountStatus(ACCOUNT)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (b"somebody's notes", "file is not a database"),
        (5000, "malformed|damaged"),
        ("PRAGMA user_version = 2", "another version"),
        ("DROP TABLE state", "no such table: state"),
        ("UPDATE state SET value = x'0000'", "decompressing"),
        ("UPDATE state SET value = 'text'", "bytes-like"),
        ("UPDATE state SET value = x'789c030000000001'", "truncated"),
        ("DELETE FROM state", "older than a day"),
        ("UPDATE state SET at = at + 1000", "from the future"),
        ("UPDATE state SET value = (SELECT value FROM state WHERE id = 'histograms')", "Expected"),
    ],
)
def test_a_file_that_cannot_be_used_is_put_aside(
    damage: bytes | int | str, problem: str, opened: OpenState, clock: FakeClock, tmp_path: Path
) -> None:
    save(opened(), known(clock))
    file = tmp_path / "state.db"
    if isinstance(damage, str):
        with closing(sqlite3.connect(file)) as db, db:
            db.execute(damage)
    else:
        file.write_bytes(damage if isinstance(damage, bytes) else file.read_bytes()[:damage])
    content = file.read_bytes()
    after = opened(log := Log())
    assert after.load() == {}
    assert after.status(ACCOUNT).reading is None
    (line,) = log.lines
    assert (line["event"], line["moved_to"]) == (UNUSABLE, f"{file}.bad")
    assert re.search(problem, line["problem"]), line
    assert Path(f"{file}.bad").read_bytes() == content
    after.save([known(clock)], NOTHING)
    assert opened().load() == NOTHING


@pytest.mark.parametrize(
    ("row", "change"),
    [
        ("histograms", lambda found: found[0][2][1].pop()),
        ("histograms", lambda found: found[0][1].append("aws")),
        (ACCOUNT.account_id, lambda it: it[0]["cases"][0].update(packed=b"abc")),
        (ACCOUNT.account_id, lambda it: it[0]["cases"].append(it[0]["cases"][0])),
        (ACCOUNT.account_id, lambda it: it[0].update(taken_at=inf)),
        (ACCOUNT.account_id, lambda it: it.__setitem__(1, it[1] + 1000)),
        (ACCOUNT.account_id, lambda it: it[3]["counts"].update({("opened",): 1})),
        (ACCOUNT.account_id, lambda it: it[4].clear()),
    ],
)
def test_rows_that_are_whole_but_do_not_fit_are_not_used(
    row: str, change: Callable[[Any], object], opened: OpenState, clock: FakeClock, tmp_path: Path
) -> None:
    save(opened(), known(clock))
    with closing(sqlite3.connect(tmp_path / "state.db")) as db, db:
        ((value,),) = db.execute("SELECT value FROM state WHERE id = ?", (row,))
        change(stored := msgspec.msgpack.decode(zlib.decompress(value)))
        db.execute("UPDATE state SET value = ? WHERE id = ?", (zlib.compress(msgspec.msgpack.encode(stored), 0), row))
    assert opened(log := Log()).load() == {}
    assert [(line["event"], line["problem"].endswith("inconsistent")) for line in log.lines] == [(UNUSABLE, True)]


def test_no_row_grows_in_memory(opened: OpenState, clock: FakeClock, tmp_path: Path) -> None:
    save(opened(), known(clock))
    with closing(sqlite3.connect(tmp_path / "state.db")) as db, db:
        db.execute("INSERT INTO state VALUES ('bomb', ?, ?)", (clock.time(), zlib.compress(bytes(50_000_000), 1)))
    after = opened(log := Log())
    tracemalloc.start()
    try:
        assert after.load() == {}
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000
    assert log.events == [UNUSABLE]


def test_no_damage_stops_a_start_and_what_is_damaged_is_not_used(opened: OpenState, clock: FakeClock, tmp_path: Path) -> None:
    rng = random.Random(0)  # noqa: S311 - damage that can be had again
    statuses = [known(clock, f"{number:012}") for number in range(20)]
    save(opened(), *statuses)
    file, unread = tmp_path / "state.db", 0
    content = file.read_bytes()
    for _ in range(100):
        damage = bytearray(content)
        for _ in range(rng.choice((1, 1, 20))):
            damage[rng.randrange(len(damage))] = rng.randrange(256)
        file.write_bytes(damage[: rng.choice((len(damage), rng.randrange(len(damage))))])
        Path(f"{file}-journal").write_bytes(rng.randbytes(rng.choice((0, 600))))
        state = opened(log := Log())
        state.load()
        found = [state.status(status.account).reading for status in statuses]
        assert all(each is None or (each.taken_at, len(each.cases)) == (clock.time(), 1) for each in found)
        assert not (log.lines and any(found)), "all or nothing"
        unread += bool(log.lines)
        state.save(statuses, NOTHING)
        assert next(sample.value for sample in state.samples()) == 0
    assert 30 < unread < 100


def test_a_second_exporter_does_not_start(
    opened: OpenState, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = opened()
    first.load()
    first.save([], NOTHING)
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, timeout=0.1))  # it waits for 5 s by default
    second = State(tmp_path, clock, Log().logger)
    with pytest.raises(StartupError, match=r"state\.db: database is locked: set a directory that .* no other exporter uses"):
        second.load()
    second._db.close()


@pytest.mark.parametrize(
    ("make", "where", "why"),
    [
        (None, "/dev/null/x", "Not a directory"),
        (None, "/proc/x", "No such file or directory"),
        (os.mkfifo, "", "not a regular file"),
        (lambda file: file.symlink_to("/dev/zero"), "", "not a regular file"),
    ],
)
def test_what_cannot_be_used_is_named(
    make: Callable[[Path], object] | None, where: str, why: str, clock: FakeClock, tmp_path: Path
) -> None:
    directory = Path(where or tmp_path)
    if make:
        make(directory / "state.db")
    with pytest.raises(StartupError) as error:
        State(directory, clock, Log().logger).load()
    told = "set a directory that the exporter can write to, and no other exporter uses"
    assert str(error.value) == f"--storage.path={directory}: {directory}/state.db: {why}: {told}"


def test_a_full_disk_costs_nothing_but_the_state_and_shows(opened: OpenState, clock: FakeClock) -> None:
    state = opened(log := Log())
    state.load()
    state._db.execute("PRAGMA max_page_count = 8")  # a disk of 32 KiB
    statuses = [known(clock, f"{number:012}") for number in range(100)]

    def values() -> list[float]:
        return [sample.value for sample in state.samples()]

    state.save(statuses[:1], NOTHING)
    stored_at = clock.time()
    assert values() == [0, stored_at]
    for _ in range(90):  # a page each second
        clock.advance(1.0)
        state.save(statuses, NOTHING)
    assert values() == [2, stored_at], "it is tried once a minute"
    assert [(line["event"], line["problem"]) for line in log.lines] == [("state write failed", "database or disk is full")]
    state._db.execute("PRAGMA max_page_count = 8000")
    clock.advance(60.0)
    state.save(statuses, NOTHING)
    assert values() == [2, clock.time()]
    assert log.events == ["state write failed", "state write recovered"]
    after = opened()
    after.load()
    assert all(after.status(each.account).reading for each in statuses)
