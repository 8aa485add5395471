"""How the fleet is doing at one moment, worst account first."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from exporter.cases import aggregate
from exporter.cases.advice import advice
from exporter.cases.model import SEVERITY_CODES, Author, Case, Reason
from exporter.cases.policy import Policy
from exporter.cases.status import AccountState, AccountStatus

WORST_FIRST = (AccountState.STALE, AccountState.FAILING, AccountState.PENDING, AccountState.OK, AccountState.UNSUPPORTED)


class Finding(NamedTuple):
    """What is known of something, and why it failed if it did; `names` are account ids, or what else there is."""

    names: tuple[str, ...]
    reason: Reason | None = None
    detail: str = ""
    advice: str = ""
    facts: Mapping[str, object] = MappingProxyType({})

    @property
    def kind(self) -> tuple[Reason | None, str, str]:
        """What is the same for all that are alike: all that is said but the account's own id."""
        own = self.names[0] if self.names[0].isdecimal() else "ACCOUNT"
        return self.reason, self.detail.replace(own, "ACCOUNT"), self.advice.replace(own, "ACCOUNT")


def finding(
    name: str, facts: Mapping[str, object], reason: Reason | None = None, detail: str = "", caller: str = ""
) -> Finding:
    """Return what is known of something, with advice if it failed; `caller` is the ARN of who was refused, if that is known."""
    return Finding((name,), reason, detail, advice(reason, detail, caller) if reason else "", facts)


def grouped(found: Iterable[Finding]) -> list[Finding]:
    """Return one finding for all that are alike: those that differ only in the account's own id."""
    kinds: dict[tuple[Reason | None, str, str], list[Finding]] = {}
    for each in found:
        kinds.setdefault(each.kind, []).append(each)
    return [
        alike[0] if len(alike) == 1 else Finding(tuple(name for each in alike for name in each.names), *kind)
        for kind, alike in kinds.items()
    ]


@dataclass(frozen=True, slots=True)
class OrganizationStatus:
    """How the discovery of an organization's accounts is doing; without a name, that of the exporter's own account."""

    name: str
    accounts: int  # that were found
    last_success: float | None = None  # in Unix seconds
    reason: Reason | None = None
    detail: str = ""
    warnings: Sequence[Finding] = ()  # why units or tags cannot be read; without a reason: many accounts left

    @property
    def advice(self) -> str:
        return advice(self.reason, self.detail) if self.reason else ""


@dataclass(frozen=True, slots=True)
class EventQueueStatus:
    """How the queue of AWS's events is doing; times are Unix seconds, `delay` is from the last event to its page in seconds."""

    url: str = ""  # where there is one
    up: bool | None = None  # None until it was asked
    last_receive: float | None = None  # when it answered last
    last_event: float | None = None
    count: int = 0  # of events
    delay: float | None = None
    reason: Reason | None = None
    detail: str = ""

    @property
    def advice(self) -> str:
        return advice(self.reason, self.detail) if self.reason else ""


@dataclass(frozen=True, slots=True)
class AccountReport:
    """How one account is doing; `cases` is None when none may be shown."""

    status: AccountStatus
    state: AccountState
    cases: tuple[Case, ...] | None  # most severe and longest quiet first
    severities: Mapping[str, int]  # number of cases by severity code
    due: Mapping[str, float]  # when the first response is due, by id of the cases that await it
    overdue: frozenset[str]  # ids of those that have waited longer

    @property
    def quiet_since(self) -> float | None:
        return aggregate.quiet_since(self.cases or ())

    @property
    def reason(self) -> Reason | None:
        return self.status.last_poll.reason if self.status.last_poll else None

    @property
    def detail(self) -> str:
        return self.status.last_poll.detail if self.status.last_poll else ""

    @property
    def advice(self) -> str:
        return advice(self.reason, self.detail) if self.reason else ""

    def words(self, cases: Iterable[str] = ()) -> str:
        """Return what an account is found by, in lower case; `cases` are the ids of those that are shown."""
        known = self.status.account
        names = (known.name, known.account_id, known.region, known.organization, known.organizational_unit)
        labels = (f"label_{name}={value}" for name, value in known.all_labels.items())
        return " ".join((*names, f"state:{self.state}", self.reason or "", *labels, *cases)).lower()


@dataclass(frozen=True, slots=True)
class FleetReport:
    """How the fleet is doing: accounts, worst first, and numbers of accounts by state and of open cases."""

    accounts: tuple[AccountReport, ...]
    organizations: tuple[OrganizationStatus, ...]
    states: Mapping[AccountState, int]
    severities: Mapping[str, int]  # the documented ones always
    turns: Mapping[Author, int]  # by whom the cases wait on
    overdue: int
    events: EventQueueStatus

    @property
    def knows_cases(self) -> bool:
        """Whether the cases of any account may be shown: if not, nothing is known of their number."""
        return any(account.cases is not None for account in self.accounts)

    def having(self, wanted: str) -> list[AccountReport]:
        """Return the accounts in which all `wanted` words occur."""
        parts = set(wanted.lower().split())
        return [account for account in self.accounts for text in [account.words()] if all(part in text for part in parts)]

    @property
    def shared_failures(self) -> list[Finding]:
        """What several accounts cannot be read for, what holds for most of them first."""
        failing = [each for each in self.accounts if each.reason and each.state is not AccountState.UNSUPPORTED]
        found = grouped(Finding((each.status.account.account_id,), each.reason, each.detail, each.advice) for each in failing)
        return sorted((each for each in found if len(each.names) > 1), key=lambda each: -len(each.names))


def fleet_report(
    statuses: Sequence[AccountStatus],
    organizations: Iterable[OrganizationStatus],
    policy: Policy,
    now: float,
    events: EventQueueStatus | None = None,
) -> FleetReport:
    accounts = sorted((account_report(status, policy, now) for status in statuses), key=_badness)
    shown = [case for account in accounts for case in account.cases or ()]
    states = Counter(account.state for account in accounts)
    turns = Counter(case.waiting_on for case in shown)
    return FleetReport(
        accounts=tuple(accounts),
        organizations=tuple(organizations),
        states={state: states[state] for state in AccountState},
        severities=aggregate.count_by_severity(shown),
        turns={author: turns[author] for author in Author},
        overdue=sum(len(account.overdue) for account in accounts),
        events=events or EventQueueStatus(),
    )


def account_report(status: AccountStatus, policy: Policy, now: float) -> AccountReport:
    reading = status.shown_reading(now, policy.max_staleness)
    cases = None if reading is None else tuple(sorted(reading.cases, key=urgency))
    due = aggregate.due(cases or (), status.account.targets, status.watched)
    return AccountReport(
        status=status,
        state=status.state(now, policy.max_staleness),
        cases=cases,
        severities=aggregate.count_by_severity(cases or ()),
        due=due,
        overdue=frozenset(case_id for case_id, at in due.items() if at < now),
    )


def _badness(account: AccountReport) -> tuple[object, ...]:
    worst = tuple(-account.severities[severity_code] for severity_code in reversed(SEVERITY_CODES))
    named = account.status.account
    return WORST_FIRST.index(account.state), worst, -len(account.overdue), named.name.casefold(), named.account_id


def urgency(case: Case) -> str:
    """Return a text that sorts cases, the most severe and longest quiet first."""
    rank = SEVERITY_CODES[::-1].index(case.severity_code) if case.severity_code in SEVERITY_CODES else len(SEVERITY_CODES)
    return f"{rank} {case.last_activity or 0.0:017.6f} {case.case_id}"
