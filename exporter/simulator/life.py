"""The life of a fleet: cases are opened, answered, wait, are raised, resolved, and sometimes reopened."""

import heapq
import itertools
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from exporter.simulator.account import Account
from exporter.simulator.case import AWS_AUTHOR, Case
from exporter.simulator.catalog import ANSWERS, DESCRIPTIONS, MAILBOXES, REPLIES, SERVICES, SEVERITY_LEVELS

_MINUTE: Final = 60.0
_HOUR: Final = 3600.0
_DAY: Final = 86400.0
_SEVERITY_CODES: Final = tuple(code for code, _ in SEVERITY_LEVELS)
_SEVERITY_WEIGHTS: Final = (30, 40, 19, 8, 3)
_FIRST_RESPONSE_SECONDS: Final[Mapping[str, float]] = {
    "low": 24 * _HOUR,
    "normal": 12 * _HOUR,
    "high": 4 * _HOUR,
    "urgent": _HOUR,
    "critical": 15 * _MINUTE,
}
_PRESSING: Final = frozenset({"urgent", "critical"})
_RAISED_SHARE: Final = 0.05
_REOPENED_SHARE: Final = 0.08
_INTERNAL_SHARE: Final = 0.2
_SOLVED_SHARE: Final = 0.35
_MEAN_OPEN_DAYS: Final = 4.2
"""What the delays and shares of this module add up to."""

_LANGUAGES: Final = ("en", "ja", "zh", "ko")
_LANGUAGE_WEIGHTS: Final = (88, 6, 4, 2)


class _Step(Enum):
    """What can happen next."""

    OPEN = auto()
    ASSIGN = auto()
    ANSWER = auto()
    REPLY = auto()
    RAISE = auto()
    RESOLVE = auto()
    REOPEN = auto()


@dataclass(order=True, slots=True)
class _Event:
    """Something that is due; the number keeps events of the same moment in their order.

    Attributes:
        due_at: Unix seconds.
        case: None for one that is yet to be opened.
        keeps_pace: Whether it comes sooner when the fleet is sped up. What AWS neglects does not.
    """

    due_at: float
    number: int
    step: _Step = field(compare=False)
    account_id: str = field(compare=False)
    case: Case | None = field(compare=False)
    keeps_pace: bool = field(compare=False)


@dataclass(frozen=True, slots=True)
class _Inhabitant:
    """An account that opens cases, and its own generator."""

    account: Account
    rng: random.Random
    cases_per_day: float


class CaseLife:
    """Opens cases in accounts and carries them through to their end.

    Args:
        rng: Every account draws a generator from it, so that accounts do not disturb each other.
        start_at: When life begins, in Unix seconds. What is opened from here to the present becomes the backlog.
        late_share: The share of cases whose first response comes after its target.
    """

    def __init__(self, rng: random.Random, *, start_at: float, late_share: float) -> None:
        self._rng = rng
        self._late_share = late_share
        self._now = start_at
        self._pace = 1.0
        self._events: list[_Event] = []
        self._numbers = itertools.count()
        self._inhabitants: dict[str, _Inhabitant] = {}
        self._steps: Mapping[_Step, Callable[[Case], None]] = {
            _Step.ASSIGN: self._assign,
            _Step.ANSWER: self._answer,
            _Step.REPLY: self._reply,
            _Step.RAISE: self._raise,
            _Step.RESOLVE: self._resolve,
            _Step.REOPEN: self._reopen,
        }

    def inhabit(self, account: Account, open_cases: float) -> None:
        """Let an account open cases from now on, so many that about `open_cases` are open at a time."""
        rng = random.Random(self._rng.random())  # noqa: S311 - a story, not a secret
        inhabitant = _Inhabitant(account, rng, open_cases / _MEAN_OPEN_DAYS)
        self._inhabitants[account.account_id] = inhabitant
        self._await_opening(inhabitant)

    def neglect(self, account_id: str, severity_code: str) -> None:
        """Leave one of an account's cases unanswered: its target passed a while ago, and AWS takes as long again."""
        overdue_seconds = 1.5 * _FIRST_RESPONSE_SECONDS[severity_code]
        case = self._file(self._inhabitants[account_id], severity_code, round(self._now - overdue_seconds, 3))
        self._schedule(overdue_seconds, _Step.ANSWER, case, keeps_pace=False)

    def hasten(self, pace: float) -> None:
        """Let everything that is still to come happen `pace` times as soon."""
        for event in self._events:
            if event.keeps_pace:
                event.due_at = self._now + (event.due_at - self._now) / pace
        heapq.heapify(self._events)
        self._pace *= pace

    def advance(self, now: float) -> None:
        """Let everything happen that is due by `now`, in its order."""
        while self._events and self._events[0].due_at <= now:
            event = heapq.heappop(self._events)
            self._now = event.due_at
            if event.case is None:
                self._open(self._inhabitants[event.account_id])
            elif event.case.is_open or event.step is _Step.REOPEN:
                self._steps[event.step](event.case)
        self._now = max(self._now, now)

    def _open(self, inhabitant: _Inhabitant) -> None:
        self._await_opening(inhabitant)
        rng = inhabitant.rng
        severity_code = rng.choices(_SEVERITY_CODES, _SEVERITY_WEIGHTS)[0]
        case = self._file(inhabitant, severity_code, round(self._now, 3))
        target = _FIRST_RESPONSE_SECONDS[severity_code]
        late_share = self._late_share if severity_code in _PRESSING else self._late_share / self._pace
        if rng.random() < late_share:
            self._schedule(target * rng.uniform(1.1, 2.5), _Step.ANSWER, case, keeps_pace=False)
        else:
            delay = target * rng.uniform(0.1, 0.9)
            self._schedule(delay * 0.6, _Step.ASSIGN, case)
            self._schedule(delay, _Step.ANSWER, case)
        if rng.random() < _RAISED_SHARE:
            self._schedule(rng.uniform(_HOUR, _DAY), _Step.RAISE, case)

    def _file(self, inhabitant: _Inhabitant, severity_code: str, created_at: float) -> Case:
        rng = inhabitant.rng
        service = rng.choice(SERVICES)
        case = inhabitant.account.add_case(
            subject=rng.choice(service.subjects),
            status=rng.choice(("opened", "unassigned")),
            severity_code=severity_code,
            service_code=service.code,
            category_code=rng.choice(service.categories),
            language=rng.choices(_LANGUAGES, _LANGUAGE_WEIGHTS)[0],
            submitted_by=f"{rng.choice(MAILBOXES)}@example.com",
            cc_email_addresses=(f"{inhabitant.account.name}-alerts@example.com",),
            created_at=created_at,
        )
        self._write(case, _customer(case), rng.choice(DESCRIPTIONS), created_at)
        return case

    def _assign(self, case: Case) -> None:
        if case.status in {"opened", "unassigned"}:
            case.status = "work-in-progress"

    def _answer(self, case: Case) -> None:
        rng = self._inhabitants[case.account_id].rng
        self._write(case, AWS_AUTHOR, rng.choice(ANSWERS))
        if rng.random() < _INTERNAL_SHARE:
            case.status = "pending-amazon-action"
            self._schedule(rng.uniform(2 * _HOUR, _DAY), _Step.ANSWER, case)
            return
        case.status = "pending-customer-action"
        if rng.random() < _SOLVED_SHARE:
            self._schedule(_spread(rng, _DAY), _Step.RESOLVE, case)
        else:
            self._schedule(_spread(rng, 12 * _HOUR), _Step.REPLY, case)

    def _reply(self, case: Case) -> None:
        rng = self._inhabitants[case.account_id].rng
        self._write(case, _customer(case), rng.choice(REPLIES))
        case.status = "customer-action-completed"
        self._schedule(_spread(rng, 6 * _HOUR), _Step.ANSWER, case)

    def _raise(self, case: Case) -> None:
        worse = _SEVERITY_CODES.index(case.severity_code) + 1
        case.severity_code = _SEVERITY_CODES[min(worse, len(_SEVERITY_CODES) - 1)]

    def _resolve(self, case: Case) -> None:
        rng = self._inhabitants[case.account_id].rng
        case.resolve()
        if rng.random() < _REOPENED_SHARE:
            self._schedule(_spread(rng, 2 * _DAY), _Step.REOPEN, case)

    def _reopen(self, case: Case) -> None:
        rng = self._inhabitants[case.account_id].rng
        self._write(case, _customer(case), rng.choice(REPLIES))
        case.reopen()
        self._schedule(_spread(rng, 4 * _HOUR), _Step.ANSWER, case)

    def _write(self, case: Case, submitted_by: str, body: str, written_at: float | None = None) -> None:
        # AWS gives communications in whole seconds, so the first one may seem to precede its case.
        moment = math.floor(self._now if written_at is None else written_at)
        case.add_communication(body, submitted_by=submitted_by, created_at=float(moment))

    def _await_opening(self, inhabitant: _Inhabitant) -> None:
        delay = inhabitant.rng.expovariate(inhabitant.cases_per_day / _DAY)
        due_at = self._now + delay / self._pace
        account_id = inhabitant.account.account_id
        heapq.heappush(self._events, _Event(due_at, next(self._numbers), _Step.OPEN, account_id, None, keeps_pace=True))

    def _schedule(self, delay_seconds: float, step: _Step, case: Case, *, keeps_pace: bool = True) -> None:
        due_at = self._now + (delay_seconds / self._pace if keeps_pace else delay_seconds)
        event = _Event(due_at, next(self._numbers), step, case.account_id, case, keeps_pace)
        heapq.heappush(self._events, event)


def _customer(case: Case) -> str:
    """Return how the customer signs: the role and the shared mailbox behind it."""
    return f"PlatformOperators (Role) <{case.submitted_by}>"


def _spread(rng: random.Random, median_seconds: float) -> float:
    """Return a delay around a median, now and then many times as long, as people's delays are."""
    return median_seconds * rng.lognormvariate(0.0, 0.9)
