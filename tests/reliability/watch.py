"""What must hold of every page, whatever went wrong before it."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from operator import or_

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.simulator.fleet import Fleet

_COUNTS = ("_total", "_count", "_bucket", "_sum")

Held = frozenset[tuple[str, str]]
"""Display id and severity of each open case of one account at one moment."""
Values = Mapping[str, Mapping[str, float]]
"""A page: by metric and labels, each as it is written."""


class Truth:
    """What each account of a simulator held, and when."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._history: dict[str, list[tuple[float, Held]]] = {}

    def note(self, account_ids: Iterable[str]) -> None:
        """Take note of what these accounts hold from now on."""
        for account_id in account_ids:
            self._history.setdefault(account_id, []).append((self._fleet.clock(), self.now(account_id)))

    def now(self, account_id: str) -> Held:
        """Return what an account holds now."""
        return frozenset((case.display_id, case.severity_code) for case in self._fleet.account(account_id).open_cases())

    def counts(self, account_id: str) -> Counter[str]:
        """Return how many cases of each severity are open in an account now."""
        return _severities(self.now(account_id))

    def since(self, account_id: str, earliest: float) -> list[tuple[Held, Held]]:
        """Return what an account held at any moment from then on, and what it had held before that."""
        history = self._history[account_id]
        ends = [at for at, _ in history[1:]] + [float("inf")]
        before = accumulate((held for _, held in history), or_)
        found = zip(history, before, ends, strict=True)
        return [(held, gone - held) for (_, held), gone, end in found if end >= earliest]


@dataclass(slots=True)
class Watch:
    """Reads page after page, and fails where one says what it must not."""

    truth: Truth
    pages: int = 0
    hidden: int = 0
    """How many times an account showed no cases."""
    per_case: int = 0
    """How many pages had series for single cases."""
    _counts: dict[tuple[str, str], float] = field(default_factory=dict)
    _parsed: set[str] = field(default_factory=set)

    def read(self, text: str, now: float, max_staleness: float, *, wholly: bool) -> Values:
        """Return the value of every series of a page.

        The reference parser reads all of it, which takes a second, or only lines that it has not read yet.
        """
        if wholly:
            self._parsed.clear()
        for _ in text_string_to_metric_families("\n".join(self._left(text))):  # type: ignore[no-untyped-call]  # it has no types
            pass
        values = series(text)
        self._check_counts(values)
        self._check_cases(values, now - max_staleness)
        self.pages += 1
        return values

    def forget(self, account_ids: set[str]) -> None:
        """Expect these accounts to be new when they come back."""
        if account_ids:
            self._counts = {key: value for key, value in self._counts.items() if _account(key[1]) not in account_ids}

    def _left(self, text: str) -> Iterator[str]:
        """Yield a page without the lines that were parsed before; histograms are whole, as their lines belong together."""
        kind = ""
        for line in text.split("\n"):
            if line.startswith("#"):
                kind = line.rpartition(" ")[2] if line.startswith("# TYPE ") else kind
                yield line
            elif kind == "histogram" or line not in self._parsed:
                self._parsed.add(line)
                yield line

    def _check_counts(self, values: Values) -> None:
        for name, found in values.items():
            if name.endswith(_COUNTS):
                for labels, value in found.items():
                    before = self._counts.get((name, labels), 0.0)
                    assert value >= before, f"{name}{{{labels} went down from {before} to {value}"
                    self._counts[name, labels] = value

    def _check_cases(self, values: Values, earliest: float) -> None:
        totals, groups, infos = shown(values), _by_account(values, "aws_support_open_cases"), _display_ids(values)
        accounts = {_account(labels) for labels in values.get("aws_support_account_info", ())}
        assert totals.keys() <= accounts
        assert groups.keys() | infos.keys() <= totals.keys(), "cases of an account that shows no number of them"
        self.hidden += len(accounts) - len(totals)
        self.per_case += bool(infos)
        for account_id, counts in totals.items():
            assert groups.get(account_id, Counter()) == counts, f"{account_id}: the groups are not the total"
            held = self.truth.since(account_id, earliest)
            exact = [(each, gone) for each, gone in held if _severities(each) == counts]
            # A case that a listing leaves out, and that could not be looked up, stays until the next one.
            fitting = exact or [
                (each, gone)
                for each, gone in held
                if _severities(each) <= counts and counts - _severities(each) <= _severities(gone)
            ]
            assert fitting, f"{account_id}: {counts} are shown, it held {held}"
            if account_id in infos:
                ids = [({name for name, _ in each}, {name for name, _ in gone}) for each, gone in fitting]
                assert any(each <= infos[account_id] <= each | gone for each, gone in ids), account_id


def _severities(held: Held) -> Counter[str]:
    return Counter(severity for _, severity in held)


def series(text: str) -> Values:
    """Return the value of every series of a page, of which there must be no two alike."""
    values: dict[str, dict[str, float]] = {}
    lines = text.splitlines()
    assert lines[-1] == "# EOF"
    for line in lines:
        if not line.startswith("#"):
            key, _, value = line.rpartition(" ")
            name, _, labels = key.partition("{")
            found = values.setdefault(name, {})
            assert labels not in found, f"{key} is there twice"
            found[labels] = float(value)
    return values


def shown(values: Values) -> dict[str, Counter[str]]:
    """Return how many open cases of each severity a page shows, of each account of which it shows any number."""
    return {account_id: +counts for account_id, counts in _by_account(values, "aws_support_account_open_cases").items()}


def up(values: Values) -> dict[str, float]:
    """Return for each account whether its last poll succeeded."""
    return {_account(labels): value for labels, value in values["aws_support_account_up"].items()}


def _label(labels: str, name: str) -> str:
    found = re.search(rf'{name}="([^"]*)"', labels)
    return found[1] if found else ""


def _account(labels: str) -> str:
    return _label(labels, "account_id")


def _by_account(values: Values, name: str) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {}
    for labels, value in values.get(name, {}).items():
        counts.setdefault(_account(labels), Counter())[_label(labels, "severity_code")] += int(value)
    return counts


def _display_ids(values: Values) -> dict[str, set[str]]:
    ids: dict[str, set[str]] = {}
    for labels in values.get("aws_support_case_info", ()):
        ids.setdefault(_account(labels), set()).add(_label(labels, "display_id"))
    return ids
