"""The file of `--storage.path`: what is in it, what else may be there, and a disk that takes nothing."""

import math
import os
import random
import re
import sqlite3
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from exporter.cases.changes import Changes, baseline, changes
from exporter.cases.model import Account, Author, Communication, Reading, Reason
from exporter.cases.status import AccountStatus, Poll
from exporter.cases.targets import DEFAULT
from exporter.errors import StartupError
from exporter.metrics.histograms import zeros
from exporter.metrics.instrumentation import Instrumentation, buckets
from exporter.state import State
from tests.support.cases import case, case_of
from tests.support.clock import FakeClock
from tests.support.log import Log

OpenState = Callable[..., State]
ACCOUNT = Account("111111111111", "production", "us-east-1", "aws", organization="acme", labels=(("team", "payments"),))
NOTHING = zeros(buckets([]))
DAY = 86400.0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def opened(tmp_path: Path, clock: FakeClock) -> Iterator[OpenState]:
    """Open the state of a directory, after the process before has ended."""
    with ExitStack() as stack:

        def make(log: Log | None = None, directory: Path = tmp_path) -> State:
            stack.close()
            state = State(directory, clock, (log or Log()).logger)
            stack.callback(lambda: state._db.close())  # noqa: PLW0108 - it is opened later
            return state

        yield make


def known(clock: FakeClock, account: Account = ACCOUNT) -> AccountStatus:
    """Return an account that was polled twice: one case was opened and answered meanwhile, and one resolved."""
    now = clock.time()
    old = case("case-old", created=now - 9000.0)
    first = Reading(now - 300, (old,))
    new = case_of(Communication(now - 200, Author.CUSTOMER), Communication(now - 100, Author.AWS), case_id="case-new")
    second = Reading(now, (replace(new, subject="secret"),), (replace(old, status="resolved", subject="secret"),))
    status = AccountStatus(account).after_success(first, Poll(now - 300, 1.0), begin := baseline(first, DEFAULT))
    return status.after_success(second, Poll(now, 1.0), changes(first, second, begin.watched, DEFAULT))


def test_what_is_stored_is_what_is_known_afterwards(opened: OpenState, clock: FakeClock, tmp_path: Path) -> None:
    instrumentation, status = Instrumentation([]), known(clock)
    for _ in range(3):
        before = opened()
        instrumentation = Instrumentation([], stored=before.load())
        stored = before.status(ACCOUNT)
        for severity_code, seconds in (("low", 300.0), ("odd", 1e9)):
            instrumentation.changes_seen(Changes(first_responses=((severity_code, seconds),)))
        before.save([stored if stored.reading else status], instrumentation.histograms)
    after = opened()
    assert after.load() == instrumentation.histograms
    reading = status.reading
    assert reading is not None
    bare = Reading(
        reading.taken_at, *(tuple(replace(one, subject="") for one in some) for some in (reading.cases, reading.resolved))
    )
    assert after.status(ACCOUNT) == replace(status, reading=bare, last_poll=None)
    assert after.status(ACCOUNT) == AccountStatus(ACCOUNT), "what is known is known once"
    assert (tmp_path / "state.db").stat().st_mode & 0o777 == 0o600


def test_an_account_that_comes_from_another_shard_begins_anew(opened: OpenState, clock: FakeClock) -> None:
    before = opened()
    before.load()
    before.save([known(clock)], NOTHING)
    after = opened()
    after.load()
    after.forget()
    assert after.status(ACCOUNT) == AccountStatus(ACCOUNT)


def test_an_account_that_leaves_is_forgotten(opened: OpenState, clock: FakeClock) -> None:
    other, state = replace(ACCOUNT, account_id="222222222222"), opened()
    state.load()
    state.save([known(clock), known(clock, other)], NOTHING)
    clock.advance(60)
    state.save([known(clock)], NOTHING)
    state = opened()
    state.load()
    assert state.status(ACCOUNT).reading is not None
    assert state.status(other).reading is None


def test_a_failed_poll_is_forgotten(opened: OpenState, clock: FakeClock) -> None:
    """So `account_up` says nothing until the account is polled, and what counts polls begins at 0."""
    before = opened()
    before.load()
    before.save([known(clock).after_failure(Reason.TIMEOUT, Poll(clock.time(), 1.0, Reason.TIMEOUT))], NOTHING)
    after = opened()
    after.load()
    status = after.status(ACCOUNT)
    assert (status.last_poll, status.errors, status.failing_since) == (None, {}, None)
    assert status.reading is not None


def test_histograms_with_other_targets_start_at_zero(opened: OpenState) -> None:
    before = opened()
    stored = Instrumentation([77.0], stored=before.load())
    stored.changes_seen(Changes(first_responses=(("low", 1.0),), open_durations=(("low", 1.0),)))
    before.save([], stored.histograms)
    counts = {
        series[0].name: each.counts[-1]
        for series, each in Instrumentation([], stored=opened().load()).histograms.items()
        if series[1] == ("low",)
    }
    assert counts == {"aws_support_first_response_seconds": 0, "aws_support_case_open_duration_seconds": 1}


def damaged(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as db, db:
        db.execute(statement)


def put(file: Path, key: str, change: Callable[[Any], object]) -> None:
    """Change what is stored under a key; it is whole afterwards."""
    with closing(sqlite3.connect(file)) as db, db:
        ((value,),) = db.execute("SELECT value FROM state WHERE id = ?", (key,))
        change(stored := msgspec.msgpack.decode(zlib.decompress(value)))
        db.execute("UPDATE state SET value = ? WHERE id = ?", (zlib.compress(msgspec.msgpack.encode(stored), 0), key))


INCONSISTENT = "an account is inconsistent"


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda file: file.write_text("somebody's notes"), "file is not a database"),
        (lambda file: file.write_bytes(file.read_bytes()[:5000]), "malformed|damaged"),
        (lambda file: damaged(file, "PRAGMA user_version = 2"), "another version"),
        (lambda file: damaged(file, "DROP TABLE state"), "no such table: state"),
        (lambda file: damaged(file, "UPDATE state SET value = x'0000'"), "decompressing"),
        (lambda file: damaged(file, "UPDATE state SET value = x'78'"), "truncated"),
        (lambda file: damaged(file, "UPDATE state SET value = 'text'"), "bytes-like"),
        (lambda file: damaged(file, "UPDATE state SET value = x'789c030000000001'"), "truncated"),
        (lambda file: damaged(file, "DELETE FROM state"), "older than a day"),
        (lambda file: damaged(file, "UPDATE state SET at = at + 1000"), "from the future"),
        (lambda file: put(file, "histograms", lambda found: found[0][2][1].pop()), "histograms are inconsistent"),
        (lambda file: put(file, "histograms", lambda found: found[0][1].append("aws")), "histograms are inconsistent"),
        (lambda file: put(file, ACCOUNT.account_id, lambda it: it[0]["cases"][0].update(packed=b"abc")), INCONSISTENT),
        (lambda file: put(file, ACCOUNT.account_id, lambda it: it[0]["cases"].append(it[0]["cases"][0])), INCONSISTENT),
        (lambda file: put(file, ACCOUNT.account_id, lambda it: it[4].clear()), INCONSISTENT),
        (lambda file: put(file, ACCOUNT.account_id, lambda it: it[4].update(other=[True, False])), INCONSISTENT),
        (lambda file: put(file, ACCOUNT.account_id, lambda it: it[3]["counts"].update({("opened",): 1})), INCONSISTENT),
        (lambda file: put(file, ACCOUNT.account_id, lambda it: it[0].update(taken_at=math.inf)), INCONSISTENT),
        (lambda file: put(file, ACCOUNT.account_id, lambda it: it.__setitem__(1, it[1] + 1000)), INCONSISTENT),
        (lambda file: put(file, ACCOUNT.account_id, lambda it: it.__setitem__(1, math.nan)), INCONSISTENT),
    ],
)
def test_a_file_that_cannot_be_used_is_put_aside(
    spoil: Callable[[Path], object], problem: str, opened: OpenState, clock: FakeClock, tmp_path: Path
) -> None:
    before = opened()
    before.load()
    before.save([known(clock)], NOTHING)
    before._db.close()
    file, log = tmp_path / "state.db", Log()
    spoil(file)
    content = file.read_bytes()
    after = opened(log)
    assert after.load() == {}
    assert after.status(ACCOUNT).reading is None
    (line,) = log.lines
    assert (line["event"], line["moved_to"]) == ("state unusable, counters start at 0", f"{file}.bad")
    assert re.search(problem, line["problem"]), line
    assert Path(f"{file}.bad").read_bytes() == content
    after.save([known(clock)], NOTHING)
    assert opened().load() == NOTHING


def test_no_row_grows_in_memory(opened: OpenState, clock: FakeClock, tmp_path: Path) -> None:
    before = opened()
    before.load()
    before.save([known(clock)], NOTHING)
    before._db.close()
    with closing(sqlite3.connect(tmp_path / "state.db")) as db, db:
        db.execute("INSERT INTO state VALUES ('bomb', ?, ?)", (clock.time(), zlib.compress(bytes(200_000_000), 9)))
    after = opened(log := Log())
    tracemalloc.start()
    try:
        assert after.load() == {}
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000
    assert log.events == ["state unusable, counters start at 0"]


def test_what_was_polled_in_the_future_is_not_used(opened: OpenState, clock: FakeClock) -> None:
    """It would never be stale. Clocks of two nodes may differ by some minutes."""
    other, before = replace(ACCOUNT, account_id="222222222222"), opened()
    before.load()
    clock.set_wall_clock(1000.0)
    future = known(clock, other)
    clock.set_wall_clock(-1000.0)
    before.save([known(clock), future], NOTHING)
    clock.set_wall_clock(-200.0)
    after = opened(log := Log())
    after.load()
    assert after.status(ACCOUNT).reading is not None
    assert after.status(other).reading is None
    assert log.lines == []


def test_no_damage_stops_a_start_and_what_is_damaged_is_not_used(opened: OpenState, clock: FakeClock, tmp_path: Path) -> None:
    rng, statuses = random.Random(0), [known(clock, replace(ACCOUNT, account_id=f"{number:012}")) for number in range(20)]  # noqa: S311 - damage that can be had again
    before = opened()
    before.load()
    before.save(statuses, NOTHING)
    before._db.close()
    file, unread = tmp_path / "state.db", 0
    content = file.read_bytes()
    for _ in range(150):
        damage = bytearray(content)
        for _ in range(rng.choice((1, 1, 20))):
            damage[rng.randrange(len(damage))] = rng.randrange(256)
        file.write_bytes(damage[: rng.choice((len(damage), rng.randrange(len(damage))))])
        Path(f"{file}-journal").write_bytes(rng.randbytes(rng.choice((0, 600))))
        log = Log()
        state = opened(log)
        state.load()
        found = [state.status(status.account).reading for status in statuses]
        assert all(each is None or (each.taken_at, len(each.cases)) == (clock.time(), 1) for each in found)
        assert not (log.lines and any(found)), "all or nothing"
        unread += bool(log.lines)
        state.save(statuses, NOTHING)
        assert next(sample.value for sample in state.samples()) == 0
    assert 50 < unread < 150


def test_a_second_exporter_does_not_start(opened: OpenState, clock: FakeClock, tmp_path: Path) -> None:
    first = opened()
    first.load()
    first.save([], NOTHING)
    second = State(tmp_path, clock, Log().logger)
    with pytest.raises(StartupError, match=r"state\.db: database is locked: set a directory that .* no other exporter uses"):
        second.load()
    second._db.close()


@pytest.mark.parametrize(
    ("where", "why"),
    [("/dev/null/x", "Not a directory"), ("/dev/null", "File exists"), ("/proc/x", "No such file or directory")],
)
def test_a_directory_that_cannot_be_used_is_named(where: str, why: str, clock: FakeClock) -> None:
    with pytest.raises(StartupError) as error:
        State(Path(where), clock, Log().logger).load()
    told = "set a directory that the exporter can write to, and no other exporter uses"
    assert str(error.value) == f"--storage.path={where}: {where}/state.db: {why}: {told}"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda file: file.symlink_to("/dev/zero")])
def test_what_is_no_file_is_named(make: Callable[[Path], object], clock: FakeClock, tmp_path: Path) -> None:
    make(tmp_path / "state.db")
    with pytest.raises(StartupError, match=r"^--storage\.path=.*state\.db: not a regular file: set a directory that"):
        State(tmp_path, clock, Log().logger).load()


def test_a_full_disk_costs_nothing_but_the_state_and_shows(opened: OpenState, clock: FakeClock) -> None:
    log = Log()
    state = opened(log)
    state.load()
    state._db.execute("PRAGMA max_page_count = 8")  # a disk of 32 KiB
    statuses = [known(clock, replace(ACCOUNT, account_id=f"{number:012}")) for number in range(100)]

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
    assert [after.status(each.account).tally for each in statuses] == [each.tally for each in statuses]


def test_only_what_changed_is_written_and_something_every_minute(opened: OpenState, clock: FakeClock) -> None:
    state = opened()
    state.load()
    written: list[str] = []
    state.save([status := known(clock)], NOTHING)
    state._db.set_trace_callback(written.append)
    state.save([status], NOTHING)
    assert written == []
    clock.advance(61.0)
    state.save([status], NOTHING)
    assert [line.count("'111111111111'") for line in written if "INSERT" in line] == [0]
    written.clear()
    state.save([known(clock)], NOTHING)
    assert [line.count("'111111111111'") for line in written if "INSERT" in line] == [1, 0]


def test_without_a_directory_nothing_is_stored(clock: FakeClock) -> None:
    state = State(None, clock, Log().logger)
    assert state.load() == {}
    state.save([known(clock)], NOTHING)
    assert (state.status(ACCOUNT), list(state.samples())) == (AccountStatus(ACCOUNT), [])
