"""The fleet: accounts with their cases, the keys that open them, and one lock for all of it."""

import itertools
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from exporter.simulator.account import ROLE_NAME, Account, Role
from exporter.simulator.case import AWS_AUTHOR, CUSTOMER_AUTHOR, Case, Clock
from exporter.simulator.catalog import ACCOUNT_NAMES, QUOTA_INCREASES, SERVICES, SEVERITY_CODES
from exporter.simulator.keys import AccessKey, KeyRing
from exporter.simulator.life import CaseLife, Life
from exporter.simulator.sqs import EventQueue

_HOUR: Final = 3600.0
_DAY: Final = 86400.0
_LOWEST_ACCOUNT_ID: Final = 100_000_000_000
_JOINED_BEFORE_SECONDS: Final = 400 * 86400
_HISTORY_SECONDS: Final = 35 * _DAY
_LATE_SHARE: Final = 0.08
_OPEN_STATUSES: Final = (
    *("opened", "unassigned", "work-in-progress", "pending-customer-action"),
    *("customer-action-completed", "pending-amazon-action", "reopened"),
)
_ROOT_ID: Final = "r-demo"
_SENTENCE: Final = "The quick brown fox jumps over the lazy dog and looks back once more. "

_DEMO_PERIOD: Final = 30 * _DAY
"""Demos that start in the same such period have the same past."""
_DEMO_PERIODS: Final = 13
_DEMO_OPEN_CASES: Final = (2.0, 4.0, 3.5, 4.0, 3.0, 1.5, 2.0, 3.5, 1.0)
_DEMO_CONTENTION: Final = 0.7
_DEMO_LATE_SHARE: Final = 0.25
_DEMO_NEGLECTED: Final = (
    *(("critical", 0.4 * _HOUR), ("high", 6 * _HOUR), ("normal", 18 * _HOUR)),
    ("urgent", _HOUR - 45),  # its target passes while somebody looks
)
_DEMO_TEAMS: Final = ("platform", "checkout", "data", "")
_DEMO_QUOTA_CASE_AGE: Final = 3 * _DAY
_DEMO_NOTICE_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Counts:
    accounts: int
    cases: int
    open_cases: int
    communications: int


class Fleet:
    """Accounts and their cases.

    Attributes:
        clock: Returns the current time in Unix seconds.
        lock: Held by whoever reads or changes more than one thing at a time.
        life: What happens by itself, or None.
        delegated_administrators: Ids of the accounts that may list accounts besides the management account.
        empty_pages: Whether ListAccounts puts an empty page between two pages.
        tells_paths: Whether ListAccounts tells the organizational units of accounts.
        units: Name and parent (empty: the root) of each organizational unit by its id.
    """

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self.clock = clock
        self.rng = rng
        self.lock = threading.RLock()
        self.life: Life | None = None
        self.events: EventQueue | None = None
        self.keys = KeyRing(rng)
        self.accounts: list[Account] = []
        self.organization_id = f"o-{rng.randbytes(5).hex()}"
        self.delegated_administrators: set[str] = set()
        self.empty_pages = True
        self.tells_paths = True
        self.units: dict[str, tuple[str, str]] = {}
        self._by_id: dict[str, Account] = {}
        self._base_key: AccessKey | None = None

    @classmethod
    def empty(cls, clock: Clock, seed: int = 0) -> Self:
        """Return a fleet without accounts, in which nothing happens by itself."""
        return cls(clock, random.Random(seed))  # noqa: S311 - ids that need to repeat, not secrets that must not

    @classmethod
    def uniform(
        cls,
        clock: Clock,
        *,
        accounts: int = 1000,
        cases: int = 20,
        communications: int = 5,
        body_chars: int = 500,
        seed: int = 0,
    ) -> Self:
        """Return a fleet of equal accounts in which nothing happens, for benchmarks."""
        fleet = cls.empty(clock, seed)
        _add_accounts(fleet, accounts)
        body = (_SENTENCE * (body_chars // len(_SENTENCE) + 1))[:body_chars]
        now = clock()
        for account in fleet.accounts:
            for number in range(cases):
                service_code, category_codes = SERVICES[number % len(SERVICES)]
                created_at = now - (cases - number) * _DAY / 2
                case = account.add_case(
                    status=_OPEN_STATUSES[number % len(_OPEN_STATUSES)],
                    severity_code=SEVERITY_CODES[number % len(SEVERITY_CODES)],
                    service_code=service_code,
                    category_code=category_codes[0],
                    created_at=created_at,
                )
                for index in range(communications):
                    author = AWS_AUTHOR if index % 2 else CUSTOMER_AUTHOR
                    case.add_communication(body, submitted_by=author, created_at=created_at + index * _HOUR)
        return fleet

    @classmethod
    def living(
        cls, clock: Clock, *, accounts: int, cases: float, seed: int = 0, pace: float = 1.0, dated: bool = False
    ) -> Self:
        """Return a fleet whose accounts have about `cases` cases open at any time, opened and resolved by themselves."""
        fleet = cls.empty(clock, seed)
        _add_accounts(fleet, accounts)
        open_cases = {account.account_id: cases for account in fleet.accounts}
        _bring_to_life(fleet, open_cases, begin=clock() - _HISTORY_SECONDS, pace=pace, dated=dated)
        return fleet

    @classmethod
    def demo(cls, clock: Clock, seed: int = 0, pace: float = 1.0) -> Self:
        """Return a living fleet of a dozen accounts with a year behind them; some cannot be read, or not always."""
        fleet = cls.empty(clock, seed)
        _add_accounts(fleet, len(_DEMO_OPEN_CASES))
        open_cases = dict(zip((account.account_id for account in fleet.accounts), _DEMO_OPEN_CASES, strict=True))
        fleet.add_account(name="sandbox", supported=False)
        open_cases[fleet.add_account(name="acquired-subsidiary", trusts=False).account_id] = 2.0
        busy = fleet.add_account(name="observability")
        busy.contention = _DEMO_CONTENTION
        open_cases[busy.account_id] = 0.1  # each request for its past is throttled a few times
        fleet.add_account(name="retired-shop", state="SUSPENDED")
        workloads = fleet.add_unit("Workloads")
        units = [fleet.add_unit(name, workloads) for name in ("Prod", "Test")]
        for account, team in zip(fleet.accounts[1:], itertools.cycle(_DEMO_TEAMS)):
            account.unit = units[account.name == "sandbox"]
            account.tags = {"team": team, "cost-center": f"cc-{10 + len(team)}"} if team else {}
        begin = (clock() // _DEMO_PERIOD - _DEMO_PERIODS) * _DEMO_PERIOD
        life = _bring_to_life(fleet, open_cases, begin=begin, pace=pace, dated=True)
        life.dated, life.late_share = False, _DEMO_LATE_SHARE
        for account, (severity_code, age) in zip(fleet.accounts[1:], _DEMO_NEGLECTED, strict=False):
            life.neglect(account.account_id, severity_code, age)
        life.notify(fleet.accounts[5].account_id, _DEMO_NOTICE_SECONDS)
        life.neglect(fleet.management_account.account_id, "normal", _DEMO_QUOTA_CASE_AGE, QUOTA_INCREASES)
        return fleet

    def add_account(
        self,
        account_id: str | None = None,
        name: str | None = None,
        *,
        supported: bool = True,
        trusts: bool = True,
        state: str = "ACTIVE",
        role_name: str = ROLE_NAME,
        external_id: str | None = None,
    ) -> Account:
        """Add an account with one role that can be assumed; id and name are made up when left out."""
        with self.lock:
            account = Account(
                account_id=account_id or str(_LOWEST_ACCOUNT_ID + self.rng.randrange(9 * _LOWEST_ACCOUNT_ID)),
                name=name or f"account-{len(self.accounts) + 1}",
                supported=supported,
                trusts=trusts,
                state=state,
                joined_at=float(int(self.clock()) - _JOINED_BEFORE_SECONDS),
                rng=random.Random(self.rng.random()),  # noqa: S311 - as above
                lock=self.lock,
                now=self.clock,
                tell=self._tell,
                roles={role_name: Role(role_name, external_id)},
            )
            self.accounts.append(account)
            self._by_id[account.account_id] = account
        return account

    def send_events(self, lost: float = 0.0, doubled: float = 0.0, late: float = 0.0) -> EventQueue:
        """Send all events from now on, but for such shares, to a queue of the management account."""
        rng = random.Random(self.rng.random())  # noqa: S311 - as above
        self.events = EventQueue(self.management_account.account_id, self.clock, rng, lost, doubled, late)
        return self.events

    def _tell(self, case: Case, name: str, author: str = "") -> None:
        if self.events is not None:
            with self.lock:
                self.events.tell(case, name, author)

    def add_unit(self, name: str, parent: str = "") -> str:
        """Add an organizational unit, below the root or another unit, and return its id."""
        unit_id = f"ou-demo-{len(self.units):08x}"
        self.units[unit_id] = (name, parent)
        return unit_id

    def path(self, account: Account) -> str:
        """Return where an account is, as ListAccounts tells it."""
        parts, unit_id = [account.account_id, ""], account.unit
        while unit_id:
            parts.insert(0, unit_id)
            unit_id = self.units[unit_id][1]
        return "/".join((self.organization_id, _ROOT_ID, *parts))

    def account(self, account_id: str) -> Account:
        return self._by_id[account_id]

    def find_account(self, account_id: str) -> Account | None:
        return self._by_id.get(account_id)

    @property
    def management_account(self) -> Account:
        """The organization's management account, which is also the base identity's: the first one added."""
        return self.accounts[0]

    @property
    def base_key(self) -> AccessKey:
        """The long-lived key that everything starts from."""
        with self.lock:
            if self._base_key is None:
                self._base_key = self.add_access_key(self.management_account)
            return self._base_key

    def add_access_key(self, account: Account, user_name: str = "aws-support-exporter") -> AccessKey:
        with self.lock:
            return self.keys.issue_user(account.account_id, user_name)

    def advance(self, now: float) -> None:
        """Let everything happen that is due by `now`; the history does not depend on how often this is called."""
        if self.life is not None:
            with self.lock:
                self.life.advance(now)

    def open_cases(self, account_id: str | None = None) -> list[Case]:
        with self.lock:
            chosen = self.accounts if account_id is None else [self._by_id[account_id]]
            return [case for account in chosen for case in account.cases if case.is_open]

    def counts(self) -> Counts:
        with self.lock:
            cases = [case for account in self.accounts for case in account.cases]
            return Counts(
                accounts=len(self.accounts),
                cases=len(cases),
                open_cases=sum(case.is_open for case in cases),
                communications=sum(len(case.communications) for case in cases),
            )


def _add_accounts(fleet: Fleet, count: int) -> None:
    for number in range(count):
        round_number, position = divmod(number - 1, len(ACCOUNT_NAMES))
        name = ACCOUNT_NAMES[position] + (f"-{round_number + 1}" if round_number else "")
        fleet.add_account(name=name if number else "management")


def _bring_to_life(
    fleet: Fleet, open_cases: Mapping[str, float], *, begin: float, pace: float, dated: bool = False
) -> CaseLife:
    """Give the fleet a history since `begin`, and more `pace` times as fast from now on; `open_cases` is by account id."""
    now = fleet.clock()
    fleet.life = life = CaseLife(fleet.rng, start_at=begin, late_share=_LATE_SHARE, dated=dated)
    for account_id, number in open_cases.items():
        life.inhabit(fleet.account(account_id), number)
    life.advance(now)
    life.hasten(pace)
    return life
