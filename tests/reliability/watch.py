"""What must hold of every page, whatever went wrong before it."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from operator import or_

from exporter.simulator.fleet import Fleet

Held = frozenset[tuple[str, str]]
"""Display id and severity of each open case of one account at one moment."""
Values = Mapping[str, Mapping[str, float]]
"""A page: by metric and labels, each as it is written."""
Counts = dict[tuple[str, str], float]


class Truth:
    """What each account of a simulator held, and when."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._history: dict[str, list[tuple[float, Held]]] = {}

    def note(self, account_id: str) -> None:
        """Take note of what an account holds from now on."""
        self._history.setdefault(account_id, []).append((self._fleet.clock(), self.now(account_id)))

    def now(self, account_id: str) -> Held:
        """Return what an account holds now."""
        return frozenset((case.display_id, case.severity_code) for case in self._fleet.account(account_id).open_cases())

    def since(self, account_id: str, earliest: float) -> list[tuple[Held, Held]]:
        """Return what an account held at any moment from then on, and what it had held by that moment."""
        history = self._history[account_id]
        ends = [at for at, _ in history[1:]] + [float("inf")]
        before = accumulate((held for _, held in history), or_)
        return [(held, gone) for (_, held), gone, end in zip(history, before, ends, strict=True) if end >= earliest]


@dataclass(slots=True)
class Watch:
    """Reads page after page, and fails where one says what it must not."""

    truth: Truth
    hidden: int = 0
    """How many times an account showed no cases."""
    _counts: Counts = field(default_factory=dict)

    def read(self, text: str, earliest: float) -> Values:
        """Return the value of every series of a page, whose cases may not be older than that."""
        values = series(text)
        never_back(values, self._counts)
        totals, groups, cases = shown(values), _severities(values, "aws_support_open_cases"), listed(values)
        accounts = {_label(labels, "account_id") for labels in values.get("aws_support_account_info", ())}
        assert totals.keys() <= accounts
        assert groups.keys() | cases.keys() <= totals.keys(), "cases of an account that shows no number of them"
        self.hidden += len(accounts) - len(totals)
        for account_id, counts in totals.items():
            found = cases[account_id]
            by_severity = Counter(severity for _, severity in found)
            assert groups[account_id] == counts == by_severity, f"{account_id}: the groups or cases are not the total"
            # A case that a listing leaves out, and that could not be looked up, stays until the next one.
            held = self.truth.since(account_id, earliest)
            assert any(each <= found <= gone for each, gone in held), f"{account_id}: {found} are shown, it held {held}"
        return values

    def forget(self, account_ids: set[str]) -> None:
        """Expect these accounts to be new when they come back."""
        if account_ids:
            self._counts = {key: n for key, n in self._counts.items() if _label(key[1], "account_id") not in account_ids}


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


def never_back(values: Values, counts: Counts, but: tuple[str, ...] = ()) -> None:
    """Check that no counter of a page is less than on those before; `but` are how names begin of which that is not so."""
    for name, samples in values.items():
        if name.endswith(("_total", "_count", "_bucket", "_sum")) and not name.startswith(but or " "):
            for labels, value in samples.items():
                before = counts.get((name, labels), 0.0)
                assert value >= before, f"{name}{{{labels} went down from {before} to {value}"
                counts[name, labels] = value


def shown(values: Values) -> dict[str, Counter[str]]:
    """Return how many open cases of each severity a page shows, of each account of which it shows any number."""
    return _severities(values, "aws_support_account_open_cases")


def listed(values: Values) -> dict[str, set[tuple[str, str]]]:
    """Return display id and severity of each case that a page shows by itself."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for labels in values.get("aws_support_case_info", ()):
        found[_label(labels, "account_id")].add((_label(labels, "display_id"), _label(labels, "severity_code")))
    return found


def up(values: Values) -> dict[str, float]:
    """Return for each account whether its last poll succeeded."""
    return {_label(labels, "account_id"): value for labels, value in values["aws_support_account_up"].items()}


def _label(labels: str, name: str) -> str:
    found = re.search(rf'{name}="([^"]*)"', labels)
    return found[1] if found else ""


def _severities(values: Values, name: str) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for labels, value in values.get(name, {}).items():
        found[_label(labels, "account_id")] += Counter({_label(labels, "severity_code"): int(value)})
    return found
