"""State across restarts: an SQLite database with what a page shows, written before that page is published.

So no counter of cases goes back, however the process ends. What happened to cases since they were stored, the next poll finds.
"""

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
from structlog.typing import FilteringBoundLogger

from exporter.cases.changes import OPENED, OUTCOME, REOPENED, WRITTEN, FirstResponse, Tally
from exporter.cases.model import RESOLVED, Account, Reading
from exporter.cases.status import AccountStatus
from exporter.clock import Clock
from exporter.errors import StartupError
from exporter.metrics import catalog
from exporter.metrics.families import Sample
from exporter.metrics.histograms import Histogram, HistogramMap

_VERSION = 1
_DAY = 86400.0
_AHEAD = 300.0  # seconds by which the clock of the node before may be
_PAUSE = 60.0  # seconds to the next write where nothing changes, or one failed
_HISTOGRAMS = "histograms"  # the id of their row; others are accounts'
_NOT_OURS = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN}  # another process has it, or it is no file
_CHECKS = (("user_version", _VERSION, "written by another version"), ("integrity_check(1)", "ok", "damaged"))
_CREATE = "CREATE TABLE IF NOT EXISTS state (id TEXT PRIMARY KEY, at REAL NOT NULL, value BLOB NOT NULL)"
_WRITE = "INSERT INTO state VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at, value = excluded.value"

_COUNTED = {(OPENED, 2), (RESOLVED, 1), (REOPENED, 1), (OUTCOME, 2), (WRITTEN, 1)}  # by how many values
_FIELDS = ("reading", "last_success", "supported", "tally", "watched")  # of an account's status
_fields = attrgetter(*_FIELDS)
_key = attrgetter("reading", "supported")  # nothing stored changes unless one of these does
_encode = msgspec.msgpack.Encoder(enc_hook=dict).encode  # read-only mappings as what they are
_account = msgspec.msgpack.Decoder(tuple[Reading, float, bool, Tally, Mapping[str, FirstResponse]]).decode
_histograms = msgspec.msgpack.Decoder(list[tuple[str, tuple[str, ...], Histogram]]).decode


class State:
    """The state in a directory; without one, nothing is stored."""

    def __init__(self, directory: Path | None, clock: Clock, log: FilteringBoundLogger) -> None:
        self._path = None if directory is None else directory / "state.db"
        self._clock = clock
        self._log = log
        self._known: dict[str, dict[str, Any]] = {}
        self._saved: Mapping[str, AccountStatus] = {}
        self._next = 0.0  # on the monotonic clock
        self._last_write = 0.0
        self._errors = 0
        self._problem = ""

    def load(self) -> HistogramMap:
        """Return the stored histograms, and have `status` return what was stored of accounts; raises StartupError."""
        if self._path is None:
            return {}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                return self._read(self._path)
            except Exception as error:
                if isinstance(error, OSError) or getattr(error, "sqlite_errorcode", None) in _NOT_OURS:
                    raise
                self._log.warning("state unusable, counters start at 0", problem=str(error), moved_to=f"{self._path}.bad")
            self._db.close()
            self._path.replace(f"{self._path}.bad")
            return self._read(self._path)
        except (OSError, sqlite3.Error) as error:
            why = error.strerror if isinstance(error, OSError) else error
            told = "set a directory that the exporter can write to, and no other exporter uses"
            raise StartupError(f"--storage.path={self._path.parent}: {self._path}: {why}: {told}") from None

    def _read(self, path: Path) -> HistogramMap:
        path.touch(0o600)
        if not path.is_file():
            raise OSError(0, "not a regular file")
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        if not path.stat().st_size:
            return {}
        self._db.execute("BEGIN EXCLUSIVE")  # and so it stays
        with self._db as db:
            for name, wanted, problem in _CHECKS:
                if db.execute(f"PRAGMA {name}").fetchone() != (wanted,):
                    raise ValueError(problem)
            latest = (now := self._clock.time()) + _AHEAD
            stored = db.execute("SELECT id, value FROM state WHERE at > ? AND at <= ?", (now - _DAY, latest))
            rows = {key: zlib.decompressobj().decompress(value, len(value)) for key, value in stored}  # stored uncompressed
            if _HISTOGRAMS not in rows:
                raise ValueError("older than a day, or from the future")
            histograms = {(catalog.CATALOG[name], labels): each for name, labels, each in _histograms(rows.pop(_HISTOGRAMS))}
            if any((len(of), len(one.bounds)) != (len(own.labels), len(one.counts)) for (own, of), one in histograms.items()):
                raise ValueError("histograms are inconsistent")
            self._known = {key: _known(value, latest) for key, value in rows.items()}
            return histograms

    def status(self, account: Account) -> AccountStatus:
        """Return what is known of an account that is new to this process; what was stored of it is returned once."""
        return AccountStatus(account, **self._known.pop(account.account_id, {}))

    def forget(self) -> None:
        """Drop what was stored of accounts that have not come: others poll them now, and count what happens."""
        self._known = {}

    def save(self, statuses: Iterable[AccountStatus], histograms: HistogramMap) -> None:
        """Store what has changed; to be called in one thread at a time."""
        if self._path is None:
            return
        read = {status.account.account_id: status for status in statuses if status.reading is not None}
        changed = [each for key, each in read.items() if key not in self._saved or _key(each) != _key(self._saved[key])]
        now, monotonic, problem = self._clock.time(), self._clock.monotonic(), ""
        if monotonic < self._next and (self._problem or not changed):
            return
        values = [(metric.name, labels, histogram) for (metric, labels), histogram in histograms.items()]
        try:
            self._db.execute("BEGIN")
            with self._db as db:
                if not self._last_write:
                    db.execute(_CREATE)
                    db.execute(f"PRAGMA user_version = {_VERSION}")
                    db.execute("DELETE FROM state WHERE at <= ?", (now - _DAY,))
                db.executemany("DELETE FROM state WHERE id = ?", [(key,) for key in self._saved.keys() - read.keys()])
                db.executemany(_WRITE, ((each.account.account_id, each.last_success, _value(each)) for each in changed))
                db.execute(_WRITE, (_HISTOGRAMS, now, zlib.compress(_encode(values), 0)))
            self._saved, self._last_write = read, now
        except sqlite3.Error as error:
            self._errors, problem = self._errors + 1, str(error)
        if problem != self._problem:
            log, text = (self._log.warning, "state write failed") if problem else (self._log.info, "state write recovered")
            log(text, file=str(self._path), problem=problem)
        self._problem, self._next = problem, monotonic + _PAUSE

    def samples(self) -> Iterator[Sample]:
        if self._path is not None:
            yield Sample(catalog.STATE_WRITE_ERRORS, {}, self._errors)
            yield Sample(catalog.STATE_WRITTEN, {}, self._last_write)


def _value(status: AccountStatus) -> bytes:
    """Return what is stored of an account; never a subject."""
    reading, *others = _fields(status)
    cases, resolved = ([replace(case, subject="") for case in some] for some in (reading.cases, reading.resolved))
    return zlib.compress(_encode((replace(reading, cases=cases, resolved=resolved), *others)), 0)  # for its checksum


def _known(value: bytes, latest: float) -> dict[str, Any]:
    """Return what is stored of an account; raises where one part does not fit another, or is later than the latest time."""
    found = reading, last_success, _, tally, watched = _account(value)
    fits = reading.taken_at <= latest >= last_success and {(kind, len(of)) for kind, *of in tally.counts} <= _COUNTED
    fits &= not any(len(case.packed) % 9 for case in (*reading.cases, *reading.resolved))
    if not fits or sorted(watched) != sorted(case.case_id for case in reading.cases):
        raise ValueError("an account is inconsistent")
    return dict(zip(_FIELDS, found, strict=True))
