"""The fleet: accounts with their cases, the keys that open them, and one lock for all of it."""

import random
import threading
from dataclasses import dataclass
from typing import Protocol, Self

from exporter.simulator import populations
from exporter.simulator.account import ROLE_NAME, Account, Role
from exporter.simulator.case import Case
from exporter.simulator.clock import Clock
from exporter.simulator.keys import AccessKey, KeyRing

_ACCOUNT_ID_FLOOR = 100_000_000_000
_JOINED_BEFORE_SECONDS = 400 * 86400
_USER_NAME = "aws-support-exporter"


class Life(Protocol):
    """What happens in a fleet by itself."""

    def advance(self, now: float) -> None:
        """Let everything happen that is due by `now`."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a fleet holds."""

    accounts: int
    cases: int
    open_cases: int
    communications: int


class Fleet:
    """Accounts and their cases.

    Args:
        clock: Returns the current time in Unix seconds.
        rng: The source of every id and secret.
        life: What happens by itself; a test's fleet has none.

    Attributes:
        clock: As passed in.
        rng: As passed in.
        life: As passed in.
        lock: Held by whoever reads or changes more than one thing at a time.
        keys: All access keys.
        accounts: In the order in which they were added.
        has_organization: Whether the accounts form an organization.
        organization_id: Its id.
        delegated_administrators: Ids of the accounts that may list accounts besides the management account.
        empty_pages: Whether ListAccounts puts an empty page between two pages.
    """

    def __init__(self, clock: Clock, rng: random.Random, life: Life | None = None) -> None:
        self.clock = clock
        self.rng = rng
        self.life = life
        self.lock = threading.RLock()
        self.keys = KeyRing(rng)
        self.accounts: list[Account] = []
        self.has_organization = True
        self.organization_id = f"o-{rng.randbytes(5).hex()}"
        self.delegated_administrators: set[str] = set()
        self.empty_pages = True
        self._by_id: dict[str, Account] = {}
        self._management_account: Account | None = None
        self._base_account: Account | None = None
        self._base_key: AccessKey | None = None

    @classmethod
    def empty(cls, clock: Clock, seed: int = 0) -> Self:
        """Return a fleet without accounts and without a life of its own."""
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
        populations.add_accounts(fleet, accounts)
        populations.fill_uniformly(fleet, cases=cases, communications=communications, body_chars=body_chars)
        return fleet

    @classmethod
    def living(cls, clock: Clock, *, accounts: int, cases: float, seed: int = 0, pace: float = 1.0) -> Self:
        """Return a fleet whose accounts have about `cases` cases open at any time, opened and resolved by themselves."""
        fleet = cls.empty(clock, seed)
        populations.add_accounts(fleet, accounts)
        open_cases = {account.account_id: cases for account in fleet.accounts}
        populations.bring_to_life(fleet, open_cases, pace=pace)
        return fleet

    @classmethod
    def demo(cls, clock: Clock, seed: int = 0, pace: float = 1.0) -> Self:
        """Return a living fleet of a dozen accounts, some of which cannot be read, or not always."""
        fleet = cls.empty(clock, seed)
        populations.fill_demo(fleet, pace=pace)
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
        """Add an account with one role that can be assumed.

        Args:
            account_id: Twelve digits; made up when left out.
            name: The name in the organization; made up when left out.
            supported: Whether its plan includes the Support API.
            trusts: Whether its role can be assumed.
            state: Its state in the organization.
            role_name: The role's name.
            external_id: The role's external id, if it asks for one.

        Returns:
            The account, which can be changed in place.
        """
        with self.lock:
            account = Account(
                account_id=account_id or str(_ACCOUNT_ID_FLOOR + self.rng.randrange(9 * _ACCOUNT_ID_FLOOR)),
                name=name or f"account-{len(self.accounts) + 1}",
                supported=supported,
                trusts=trusts,
                state=state,
                joined_at=float(int(self.clock()) - _JOINED_BEFORE_SECONDS),
                rng=random.Random(self.rng.random()),  # noqa: S311 - as above
                lock=self.lock,
                now=self.clock,
                roles={role_name: Role(role_name, external_id)},
            )
            self.accounts.append(account)
            self._by_id[account.account_id] = account
        return account

    def account(self, account_id: str) -> Account:
        """Return the account with that id.

        Raises:
            KeyError: There is none.
        """
        return self._by_id[account_id]

    def find_account(self, account_id: str) -> Account | None:
        """Return the account with that id, or None."""
        return self._by_id.get(account_id)

    @property
    def management_account(self) -> Account:
        """The organization's management account: the first one added unless another was chosen."""
        return self._management_account or self.accounts[0]

    @management_account.setter
    def management_account(self, account: Account) -> None:
        self._management_account = account

    @property
    def base_account(self) -> Account:
        """The account of the base identity: the management account unless another was chosen."""
        return self._base_account or self.management_account

    @base_account.setter
    def base_account(self, account: Account) -> None:
        with self.lock:
            self._base_account = account
            self._base_key = None

    @property
    def base_key(self) -> AccessKey:
        """The long-lived key that everything starts from."""
        with self.lock:
            if self._base_key is None:
                self._base_key = self.add_access_key(self.base_account)
            return self._base_key

    def add_access_key(self, account: Account, user_name: str = _USER_NAME) -> AccessKey:
        """Issue a long-lived key for an IAM user of the account."""
        with self.lock:
            return self.keys.issue_user(account.account_id, user_name)

    def advance(self, now: float) -> None:
        """Let everything happen that is due by `now`; the history does not depend on how often this is called."""
        if self.life is not None:
            with self.lock:
                self.life.advance(now)

    def open_cases(self, account_id: str | None = None) -> list[Case]:
        """Return the cases that are not resolved, of one account or of all."""
        with self.lock:
            chosen = self.accounts if account_id is None else [self._by_id[account_id]]
            return [case for account in chosen for case in account.cases if case.is_open]

    def counts(self) -> Counts:
        """Return how much the fleet holds."""
        with self.lock:
            cases = [case for account in self.accounts for case in account.cases]
            return Counts(
                accounts=len(self.accounts),
                cases=len(cases),
                open_cases=sum(case.is_open for case in cases),
                communications=sum(len(case.communications) for case in cases),
            )
