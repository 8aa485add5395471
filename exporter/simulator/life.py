"""The life of a fleet: cases are opened, answered, wait, are raised, resolved, and sometimes reopened."""

import heapq
import itertools
import math
import random
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol, TypeAlias

from exporter.simulator.account import Account
from exporter.simulator.case import AWS_AUTHOR, Case
from exporter.simulator.catalog import (
    ANSWERS,
    CLOSING,
    DESCRIPTIONS,
    INTERIM_UPDATES,
    MAILBOXES,
    NOTICES,
    REPLIES,
    SERVICES,
    SEVERITY_CODES,
    SUBJECTS,
    TECHNICAL_SERVICES,
)

_HOUR: Final = 3600.0
_DAY: Final = 86400.0
_SEVERITY_WEIGHTS: Final = (30, 40, 19, 8, 3)
_TARGETS: Final = dict(zip(SEVERITY_CODES, (24 * _HOUR, 12 * _HOUR, 4 * _HOUR, _HOUR, _HOUR / 4), strict=True))
"""How soon the first response should come, in seconds by severity."""

_PRESSING: Final = frozenset({"urgent", "critical"})
_RAISED_SHARE: Final = 0.05
_REOPENED_SHARE: Final = 0.08
_INTERIM_SHARE: Final = 0.25
_OPENED_BY_AWS_SHARE: Final = 0.08
_SOLVED_SHARE: Final = 0.35
_MEAN_OPEN_DAYS: Final = 4.7
"""What the delays and shares of this module add up to."""

_LANGUAGES: Final = ("en", "ja", "zh", "ko")
_LANGUAGE_WEIGHTS: Final = (88, 6, 4, 2)


Services: TypeAlias = Sequence[tuple[str, tuple[str, ...]]]
"""Service codes, each with its category codes."""


class _Event(NamedTuple):
    """Something that is due, at `due_at` in Unix seconds; numbers are unique, so that the rest is never compared.

    What AWS neglects does not come sooner when the fleet is sped up: it does not keep pace.
    """

    due_at: float
    number: int
    keeps_pace: bool
    step: Callable[[], None]


class _Inhabitant(NamedTuple):
    account: Account
    rng: random.Random
    cases_per_day: float


class Life(Protocol):
    """Lets things happen in a fleet."""

    def advance(self, now: float) -> None:
        """Let everything happen that is due by `now`, in Unix seconds."""


class CaseLife:
    """Opens cases in accounts and carries them through to their end.

    Args:
        rng: Every account draws a generator from it, so that accounts do not disturb each other.
        start_at: When life begins, in Unix seconds. What is opened from here to the present becomes the backlog.
        late_share: The share of cases whose first response comes after its target.
        dated: Whether listings tell when all that happens did: no case is raised or reopened, and who resolves one says so.
    """

    def __init__(self, rng: random.Random, *, start_at: float, late_share: float, dated: bool = False) -> None:
        self._rng = rng
        self.late_share = late_share
        self.dated = dated
        self._now = start_at
        self._pace = 1.0
        self._events: list[_Event] = []
        self._numbers = itertools.count()
        self._inhabitants: dict[str, _Inhabitant] = {}

    def inhabit(self, account: Account, open_cases: float) -> None:
        """Let an account open cases from now on, so many that about `open_cases` are open at a time."""
        rng = random.Random(self._rng.random())  # noqa: S311 - a story, not a secret
        inhabitant = self._inhabitants[account.account_id] = _Inhabitant(account, rng, open_cases / _MEAN_OPEN_DAYS)
        self._await_opening(inhabitant)

    def neglect(self, account_id: str, severity_code: str, age: float, services: Services = TECHNICAL_SERVICES) -> None:
        """Leave one of an account's cases unanswered for `age` seconds by now; AWS takes as long again."""
        inhabitant = self._inhabitants[account_id]
        case = self._file(inhabitant, severity_code, round(self._now - age, 3), services)
        self._schedule(age, self._answer, inhabitant, case, keeps_pace=False)

    def notify(self, account_id: str, seconds: float) -> None:
        """Let AWS open a case in an account in so many seconds."""
        self._push(seconds, lambda: self._open_by_aws(self._inhabitants[account_id]), keeps_pace=False)

    def hasten(self, pace: float) -> None:
        """Let everything that is still to come happen `pace` times as soon."""
        self._events = [
            _Event(self._now + (due_at - self._now) / pace if keeps_pace else due_at, number, keeps_pace, step)
            for due_at, number, keeps_pace, step in self._events
        ]
        heapq.heapify(self._events)
        self._pace *= pace

    def advance(self, now: float) -> None:
        """Let everything happen that is due by `now`, in its order."""
        while self._events and self._events[0].due_at <= now:
            event = heapq.heappop(self._events)
            self._now = event.due_at
            event.step()
        self._now = max(self._now, now)

    def _open(self, inhabitant: _Inhabitant) -> None:
        self._await_opening(inhabitant)
        rng = inhabitant.rng
        if rng.random() < _OPENED_BY_AWS_SHARE:
            self._open_by_aws(inhabitant)
            return
        severity_code = rng.choices(SEVERITY_CODES, _SEVERITY_WEIGHTS)[0]
        case = self._file(inhabitant, severity_code, round(self._now, 3))
        target = _TARGETS[severity_code]
        late_share = self.late_share if severity_code in _PRESSING else self.late_share / self._pace
        if rng.random() < late_share:
            self._schedule(target * rng.uniform(1.1, 2.5), self._answer, inhabitant, case, keeps_pace=False)
        else:
            delay = target * rng.uniform(0.1, 0.9)
            self._schedule(delay * 0.6, self._assign, inhabitant, case)
            self._schedule(delay, self._answer, inhabitant, case)
        if rng.random() < _RAISED_SHARE and not self.dated:
            self._schedule(rng.uniform(_HOUR, _DAY), self._raise, inhabitant, case)

    def _open_by_aws(self, inhabitant: _Inhabitant) -> None:
        severity_code = inhabitant.rng.choices(SEVERITY_CODES, _SEVERITY_WEIGHTS)[0]
        case = self._file(inhabitant, severity_code, round(self._now, 3), author=AWS_AUTHOR)
        self._await_customer(inhabitant, case)

    def _file(
        self, inhabitant: _Inhabitant, severity_code: str, created_at: float, services: Services = SERVICES, author: str = ""
    ) -> Case:
        rng = inhabitant.rng
        service_code, category_codes = rng.choice(services)
        case = inhabitant.account.add_case(
            subject=rng.choice(SUBJECTS).format(service_code),
            status=rng.choice(("opened", "unassigned")),
            severity_code=severity_code,
            service_code=service_code,
            category_code=rng.choice(category_codes),
            language=rng.choices(_LANGUAGES, _LANGUAGE_WEIGHTS)[0],
            submitted_by=f"{rng.choice(MAILBOXES)}@example.com",
            cc_email_addresses=(f"{inhabitant.account.name}-alerts@example.com",),
            created_at=created_at,
        )
        self._write(case, author or _customer(case), rng.choice(NOTICES if author else DESCRIPTIONS), created_at)
        return case

    def _assign(self, _inhabitant: _Inhabitant, case: Case) -> None:
        if case.status in {"opened", "unassigned"}:
            case.status = "work-in-progress"

    def _answer(self, inhabitant: _Inhabitant, case: Case) -> None:
        rng = inhabitant.rng
        if rng.random() < _INTERIM_SHARE:
            self._write(case, AWS_AUTHOR, rng.choice(INTERIM_UPDATES))
            case.status = rng.choice(("pending-amazon-action", "work-in-progress"))
            self._schedule(rng.uniform(2 * _HOUR, _DAY), self._answer, inhabitant, case)
            return
        self._write(case, AWS_AUTHOR, rng.choice(ANSWERS))
        self._await_customer(inhabitant, case)

    def _await_customer(self, inhabitant: _Inhabitant, case: Case) -> None:
        rng = inhabitant.rng
        case.status = "pending-customer-action"
        if rng.random() < _SOLVED_SHARE:
            self._schedule(_spread(rng, _DAY), self._resolve, inhabitant, case)
        else:
            self._schedule(_spread(rng, 12 * _HOUR), self._reply, inhabitant, case)

    def _reply(self, inhabitant: _Inhabitant, case: Case) -> None:
        self._write(case, _customer(case), inhabitant.rng.choice(REPLIES))
        case.status = "customer-action-completed"
        self._schedule(_spread(inhabitant.rng, 6 * _HOUR), self._answer, inhabitant, case)

    def _raise(self, _inhabitant: _Inhabitant, case: Case) -> None:
        worse = SEVERITY_CODES.index(case.severity_code) + 1
        case.severity_code = SEVERITY_CODES[min(worse, len(SEVERITY_CODES) - 1)]

    def _resolve(self, inhabitant: _Inhabitant, case: Case) -> None:
        if self.dated:
            self._write(case, _customer(case), CLOSING)
        case.resolve()
        if inhabitant.rng.random() < _REOPENED_SHARE and not self.dated:
            self._schedule(_spread(inhabitant.rng, 2 * _DAY), self._reopen, inhabitant, case, needs_open=False)

    def _reopen(self, inhabitant: _Inhabitant, case: Case) -> None:
        self._write(case, _customer(case), inhabitant.rng.choice(REPLIES))
        case.reopen()
        self._schedule(_spread(inhabitant.rng, 4 * _HOUR), self._answer, inhabitant, case)

    def _write(self, case: Case, submitted_by: str, body: str, written_at: float | None = None) -> None:
        # AWS gives communications in whole seconds, so the first one may seem to precede its case.
        moment = math.floor(self._now if written_at is None else written_at)
        case.add_communication(body, submitted_by=submitted_by, created_at=float(moment))

    def _await_opening(self, inhabitant: _Inhabitant) -> None:
        delay = inhabitant.rng.expovariate(inhabitant.cases_per_day / _DAY)
        self._push(delay / self._pace, lambda: self._open(inhabitant))

    def _schedule(
        self,
        delay_seconds: float,
        step: Callable[[_Inhabitant, Case], None],
        inhabitant: _Inhabitant,
        case: Case,
        *,
        keeps_pace: bool = True,
        needs_open: bool = True,
    ) -> None:
        def take() -> None:
            if case.is_open or not needs_open:
                step(inhabitant, case)

        self._push(delay_seconds / self._pace if keeps_pace else delay_seconds, take, keeps_pace=keeps_pace)

    def _push(self, delay_seconds: float, step: Callable[[], None], *, keeps_pace: bool = True) -> None:
        heapq.heappush(self._events, _Event(self._now + delay_seconds, next(self._numbers), keeps_pace, step))


def _customer(case: Case) -> str:
    """Return how the customer signs: the role and the shared mailbox behind it."""
    return f"PlatformOperators (Role) <{case.submitted_by}>"


def _spread(rng: random.Random, median_seconds: float) -> float:
    """Return a delay around a median, now and then many times as long, as people's delays are."""
    return median_seconds * rng.lognormvariate(0.0, 0.9)
