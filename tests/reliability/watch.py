"""What must hold of every page, whatever went wrong before it."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.simulator.fleet import Fleet

_COUNTER = re.compile(r"\w+_(?:total|count|bucket|sum)[{ ]?")
_ACCOUNT = re.compile(r'account_id="(\d{12})"')
_SEVERITY = re.compile(r'severity_code="(\w+)"')
_DISPLAY_ID = re.compile(r'display_id="(\d+)"')
_TOTALS = "aws_support_account_open_cases{"
_GROUPS = "aws_support_open_cases{"
_INFO = "aws_support_case_info{"

Held = frozenset[tuple[str, str]]
"""Display id and severity of each open case of one account at one moment."""


class Truth:
    """What each account of a simulator held, and when.

    Args:
        fleet: The simulator's accounts.
    """

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
        return Counter(severity for _, severity in self.now(account_id))

    def since(self, account_id: str, earliest: float) -> list[Held]:
        """Return what an account held at any moment from then on."""
        history = self._history[account_id]
        ends = [at for at, _ in history[1:]] + [float("inf")]
        return [held for (_, held), end in zip(history, ends, strict=True) if end >= earliest]


@dataclass(slots=True)
class Watch:
    """Reads page after page, and fails where one says what it must not.

    Attributes:
        truth: What the simulator held.
        counters: The greatest value of every counter, of accounts that were there ever since.
        pages: How many pages were read.
        strict: How many of them by prometheus_client's parser of OpenMetrics, too.
        stale: How many accounts were seen whose cases were too old to be shown.
    """

    truth: Truth
    counters: dict[str, float] = field(default_factory=dict)
    pages: int = 0
    strict: int = 0
    stale: int = 0

    def read(self, text: str, now: float, max_staleness: float, *, strictly: bool) -> Mapping[str, float]:
        """Return the value of every series of a page.

        Args:
            text: The page.
            now: When it was made.
            max_staleness: How old the cases may be that it shows.
            strictly: Whether to have it parsed by the reference parser too, which takes half a second.
        """
        values = _series(text)
        if strictly:
            self._parse(text, values)
        self._check_counters(values)
        self._check_cases(values, now - max_staleness)
        self.pages += 1
        return values

    def forget(self, account_ids: set[str]) -> None:
        """Expect these accounts to be new when they come back."""
        self.counters = {key: value for key, value in self.counters.items() if _account(key) not in account_ids}

    def _parse(self, text: str, values: Mapping[str, float]) -> None:
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        assert len(samples) == len(values)
        self.strict += 1

    def _check_counters(self, values: Mapping[str, float]) -> None:
        for key, value in values.items():
            if _COUNTER.match(key):
                assert value >= self.counters.get(key, 0.0), f"{key} went down from {self.counters[key]} to {value}"
                self.counters[key] = value

    def _check_cases(self, values: Mapping[str, float], earliest: float) -> None:
        totals, groups, infos = _by_account(values, _TOTALS), _by_account(values, _GROUPS), _display_ids(values)
        accounts = {_account(key) for key in values if key.startswith("aws_support_account_info{")}
        assert totals.keys() <= accounts
        assert groups.keys() | infos.keys() <= totals.keys(), "cases of an account that shows no number of them"
        self.stale += len(accounts) - len(totals)
        for account_id, shown in totals.items():
            assert +groups.get(account_id, Counter()) == +shown, f"{account_id}: the groups are not the total"
            held = self.truth.since(account_id, earliest)
            fitting = [each for each in held if Counter(severity for _, severity in each) == +shown]
            assert fitting, f"{account_id}: {+shown} are shown, it held {held}"
            if account_id in infos:
                assert infos[account_id] in [{display_id for display_id, _ in each} for each in fitting], account_id


def shown(values: Mapping[str, float]) -> dict[str, Counter[str]]:
    """Return how many open cases of each severity a page shows, of each account of which it shows any number."""
    return {account_id: +counts for account_id, counts in _by_account(values, _TOTALS).items()}


def _series(text: str) -> dict[str, float]:
    values: dict[str, float] = {}
    lines = text.splitlines()
    assert lines[-1] == "# EOF"
    for line in lines:
        if not line.startswith("#"):
            key, _, value = line.rpartition(" ")
            assert key not in values, f"{key} is there twice"
            values[key] = float(value)
    return values


def _account(key: str) -> str:
    found = _ACCOUNT.search(key)
    return found[1] if found else ""


def _by_account(values: Mapping[str, float], start: str) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {}
    for key, value in values.items():
        if key.startswith(start):
            severity = _SEVERITY.search(key)
            assert severity is not None
            counts.setdefault(_account(key), Counter())[severity[1]] += int(value)
    return counts


def _display_ids(values: Mapping[str, float]) -> dict[str, set[str]]:
    ids: dict[str, set[str]] = {}
    for key in values:
        if key.startswith(_INFO):
            found = _DISPLAY_ID.search(key)
            assert found is not None
            ids.setdefault(_account(key), set()).add(found[1])
    return ids
